package messaging

import (
	"context"

	"go.opentelemetry.io/otel/propagation"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// traceContext reads and writes the W3C traceparent header.
var traceContext propagation.TraceContext

// continued returns a context in which spans and new events belong to what an
// event has begun. A traceparent that is malformed or empty starts a new trace.
func continued(ctx context.Context, ev envelope.CustomEvent) context.Context {
	return traceContext.Extract(envelope.Continue(ctx, ev), propagation.MapCarrier{"traceparent": ev.Headers.TraceParent})
}

// stamped returns a context whose new events carry the span of ctx as their
// traceparent.
func stamped(ctx context.Context) context.Context {
	carrier := propagation.MapCarrier{}
	traceContext.Inject(ctx, carrier)
	return envelope.WithTraceParent(ctx, carrier["traceparent"])
}
