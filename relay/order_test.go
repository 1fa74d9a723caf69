package relay_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

func TestADeadLetterLetsItsGroupGoOn(t *testing.T) {
	bus := &scriptedBus{answer: refuse(malformed, "event-2")}
	sink := &recordingSink{}
	h := newHandler(t, bus, sink, ordered)
	invoke(t, h, batch(
		testRecord{sequence: 1, aggregate: "a"}, testRecord{sequence: 2, aggregate: "b"}, testRecord{sequence: 3, aggregate: "b"}))
	require.Equal(t, []string{"event-1", "event-3"}, bus.accepted)
	requireDead(t, sink, "MalformedDetail", "event-2")
}

func TestNothingOfAGroupOvertakesAFailure(t *testing.T) {
	bus := &scriptedBus{answer: refuse(held, "event-2")}
	h := newHandler(t, bus, relay.Block, partial, ordered, func(o *relay.Options) { o.Concurrency = 8 })
	require.Equal(t, "2", invoke(t, h, batch(
		testRecord{sequence: 1, aggregate: "a"}, testRecord{sequence: 2, aggregate: "b"}, testRecord{sequence: 3, aggregate: "b"}, testRecord{sequence: 4, aggregate: "a"})))
	require.Equal(t, []string{"event-1"}, bus.accepted)
}

// Behind a record that failed nothing is newly started; what is in flight then
// may be accepted.
func TestNothingNewBehindAFailure(t *testing.T) {
	for _, concurrency := range []int{1, 3} {
		bubble(t, fmt.Sprint(concurrency), func(t *testing.T) {
			bus := &scriptedBus{answer: slowly(10*time.Millisecond, refuse(held, "event-5"))}
			h := newHandler(t, bus, relay.Block, partial, func(o *relay.Options) { o.Concurrency = concurrency })
			require.Equal(t, "5", invoke(t, h, events(1, 100)))
			require.LessOrEqual(t, len(bus.calls), 2*concurrency-1, "calls that were answered at the same moment may have been followed up")
			require.NotContains(t, bus.accepted, eventID(20*concurrency), "nothing behind them")
		})
	}
}

// Nothing new is started while an entry that failed is neither done nor given up:
// not while it waits to be sent again, and not while it is on its way again.
func TestNothingNewBesideARepetition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		times, done := 0, false // of event-1
		bus := &scriptedBus{}
		bus.answer = func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
			switch {
			case holds(entries, "event-11"): // is answered while event-1 waits
				<-time.After(20 * time.Millisecond)
			case !holds(entries, "event-1"):
				mu.Lock()
				defer mu.Unlock()
				if !done {
					t.Errorf("%d entries from %s are sent before event-1 is done", len(entries), entries[0].EventID)
				}
			case times == 0:
				times++
				<-time.After(10 * time.Millisecond)
				out := accept(entries)
				out[0] = unlucky
				return out, nil
			default:
				times++
				<-time.After(time.Second)
				mu.Lock()
				defer mu.Unlock()
				done = true
			}
			return accept(entries), nil
		}
		h := newHandler(t, bus, relay.Block, func(o *relay.Options) { o.Concurrency = 2 })
		invoke(t, h, events(1, 40))
		require.Len(t, bus.accepted, 40)
		require.Equal(t, 2, times)
	})
}

// Order costs calls, so only a layout that asks for it pays: without, the events
// of one aggregate go together.
func TestTheDefaultLayoutDoesNotPayForOrder(t *testing.T) {
	rs := make([]testRecord, 10)
	for i := range rs {
		rs[i] = testRecord{sequence: i + 1, aggregate: "a"}
	}
	for _, tt := range []struct {
		name  string
		opt   func(*relay.Options)
		calls int
	}{
		{"by default", nil, 1},
		{"ordered", ordered, 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bus := &scriptedBus{}
			h := newHandler(t, bus, relay.Block, tt.opt)
			invoke(t, h, batch(rs...))
			require.Len(t, bus.calls, tt.calls)
			require.Len(t, bus.accepted, 10)
		})
	}
}

// Concurrency has that many calls in flight, and no more.
func TestConcurrency(t *testing.T) {
	for _, want := range []int{1, 2, 8} {
		bubble(t, fmt.Sprint(want), func(t *testing.T) {
			var mu sync.Mutex
			now, most := 0, 0
			bus := &scriptedBus{answer: func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
				mu.Lock()
				now++
				most = max(most, now)
				mu.Unlock()
				<-time.After(10 * time.Millisecond)
				mu.Lock()
				now--
				mu.Unlock()
				return accept(entries), nil
			}}
			h := newHandler(t, bus, relay.Block, func(o *relay.Options) { o.Concurrency = want })
			begin := time.Now()
			invoke(t, h, events(1, 160))
			require.Equal(t, want, most)
			require.Equal(t, time.Duration(16/want)*10*time.Millisecond, time.Since(begin))
		})
	}
}

// A process may run several invocations at once.
func TestConcurrentInvocations(t *testing.T) {
	bus := &scriptedBus{}
	var mu sync.Mutex
	var total relay.Metrics
	h := newHandler(t, bus, &recordingSink{}, func(o *relay.Options) {
		o.Concurrency, o.Memory = 2, 50
		o.Route = func(e *relay.Entry) error {
			e.Resources, e.Bus = []string{e.EventID}, "bus-"+e.EventID[len(e.EventID)-1:]
			return nil
		}
		o.Metrics = func(_ context.Context, m relay.Metrics) {
			mu.Lock()
			defer mu.Unlock()
			total.Published += m.Published
			total.DeadLettered += m.DeadLettered
		}
	})
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 20 {
				first := 1000*g + 40*i + 1
				rs := make([]testRecord, 30)
				for k := range rs {
					rs[k].sequence = first + k
				}
				rs[7].payload = `{"?":1}`
				if _, err := h.Invoke(t.Context(), batch(rs...)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, 16*20*29, total.Published)
	require.Equal(t, 16*20, total.DeadLettered)
	seen := map[string]bool{}
	for _, id := range bus.accepted {
		require.False(t, seen[id])
		seen[id] = true
		require.Contains(t, bus.details[id], `"eventId":"`+id+`"`, "an entry has the bytes of its own event")
	}
	require.Len(t, seen, 16*20*29)
}
