package relay_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// A dead letter says which record it is, and why; the sink owns all of it.
func TestADeadLetter(t *testing.T) {
	bus := &scriptedBus{answer: refuse(relay.Result{Class: relay.EventFault, Code: "MalformedDetail", Message: "why"}, "event-2")}
	sink := &recordingSink{}
	h := newHandler(t, bus, sink, func(o *relay.Options) { o.Route = func(e *relay.Entry) error { e.Bus = "there"; return nil } })
	rec := testRecord{raw: testRecord{sequence: 2}.String()}
	payload := batch(testRecord{sequence: 1}, rec)
	invoke(t, h, payload)
	clear(payload) // the sink owns its record
	requireDead(t, sink, "MalformedDetail", "event-2")
	d := sink.dead[0]
	require.WithinDuration(t, time.Now(), d.Time, time.Minute)
	d.Time = time.Time{}
	require.Equal(t, rec.String(), string(d.Record))
	require.JSONEq(t, `{"eventId":"event-2","eventName":"User.Created","source":"userService","timestamp":0}`, withoutTime(string(d.Headers)))
	require.JSONEq(t, `{"pk":{"S":"event-2"},"sk":{"N":"0"}}`, withoutTime(string(d.Keys)))
	d.Record, d.Headers, d.Keys = nil, nil, nil
	require.Equal(t, relay.DeadLetter{
		EventID: "event-2", Bus: "there", Code: "MalformedDetail", Message: "why", Attempts: 1,
		StreamARN: testARN, SequenceNumber: "000000000000000000002",
	}, d)
}

// Headers that can be read go with a record that cannot.
func TestADeadLetterOfAPayloadThatCannotBeRead(t *testing.T) {
	for _, payload := range []string{`{"S":"no JSON"}`, `{"??":1}`, `{"N":"one"}`} {
		sink := &recordingSink{}
		_, err := newHandler(t, &scriptedBus{}, sink).Invoke(t.Context(), batch(testRecord{sequence: 1}, testRecord{sequence: 2, payload: payload}, testRecord{sequence: 3}))
		require.NoError(t, err)
		require.Equal(t, []string{"event-2"}, sink.ids())
		require.Zero(t, sink.dead[0].Attempts, "it was never sent")
		require.JSONEq(t, `{"eventId":"event-2","eventName":"User.Created","source":"userService","timestamp":0}`, withoutTime(string(sink.dead[0].Headers)))
	}
}

// A sink that refuses or panics has taken nothing: the record comes again, and is
// put again, until the sink takes it.
func TestASinkThatRefuses(t *testing.T) {
	for how, before := range map[string]func(context.Context, relay.DeadLetter) error{
		"refuses": func(context.Context, relay.DeadLetter) error { return errors.New("full") },
		"panics":  func(context.Context, relay.DeadLetter) error { panic("the sink") },
	} {
		for code, record := range map[string]testRecord{
			"MalformedDetail": {sequence: 2},
			"UnsupportedType": {sequence: 2, payload: `{"??":1}`},
		} {
			t.Run(how+", "+code, func(t *testing.T) {
				payload := batch(testRecord{sequence: 1}, record)
				bus, sink := &scriptedBus{answer: refuse(malformed, "event-2")}, &recordingSink{before: before}
				var m relay.Metrics
				h := newHandler(t, bus, sink, keep(&m))
				for range 2 {
					_, err := h.Invoke(t.Context(), payload)
					u := unpublishedIn(t, err)
					require.Equal(t, "000000000000000000002", u.SequenceNumber)
					require.Equal(t, code, u.Code)
					require.Equal(t, 1, u.Unpublished)
					require.Equal(t, 1, m.Failed)
					require.Zero(t, m.DeadLettered)
				}
				p := newHandler(t, bus, sink, partial, keep(&m))
				require.Equal(t, "2", invoke(t, p, payload))
				require.Equal(t, 1, m.Failed)
				require.Equal(t, 3, sink.puts)
				require.Equal(t, []string{"event-1", "event-1"}, bus.accepted)

				sink.before = nil
				for _, h := range []*relay.Handler{h, p} {
					require.Empty(t, invoke(t, h, payload))
					require.Equal(t, 1, m.DeadLettered)
				}
				requireDead(t, sink, code, "event-2", "event-2") // one of each handler: neither had taken it for done
			})
		}
	}
	t.Run("Block", func(t *testing.T) {
		h := newHandler(t, &scriptedBus{}, relay.Block)
		_, err := h.Invoke(t.Context(), batch(testRecord{sequence: 2, payload: `{"??":1}`}))
		require.Equal(t, relay.EventFault, unpublishedIn(t, err).Class)
	})
}
