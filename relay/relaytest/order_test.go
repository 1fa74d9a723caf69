package relaytest_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// An ordered layout keeps the order of an aggregate with one batch of a shard at a
// time, however many shards there are. With more, Lambda keeps the order of each
// item only, and two events of an aggregate are two items.
func TestTheOrderOfAnAggregate(t *testing.T) {
	for _, tt := range []struct {
		name    string
		m       relaytest.Mapping
		ordered bool
	}{
		{"one batch at a time", relaytest.Mapping{}, true},
		{"several shards", relaytest.Mapping{Shards: 4}, true},
		{"several batches of a shard", relaytest.Mapping{ParallelizationFactor: 4}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				faults := relaytest.RefuseShare(5, 0.2, "InternalFailure")
				bus := relaytest.Bus{Script: func(call int, entries []relaytest.Entry) relaytest.Answer {
					a := faults(call, entries)
					a.Delay = time.Duration(call%7) * 10 * time.Millisecond
					return a
				}}
				h, err := relay.NewHandler(relay.NewEventBridge(&bus, "orders"), relay.Block, func(o *relay.Options) {
					o.Layout = envelope.AggregateLayout()
				})
				require.NoError(t, err)
				s := relaytest.Stream{Layout: envelope.AggregateLayout()}
				var events []envelope.CustomEvent
				for i := range 200 {
					events = append(events, newEvent(t, `1`, func(h *envelope.Headers) {
						h.AggregateID, h.Sequence = string(rune('a'+i%5)), int64(i/5+1)
					}))
				}
				tt.m.BatchSize, tt.m.Timeout = 20, time.Minute
				relaytest.Deliver(t, h, s.Insert(events...), tt.m)

				seen, first := map[string]bool{}, map[string][]int64{} // a repeated event may come later
				for _, e := range bus.Entries() {
					ev, err := envelope.Parse(e.Detail)
					require.NoError(t, err)
					if !seen[e.EventID] {
						seen[e.EventID] = true
						first[ev.Headers.AggregateID] = append(first[ev.Headers.AggregateID], ev.Headers.Sequence)
					}
				}
				require.Len(t, seen, 200)
				ordered := true
				for _, sequences := range first {
					ordered = ordered && slices.IsSorted(sequences)
				}
				require.Equal(t, tt.ordered, ordered)
			})
		})
	}
}
