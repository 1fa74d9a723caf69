package relay_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

func TestMaxAge(t *testing.T) {
	for _, tt := range []struct {
		name   string
		code   string
		age    time.Duration
		alone  bool
		maxAge time.Duration
		dead   bool
	}{
		{name: "older", code: "Odd", age: 2 * time.Hour, maxAge: time.Hour, dead: true},
		{name: "off", code: "Odd", age: 2 * time.Hour},
		{name: "younger", code: "Odd", age: time.Minute, maxAge: time.Hour},
		{name: "throttled", code: "ThrottlingException", age: 2 * time.Hour, maxAge: time.Hour},
		{name: "an outage", code: "Odd", age: 2 * time.Hour, maxAge: time.Hour, alone: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := &scriptedBus{answer: func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
					out := accept(entries)
					for i, e := range entries {
						if tt.alone || e.EventID == "event-2" {
							out[i] = relay.Result{Class: relay.Transient, Code: tt.code}
						}
					}
					return out, nil
				}}
				sink := &recordingSink{}
				h := newHandler(t, bus, sink, partial, func(o *relay.Options) { o.MaxAge = tt.maxAge })
				out, err := h.Invoke(t.Context(), batch(
					testRecord{sequence: 1, age: tt.age}, testRecord{sequence: 2, age: tt.age}, testRecord{sequence: 3, age: tt.age}))
				require.NoError(t, err)
				if tt.dead {
					require.Equal(t, []string{"event-2"}, sink.ids())
					require.Equal(t, relay.DefaultMaxAttempts, sink.dead[0].Attempts)
					require.Empty(t, failure(out))
					return
				}
				require.Empty(t, sink.dead)
				require.NotEmpty(t, failure(out))
			})
		})
	}
}

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
				bus := &scriptedBus{answer: func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
					out := accept(entries)
					for i, e := range entries {
						if e.Bus == "orders" && tt.down(e.EventID) {
							out[i] = unlucky
						}
					}
					return out, nil
				}}
				sink := &recordingSink{}
				h := newHandler(t, bus, sink, func(o *relay.Options) {
					o.MaxAge, o.Concurrency = time.Hour, 2
					o.Route = func(e *relay.Entry) error {
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

// A call whose results do not fit its entries says nothing of any of them,
// whatever else the bus accepts.
func TestMaxAgeIsNotForAWrongNumberOfResults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &scriptedBus{}
		bus.answer = func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
			if holds(entries, "event-1", "event-2") {
				return accept(entries)[1:], nil
			}
			return accept(entries), nil
		}
		sink := &recordingSink{}
		h := newHandler(t, bus, sink, partial, func(o *relay.Options) { o.MaxAge = time.Hour })
		for i := range 5 {
			out, err := h.Invoke(t.Context(), batch(testRecord{sequence: 1, age: 2 * time.Hour}, testRecord{sequence: 2, age: 2 * time.Hour}))
			require.NoError(t, err)
			require.Equal(t, "1", failure(out))
			_, err = h.Invoke(t.Context(), events(11+10*i, 3)) // another shard's
			require.NoError(t, err)
		}
		require.Empty(t, sink.dead)
	})
}

// What the bus accepted before an event failed says nothing about an outage of
// now.
func TestMaxAgeIsNotForAnOutageAfterASuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := false
		bus := &scriptedBus{answer: func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
			if down {
				return all(entries, odd), nil
			}
			return accept(entries), nil
		}}
		sink := &recordingSink{}
		h := newHandler(t, bus, sink, partial, func(o *relay.Options) { o.MaxAge = time.Hour })
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
		{"transient", &relay.CallError{Class: relay.Transient, Code: "Odd"}, nil},
		{"transient and retried", &relay.CallError{Class: relay.Transient, Code: "Odd", Retried: true}, nil},
		{"a fault of the entry", nil, []string{"event-2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := &scriptedBus{limits: relay.Limits{Entries: 1, Bytes: 1000}}
				bus.answer = func(ctx context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
					if entries[0].EventID == "event-2" && tt.err != nil {
						return nil, tt.err
					}
					return refuse(odd, "event-2")(ctx, call, entries)
				}
				sink := &recordingSink{}
				h := newHandler(t, bus, sink, partial, func(o *relay.Options) { o.MaxAge = time.Hour })
				out, err := h.Invoke(t.Context(), batch(testRecord{sequence: 1, age: 2 * time.Hour}, testRecord{sequence: 2, age: 2 * time.Hour}, testRecord{sequence: 3}))
				require.NoError(t, err)
				require.Contains(t, bus.accepted, "event-1")
				require.Equal(t, tt.dead, sink.ids())
				require.Equal(t, tt.dead == nil, failure(out) == "2")
			})
		})
	}
}
