package relay

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

func ordered(o *Options) { o.Layout = envelope.AggregateLayout() }

// The guarantee: within the events of one aggregateId, the first acceptances at
// the bus are in stream order, at any concurrency, under any faults that the bus
// reports and any re-sending. A call whose answer is lost may have been
// accepted, so an event can come to the bus twice, but never before an earlier
// one of its aggregate has come for the first time.
func TestGroupsKeepTheirOrder(t *testing.T) {
	const aggregates, count = 7, 120
	for _, concurrency := range []int{1, 8} {
		for seed := range uint64(30) {
			t.Run(fmt.Sprintf("concurrency %d, seed %d", concurrency, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					rng := &lockedRand{rng: rand.New(rand.NewPCG(seed, 9))}
					bus := &scriptBus{}
					var mu sync.Mutex
					arrived := map[string]bool{}
					var first []string // first arrivals, in order
					bus.answer = func(ctx context.Context, _ int, entries []Entry) ([]Result, error) {
						<-time.After(time.Duration(rng.n(20)) * time.Millisecond) // the bubble's clock: no waiting
						whole := rng.n(20)
						if whole == 0 {
							return nil, &CallError{Class: Transient, Code: "500"}
						}
						out := accept(entries)
						mu.Lock()
						defer mu.Unlock()
						groups := map[string]bool{}
						for i, e := range entries {
							require.False(t, groups[e.Group], "two of a group in a call")
							groups[e.Group] = true
							if rng.n(4) == 0 {
								out[i] = Result{Class: Transient, Code: "InternalFailure"}
								continue
							}
							if !arrived[e.EventID] {
								arrived[e.EventID] = true
								first = append(first, e.EventID)
							}
						}
						if whole == 1 {
							return nil, &CallError{Class: Transient, Code: "answer lost"}
						}
						return out, nil
					}
					rs := make([]testRecord, count)
					for i := range rs {
						a := rng.n(aggregates)
						rs[i] = testRecord{sequence: i + 1, aggregate: fmt.Sprint("a", a), id: fmt.Sprintf("a%d/%03d", a, i)}
					}
					var h *Handler
					for rest := rs; len(rest) > 0; {
						if h == nil || rng.n(3) == 0 { // a new process forgets
							h = newTestHandler(t, bus, Block, partial, ordered, func(o *Options) { o.Concurrency = concurrency })
						}
						out, err := h.Invoke(t.Context(), batch(rest[:min(len(rest), 40)]...))
						require.NoError(t, err)
						rest = advance(rest, failure(out), 40)
					}
					require.Len(t, first, count)
					last := map[string]string{}
					for _, id := range first {
						group, _, _ := strings.Cut(id, "/")
						require.Less(t, last[group], id, "an event overtook an earlier one of its aggregate")
						last[group] = id
					}
				})
			})
		}
	}
}

// advance does what Lambda does with an answer: it goes on behind the batch, or
// at the failure.
func advance(rest []testRecord, failure string, size int) []testRecord {
	if failure == "" {
		return rest[min(len(rest), size):]
	}
	i := slices.IndexFunc(rest, func(r testRecord) bool { return fmt.Sprint(r.sequence) == failure })
	return rest[i:]
}

type lockedRand struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func (r *lockedRand) n(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rng.IntN(n)
}

func TestADeadLetterLetsItsGroupGoOn(t *testing.T) {
	bus := &scriptBus{answer: refuse(Result{Class: EventFault, Code: "MalformedDetail"}, "event-2")}
	sink := &graveyard{}
	h := newTestHandler(t, bus, sink, ordered)
	_, err := h.Invoke(t.Context(), batch(
		testRecord{sequence: 1, aggregate: "a"}, testRecord{sequence: 2, aggregate: "b"}, testRecord{sequence: 3, aggregate: "b"}))
	require.NoError(t, err)
	require.Equal(t, []string{"event-1", "event-3"}, bus.accepted)
	requireDead(t, sink, "MalformedDetail", "event-2")
}

func TestNothingOfAGroupOvertakesAFailure(t *testing.T) {
	bus := &scriptBus{answer: refuse(Result{Class: ConfigFault, Code: "no"}, "event-2")}
	h := newTestHandler(t, bus, Block, partial, ordered, func(o *Options) { o.Concurrency = 8 })
	out, err := h.Invoke(t.Context(), batch(
		testRecord{sequence: 1, aggregate: "a"}, testRecord{sequence: 2, aggregate: "b"}, testRecord{sequence: 3, aggregate: "b"}, testRecord{sequence: 4, aggregate: "a"}))
	require.NoError(t, err)
	require.Equal(t, "2", failure(out))
	require.Equal(t, []string{"event-1"}, bus.accepted)
}

// Behind a record that failed nothing is newly started; what is in flight then
// may be accepted.
func TestNothingNewBehindAFailure(t *testing.T) {
	for _, concurrency := range []int{1, 3} {
		t.Run(fmt.Sprint(concurrency), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := &scriptBus{answer: func(ctx context.Context, call int, entries []Entry) ([]Result, error) {
					<-time.After(10 * time.Millisecond)
					return refuse(Result{Class: ConfigFault, Code: "no"}, "event-5")(ctx, call, entries)
				}}
				h := newTestHandler(t, bus, Block, partial, func(o *Options) { o.Concurrency = concurrency })
				out, err := h.Invoke(t.Context(), events(1, 100))
				require.NoError(t, err)
				require.Equal(t, "5", failure(out))
				require.LessOrEqual(t, len(bus.calls), 2*concurrency-1, "calls that were answered at the same moment may have been followed up")
				require.NotContains(t, bus.accepted, eventID(20*concurrency), "nothing behind them")
			})
		})
	}
}

// Concurrency has that many calls in flight, and no more.
func TestConcurrency(t *testing.T) {
	for _, want := range []int{1, 2, 8} {
		t.Run(fmt.Sprint(want), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				now, most := 0, 0
				bus := &scriptBus{answer: func(_ context.Context, _ int, entries []Entry) ([]Result, error) {
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
				h := newTestHandler(t, bus, Block, func(o *Options) { o.Concurrency = want })
				begin := time.Now()
				_, err := h.Invoke(t.Context(), events(1, 160))
				require.NoError(t, err)
				require.Equal(t, want, most)
				require.Equal(t, time.Duration(16/want)*10*time.Millisecond, time.Since(begin))
			})
		})
	}
}
