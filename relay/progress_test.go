package relay_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// memories are what Options.Memory may be: switched off, smaller than a batch,
// as it comes.
var memories = []int{-1, 1, 10, 0}

func remembers(n int) func(*relay.Options) { return func(o *relay.Options) { o.Memory = n } }

// Each delivery brings a batch nearer to its end, also where there is time for a
// part of it only and an error answer brings all of it again. What the last
// delivery had accepted is remembered, whatever Options.Memory says: progress
// depends on it.
func TestASlowBusAndErrorAnswers(t *testing.T) {
	for _, memory := range memories {
		for _, tt := range []struct {
			name       string
			n          int           // events of the batch
			latency    time.Duration // of the bus
			timeout    time.Duration // of the function
			deliveries int           // that are enough
		}{
			{"four calls a delivery", 100, time.Second, 5 * time.Second, 4},
			{"one call a delivery", 100, 2100 * time.Millisecond, 3 * time.Second, 12},
			{"one call a delivery, and hardly any time", 30, 200 * time.Millisecond, 500 * time.Millisecond, 4},
			{"a large batch", 1000, time.Second, 5 * time.Second, 28},
		} {
			bothAnswers(t, fmt.Sprintf("memory %d, %s", memory, tt.name), func(t *testing.T, answers func(*relay.Options)) {
				bus := &scriptedBus{answer: slowly(tt.latency, acceptAll)}
				h := newHandler(t, bus, relay.Block, answers, remembers(memory))
				s := shardOf(records(1, tt.n)...)
				s.size, s.timeout = tt.n, tt.timeout
				for range tt.deliveries {
					_, _ = s.deliver(t, h)
				}
				require.Zero(t, len(s.open), "records that hold the shard after %d deliveries; %d entries were accepted", tt.deliveries, len(bus.accepted))
				require.Len(t, bus.accepted, tt.n, "each once")
			})
		}
	}
}

// What the sink has taken is progress too.
func TestASlowSinkAndErrorAnswers(t *testing.T) {
	for _, memory := range memories {
		for name, unreadable := range map[string]bool{"refused by the bus": false, "that cannot be read": true} {
			bothAnswers(t, fmt.Sprintf("memory %d, %s", memory, name), func(t *testing.T, answers func(*relay.Options)) {
				bad := func(n int) bool { return n%2 == 0 }
				bus := &scriptedBus{}
				sink := &recordingSink{before: func(ctx context.Context, _ relay.DeadLetter) error {
					select {
					case <-time.After(300 * time.Millisecond):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}}
				bus.answer = func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
					out := accept(entries)
					for i, e := range entries {
						if bad(sequenceOf(e.EventID)) {
							out[i] = malformed
						}
					}
					return out, nil
				}
				h := newHandler(t, bus, sink, answers, remembers(memory))
				rs := records(1, 20)
				for i := range rs {
					if unreadable && bad(i+1) {
						rs[i].payload = `{"??":1}`
					}
				}
				s := shardOf(rs...)
				s.timeout = 3 * time.Second
				for range 30 {
					_, _ = s.deliver(t, h)
				}
				require.Zero(t, len(s.open), "records that hold the shard; dead letters: %d", len(sink.dead))
				ids := sink.ids()
				slices.Sort(ids)
				require.Len(t, slices.Compact(ids), 10)
				require.Len(t, bus.accepted, 10, "each once")
			})
		}
	}
}

// A function works for several shards, whose batches come in turn or at the same
// time. What it remembers of one must not be forgotten over the next.
func TestProgressOfSeveralShards(t *testing.T) {
	for _, memory := range memories {
		for _, tt := range []struct {
			shards int
			after  time.Duration // when each begins behind the one before
		}{{2, 20 * time.Second}, {5, 20 * time.Second}, {3, 300 * time.Millisecond}} {
			bubble(t, fmt.Sprintf("memory %d, %d shards, every %v", memory, tt.shards, tt.after), func(t *testing.T) {
				bus := &scriptedBus{answer: slowly(time.Second, acceptAll)}
				h := newHandler(t, bus, relay.Block, remembers(memory))
				all := make([]*shard, tt.shards)
				var wg sync.WaitGroup
				for i := range all {
					all[i] = shardOf(records(1+1000*i, 100)...)
					all[i].timeout = 5 * time.Second
					wg.Go(func() {
						<-time.After(time.Duration(i) * tt.after)
						for range 4 {
							_, _ = all[i].deliver(t, h)
							<-time.After(time.Duration(tt.shards-1) * tt.after)
						}
					})
				}
				wg.Wait()
				for i, s := range all {
					require.Zero(t, len(s.open), "records that hold shard %d", i+1)
				}
				require.Len(t, bus.accepted, 100*tt.shards, "each once")
			})
		}
	}
}
