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
	_, err := h.Invoke(t.Context(), payload)
	require.NoError(t, err)
	clear(payload) // the sink owns its record
	requireDead(t, sink, "MalformedDetail", "event-2")
	d := sink.dead[0]
	require.WithinDuration(t, time.Now(), d.Time, time.Minute)
	d.Time = time.Time{}
	require.Equal(t, rec.String(), string(d.Record))
	require.JSONEq(t, `{"eventId":"event-2","eventName":"User.Created","source":"userService","timestamp":0}`, withoutTime(string(d.Headers)))
	require.JSONEq(t, `{"pk":{"S":"event-2"},"sk":{"N":"0"}}`, withoutTime(string(d.Keys)))
	d.Record, d.Headers, d.Keys = nil, nil, nil
	require.Equal(t, deadLetter{
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

func TestASinkThatRefuses(t *testing.T) {
	sink := refusing(errors.New("full"))
	t.Run("an event that the bus refuses", func(t *testing.T) {
		h := newHandler(t, &scriptedBus{answer: refuse(malformed, "event-2")}, sink, partial)
		out, err := h.Invoke(t.Context(), events(1, 30))
		require.NoError(t, err)
		require.Equal(t, "2", failure(out))
	})
	t.Run("a record that cannot be read", func(t *testing.T) {
		bus := &scriptedBus{}
		h := newHandler(t, bus, sink, partial)
		out, err := h.Invoke(t.Context(), batch(testRecord{sequence: 1}, testRecord{sequence: 2, payload: `{"??":1}`}, testRecord{sequence: 3}))
		require.NoError(t, err)
		require.Equal(t, "2", failure(out))
		require.Contains(t, bus.accepted, "event-1")
		bus.accepted = nil
		out, err = h.Invoke(t.Context(), batch(testRecord{sequence: 2, payload: `{"??":1}`}, testRecord{sequence: 4}))
		require.NoError(t, err)
		require.Equal(t, "2", failure(out), "again, and in every delivery")
	})
	t.Run("Block", func(t *testing.T) {
		h := newHandler(t, &scriptedBus{}, relay.Block)
		_, err := h.Invoke(t.Context(), batch(testRecord{sequence: 2, payload: `{"??":1}`}))
		require.Equal(t, relay.EventFault, unpublishedIn(t, err).Class)
	})
}

// A sink that panics has taken nothing: the record comes again, and is put
// again, until the sink takes it.
func TestASinkThatPanicsHasTakenNothing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		record testRecord
		answer answer
		code   string
	}{
		{name: "an event that the bus refuses", record: testRecord{sequence: 2}, code: "MalformedDetail",
			answer: refuse(malformed, "event-2")},
		{name: "a record that cannot be read", record: testRecord{sequence: 2, payload: `{"??":1}`}, code: "UnsupportedType"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			payload := batch(testRecord{sequence: 1}, tt.record)
			sink := &recordingSink{before: func(context.Context, deadLetter) error { panic("the sink") }}
			var m relay.Metrics
			h := newHandler(t, &scriptedBus{answer: tt.answer}, sink, keep(&m))
			_, err := h.Invoke(t.Context(), payload)
			u := unpublishedIn(t, err)
			require.Equal(t, "000000000000000000002", u.SequenceNumber)
			require.Equal(t, tt.code, u.Code)
			require.Equal(t, 1, u.Unpublished)
			require.Equal(t, 1, m.Failed)
			require.Zero(t, m.DeadLettered)

			p := newHandler(t, &scriptedBus{answer: tt.answer}, sink, partial, keep(&m))
			out, err := p.Invoke(t.Context(), payload)
			require.NoError(t, err)
			require.Equal(t, "2", failure(out))
			require.Equal(t, 1, m.Failed)
			require.Equal(t, 2, sink.puts)

			sink.before = nil
			for _, h := range []*relay.Handler{h, p} {
				out, err = h.Invoke(t.Context(), payload)
				require.NoError(t, err)
				require.Empty(t, failure(out))
				require.Equal(t, 1, m.DeadLettered)
			}
			requireDead(t, sink, tt.code, "event-2", "event-2") // one of each handler: neither had taken it for done
		})
	}
}
