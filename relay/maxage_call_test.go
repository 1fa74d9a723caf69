package relay

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What the bus accepted in an earlier invocation says nothing about an outage of
// now.
func TestMaxAgeLooksAtThisInvocationOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := false
		bus := &scriptBus{answer: func(_ context.Context, _ int, entries []Entry) ([]Result, error) {
			if down {
				return fill(len(entries), Result{Class: Transient, Code: "Odd"}), nil
			}
			return accept(entries), nil
		}}
		sink := &graveyard{}
		h := newTestHandler(t, bus, sink, partial, func(o *Options) { o.MaxAge = time.Hour })
		for i := range 20 {
			down = false
			out, err := h.Invoke(t.Context(), batch(testRecord{sequence: 10*i + 1, age: 2 * time.Hour}))
			require.NoError(t, err)
			require.Empty(t, failure(out))
			down = true
			out, err = h.Invoke(t.Context(), batch(testRecord{sequence: 10*i + 2, age: 2 * time.Hour}, testRecord{sequence: 10*i + 3, age: 2 * time.Hour}))
			require.NoError(t, err)
			require.NotEmpty(t, failure(out))
		}
		require.Empty(t, sink.dead)
	})
}

// A call that fails as a whole is no fault of an entry, however old it is and
// whatever else was accepted.
func TestMaxAgeDoesNotCountWholeCalls(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error // of the call; nil is the fault of an entry
		dead []string
	}{
		{"any error", errors.New("broken"), nil},
		{"transient", &CallError{Class: Transient, Code: "Odd"}, nil},
		{"transient and retried", &CallError{Class: Transient, Code: "Odd", Retried: true}, nil},
		{"a fault of the entry", nil, []string{"event-2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := &scriptBus{limits: Limits{Entries: 1, Bytes: 1000}}
				bus.answer = func(ctx context.Context, call int, entries []Entry) ([]Result, error) {
					if entries[0].EventID == "event-2" && tt.err != nil {
						return nil, tt.err
					}
					return refuse(Result{Class: Transient, Code: "Odd"}, "event-2")(ctx, call, entries)
				}
				sink := &graveyard{}
				h := newTestHandler(t, bus, sink, partial, func(o *Options) { o.MaxAge = time.Hour })
				out, err := h.Invoke(t.Context(), batch(testRecord{sequence: 1, age: 2 * time.Hour}, testRecord{sequence: 2, age: 2 * time.Hour}))
				require.NoError(t, err)
				require.Equal(t, []string{"event-1"}, bus.accepted)
				require.Equal(t, tt.dead, sink.ids())
				require.Equal(t, tt.dead == nil, failure(out) == "2")
			})
		})
	}
}
