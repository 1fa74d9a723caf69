package envelope

import "context"

// carried is what travels in a context until New freezes it into headers.
type carried struct {
	correlationID, causationID, actor, traceParent string
}

type contextKey struct{}

func carriedBy(ctx context.Context) carried {
	c, _ := ctx.Value(contextKey{}).(carried)
	return c
}

func with(ctx context.Context, set func(*carried)) context.Context {
	c := carriedBy(ctx)
	set(&c)
	return context.WithValue(ctx, contextKey{}, c)
}

// WithCorrelationID returns a context whose new events get this correlationId.
// The empty string takes it away.
func WithCorrelationID(ctx context.Context, id string) context.Context {
	return with(ctx, func(c *carried) { c.correlationID = id })
}

// CorrelationID returns the correlation id that ctx carries, or "".
func CorrelationID(ctx context.Context) string { return carriedBy(ctx).correlationID }

// WithCausationID returns a context whose new events get this causationId: the
// eventId of the event that led to them. See [Continue].
func WithCausationID(ctx context.Context, eventID string) context.Context {
	return with(ctx, func(c *carried) { c.causationID = eventID })
}

// CausationID returns the causation id that ctx carries, or "".
func CausationID(ctx context.Context) string { return carriedBy(ctx).causationID }

// WithActor returns a context whose new events get this createdBy: the user or
// system on whose behalf the work is done.
func WithActor(ctx context.Context, actor string) context.Context {
	return with(ctx, func(c *carried) { c.actor = actor })
}

// Actor returns the actor that ctx carries, or "".
func Actor(ctx context.Context) string { return carriedBy(ctx).actor }

// WithTraceParent returns a context whose new events get this W3C traceparent.
// [New] refuses one that is malformed.
func WithTraceParent(ctx context.Context, traceparent string) context.Context {
	return with(ctx, func(c *carried) { c.traceParent = traceparent })
}

// TraceParent returns the W3C traceparent that ctx carries, or "".
func TraceParent(ctx context.Context) string { return carriedBy(ctx).traceParent }

// Continue returns a context in which the work that ev asks for is done: new
// events have ev as their cause, belong to the same business process and, if ev
// has one, to the same trace.
//
// The actor goes on too, unless it is only the service that produced ev, which
// is not the one acting now. A malformed traceparent is left out, for the
// consumer cannot correct it.
func Continue(ctx context.Context, ev CustomEvent) context.Context {
	h := ev.Headers
	return with(ctx, func(c *carried) {
		c.causationID = h.EventID
		c.correlationID = h.CorrelationID
		if c.correlationID == "" {
			c.correlationID = h.EventID
		}
		c.actor = ""
		if h.CreatedBy != h.Source {
			c.actor = h.CreatedBy
		}
		c.traceParent = ""
		if _, ok := ParseTraceParent(h.TraceParent); ok {
			c.traceParent = h.TraceParent
		}
	})
}
