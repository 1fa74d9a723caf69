package relay

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// An outage of one bus is not the fault of its events, even while another bus
// of the same relay accepts.
func TestMaxAgeLooksAtTheBusOfTheEvent(t *testing.T) {
	for _, tt := range []struct {
		name string
		down func(id string) bool // of the events of the bus that has trouble
		dead []string
	}{
		{"an outage of one bus", func(string) bool { return true }, nil},
		{"one event of that bus", func(id string) bool { return id == eventID(1) }, []string{eventID(1)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := &scriptBus{answer: func(_ context.Context, _ int, entries []Entry) ([]Result, error) {
					out := accept(entries)
					for i, e := range entries {
						if e.Bus == "orders" && tt.down(e.EventID) {
							out[i] = Result{Class: Transient, Code: "InternalFailure"}
						}
					}
					return out, nil
				}}
				sink := &graveyard{}
				h := newTestHandler(t, bus, sink, func(o *Options) {
					o.MaxAge, o.Concurrency = time.Hour, 2
					o.Route = func(e *Entry) error {
						if e.DetailType == "Order.Placed" {
							e.Bus = "orders"
						}
						return nil
					}
				})
				_, err := h.Invoke(t.Context(), batch(
					testRecord{sequence: 1, name: "Order.Placed", age: 2 * time.Hour},
					testRecord{sequence: 2, name: "User.Created", age: 2 * time.Hour},
					testRecord{sequence: 3, name: "Order.Placed", age: 2 * time.Hour},
				))
				require.Equal(t, tt.dead, sink.ids())
				require.Equal(t, tt.dead == nil, err != nil)
			})
		})
	}
}

// A call whose results do not fit its entries says nothing of any of them.
func TestMaxAgeIsNotForAWrongNumberOfResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &scriptBus{limits: Limits{Entries: 2, Bytes: 1_000_000}}
		bus.answer = func(_ context.Context, _ int, entries []Entry) ([]Result, error) {
			if entries[0].EventID == eventID(3) {
				return accept(entries)[:1], nil
			}
			return accept(entries), nil
		}
		sink := &graveyard{}
		h := newTestHandler(t, bus, sink, partial, func(o *Options) { o.MaxAge = time.Hour })
		out, err := h.Invoke(t.Context(), batch(
			testRecord{sequence: 1, age: 2 * time.Hour}, testRecord{sequence: 2, age: 2 * time.Hour},
			testRecord{sequence: 3, age: 2 * time.Hour}, testRecord{sequence: 4, age: 2 * time.Hour},
		))
		require.NoError(t, err)
		require.Equal(t, "3", failure(out))
		require.Empty(t, sink.dead)
	})
}
