package envelope

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
)

// CustomEvent is one event: headers that the outbox understands and a payload
// that it does not. Its JSON form, {"headers":{…},"payload":…}, is the Detail
// of the published EventBridge event.
//
// A CustomEvent is a value. Payload and Headers.Extensions are shared by
// copies of it, so treat them as read-only.
type CustomEvent struct {
	Headers Headers         `json:"headers"`
	Payload json.RawMessage `json:"payload"`

	// Bus is what EventBridge said of the event when it delivered it: set by
	// [FromSQS] and [FromEventBridge], the zero value in an event of [New] and in
	// one that came as a bare Detail. It is not part of the event, and never
	// written.
	Bus BusInfo `json:"-"`
}

// New makes the event that something called name has happened, with the JSON
// form of payload (any JSON value; nil becomes null).
//
// Everything that could differ between two attempts to write the event is
// decided here and never again: the id (a ULID with entropy from crypto/rand),
// the time (now, in milliseconds), and what ctx carries: correlation and
// causation id, actor, trace context. A missing correlation id becomes the
// event's own id: it starts a process. Make one event for what has happened, not
// one for each attempt to write it.
//
// The functions may then set any header: an EventID and Timestamp of your own,
// AggregateID and Sequence, extensions. What they set wins over ctx.
// Source, Region and CreatedBy may stay empty: a writer fills them in.
//
// An EventID of your own is unique in the event store only together with a
// Timestamp of your own: the default key holds both. Set both, to the id and the
// time of what has happened, and an event that is made again for a second attempt
// meets the first one there:
//
//	ev, err := envelope.New(ctx, "Order.Paid", order, func(h *envelope.Headers) {
//		h.EventID, h.Timestamp = "order-7-paid", order.PaidAt
//	})
//
// The error is a [*FieldError]: for a header that cannot be right, or for a
// payload that json.Marshal refuses.
func New(ctx context.Context, name string, payload any, optFns ...func(*Headers)) (CustomEvent, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return CustomEvent{}, encodeError(err, name)
	}
	now := time.Now()
	id, err := ulid.New(ulid.Timestamp(now), rand.Reader)
	if err != nil {
		return CustomEvent{}, fmt.Errorf("envelope: event %q: make eventId: %w", name, err)
	}
	carried := carriedBy(ctx)
	h := Headers{
		EventID:       id.String(),
		CorrelationID: carried.correlationID,
		CausationID:   carried.causationID,
		CreatedBy:     carried.actor,
		TraceParent:   carried.traceParent,
		EventName:     name,
		Timestamp:     now,
	}
	for _, fn := range optFns {
		if fn != nil {
			fn(&h)
		}
	}
	if h.CorrelationID == "" {
		h.CorrelationID = h.EventID
	}
	h.Timestamp = time.UnixMilli(h.Timestamp.UnixMilli()).UTC()
	if err := h.Validate(); err != nil {
		return CustomEvent{}, err
	}
	return CustomEvent{Headers: h, Payload: body}, nil
}

// Validate returns an error, a [*FieldError], if the event cannot be written: its
// headers by [Headers.Validate], or a payload that is not JSON.
//
// A writer checks more than this: what the payload may hold depends on how it
// is stored, and limits on the event as a whole.
func (ev CustomEvent) Validate() error {
	if err := ev.Headers.Validate(); err != nil {
		return err
	}
	if len(ev.Payload) == 0 {
		return ev.Headers.fieldError("payload", "missing; an event without one has the payload null")
	}
	if !json.Valid(ev.Payload) {
		return ev.Headers.fieldError("payload", notJSON(ev.Payload))
	}
	return nil
}

// Payload decodes the payload of an event into a T, as json.Unmarshal does.
//
// The error is a [*FieldError] whose text can be logged: it names the event,
// the value's path, its kind, the Go type and the byte, never the value. The
// error of json.Unmarshal is its Err.
func Payload[T any](ev CustomEvent) (T, error) {
	var v T
	if err := json.Unmarshal(ev.Payload, &v); err != nil {
		return v, ev.decodeError(err, fmt.Sprintf("%T", v))
	}
	return v, nil
}
