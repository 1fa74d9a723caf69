package relay

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// A sink that panics has taken nothing: the record comes again, and is put
// again, until the sink takes it.
func TestASinkThatPanicsHasTakenNothing(t *testing.T) {
	for _, tt := range []struct {
		name   string
		record testRecord
		answer func(context.Context, int, []Entry) ([]Result, error)
		code   string
	}{
		{name: "an event that the bus refuses", record: testRecord{sequence: 2}, code: "MalformedDetail",
			answer: refuse(Result{Class: EventFault, Code: "MalformedDetail"}, "event-2")},
		{name: "a record that cannot be read", record: testRecord{sequence: 2, payload: `{"??":1}`}, code: "UnsupportedType"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			payload := batch(testRecord{sequence: 1}, tt.record)
			puts, sink := 0, &graveyard{}
			panics := true
			dead := DeadLetterFunc(func(ctx context.Context, rec DeadRecord) error {
				puts++
				if panics {
					panic("the sink")
				}
				return sink.Put(ctx, rec)
			})
			var m Metrics
			metrics := func(o *Options) { o.Metrics = func(_ context.Context, got Metrics) { m = got } }

			h := newTestHandler(t, &scriptBus{answer: tt.answer}, dead, metrics)
			_, err := h.Invoke(t.Context(), payload)
			u := unpublishedIn(t, err)
			require.Equal(t, "000000000000000000002", u.SequenceNumber)
			require.Equal(t, tt.code, u.Code)
			require.Equal(t, 1, u.Unpublished)
			require.Equal(t, 1, m.Failed)
			require.Zero(t, m.DeadLettered)

			p := newTestHandler(t, &scriptBus{answer: tt.answer}, dead, partial, metrics)
			out, err := p.Invoke(t.Context(), payload)
			require.NoError(t, err)
			require.Equal(t, "2", failure(out))
			require.Equal(t, 1, m.Failed)
			require.Equal(t, 2, puts)

			panics = false
			for _, h := range []*Handler{h, p} {
				out, err = h.Invoke(t.Context(), payload)
				require.NoError(t, err)
				require.Empty(t, failure(out))
				require.Equal(t, 1, m.DeadLettered)
			}
			requireDead(t, sink, tt.code, "event-2", "event-2") // one of each handler: neither had taken it for done
		})
	}
}
