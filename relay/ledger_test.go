package relay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// TestLedger keeps a ledger of events through a bus that fails in every way it
// can: 20 % of the entries, 5 % of the calls, 2 % of the answers lost after the
// bus has accepted. Batches are sent again as Lambda does, and the process is
// restarted at random, so that nothing that it remembers can be relied on.
//
// None may be lost, none invented, and every duplicate must have the eventId
// and the bytes of the first.
func TestLedger(t *testing.T) {
	const events = 20_000
	for _, tt := range []struct {
		name string
		opt  func(*relay.Options)
	}{
		{"error answers", nil},
		{"partial answers", partial},
		{"partial answers, concurrency 8", func(o *relay.Options) { partial(o); o.Concurrency = 8 }},
		{"partial answers, aggregates", func(o *relay.Options) { partial(o); ordered(o); o.Concurrency = 4 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rng := &lockedRand{rng: rand.New(rand.NewPCG(42, 42))}
				l := &ledger{rng: rng, arrived: make(map[string]int), details: make(map[string]string)}
				const batchSize = 100
				var h *relay.Handler
				restarts, invocations := 0, 0
				for shard := range events / 2000 { // ten shards, one after the other
					rest := make([]testRecord, 2000)
					for i := range rest {
						n := shard*2000 + i + 1
						rest[i] = testRecord{sequence: n, aggregate: fmt.Sprint("a", rng.n(300)), payload: fmt.Sprintf(`{"N":"%d"}`, n)}
					}
					for len(rest) > 0 {
						if h == nil || rng.n(20) == 0 {
							restarts++
							h = newHandler(t, l, relay.Block, tt.opt)
						}
						size := min(len(rest), batchSize)
						out, err := h.Invoke(t.Context(), batch(rest[:size]...))
						invocations++
						require.Less(t, invocations, 100*events/batchSize, "it does not come to an end")
						if err != nil {
							unpublishedIn(t, err)
							continue // the whole batch again
						}
						rest = advance(rest, failure(out), size)
					}
				}
				duplicates := 0
				for n := 1; n <= events; n++ {
					times := l.arrived[eventID(n)]
					if times == 0 || l.details[eventID(n)] != fmt.Sprint(n) {
						t.Fatalf("event %d came %d times, with the payload %q", n, times, l.details[eventID(n)])
					}
					duplicates += times - 1
				}
				require.Len(t, l.arrived, events, "none is invented")
				require.Empty(t, l.changed, "duplicates that are not the same event")
				least := events / 10 * 100 / 80 * 100 / 93 // entries that arrive, calls that do
				t.Logf("%d events: %d duplicates (answers lost took %d); %d calls, the least possible under these faults is about %d; %d invocations, %d processes",
					events, duplicates, l.unheard, l.calls, least, invocations, restarts)
			})
		})
	}
}

// ledger is the failing bus and what has arrived at it.
type ledger struct {
	rng *lockedRand

	scriptedBus // its mutex guards what follows
	calls       int
	unheard     int // entries accepted in a call whose answer was lost
	arrived     map[string]int
	details     map[string]string
	changed     []string
}

func (l *ledger) Publish(_ context.Context, entries []relay.Entry) ([]relay.Result, error) {
	fate := l.rng.n(100)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls++
	if fate < 5 {
		return nil, broken
	}
	out := accept(entries)
	accepted := 0
	for i, e := range entries {
		if l.rng.n(100) < 20 {
			out[i] = unlucky
			continue
		}
		accepted++
		l.arrived[e.EventID]++
		var d struct{ Payload json.Number }
		if json.Unmarshal(e.Detail, &d) != nil || l.arrived[e.EventID] > 1 && l.details[e.EventID] != string(d.Payload) {
			l.changed = append(l.changed, e.EventID)
		}
		l.details[e.EventID] = string(d.Payload)
	}
	if fate < 7 {
		l.unheard += accepted
		return nil, &relay.CallError{Class: relay.Transient, Code: "NoAnswer"}
	}
	return out, nil
}

// A bus that lies about its count, gives results in a wrong number and panics
// loses nothing either.
func TestLedgerOfALiar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(7, 7))
		arrived := map[string]bool{}
		bus := &scriptedBus{}
		bus.answer = func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
			out := accept(entries)
			switch rng.IntN(6) {
			case 0:
				return out[:len(out)-1], nil
			case 1:
				return append(out, out[0]), nil
			case 2:
				return nil, nil
			case 3:
				panic("liar")
			case 4:
				return make([]relay.Result, len(out)), nil
			}
			for _, e := range entries {
				arrived[e.EventID] = true
			}
			return out, nil
		}
		h := newHandler(t, bus, relay.Block, partial)
		rest := make([]testRecord, 500)
		for i := range rest {
			rest[i].sequence = i + 1
		}
		for len(rest) > 0 {
			size := min(len(rest), 50)
			out, err := h.Invoke(t.Context(), batch(rest[:size]...))
			require.NoError(t, err)
			rest = advance(rest, failure(out), size)
		}
		require.Len(t, arrived, 500)
		require.False(t, slices.ContainsFunc(bus.accepted, func(id string) bool { return !arrived[id] }))
	})
}
