package relaytest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// Under any event source mapping, with a bus that refuses a fifth of all entries
// and loses answers, with processes that die, and with the options of a relay at
// zero, each event is published at least once, always with the same Detail. The
// one mapping that loses events is the one that the relay warns of, and it is seen
// here.
func TestNothingIsLost(t *testing.T) {
	partial := func(o *relay.Options) { o.PartialBatchResponse = true }
	for _, tt := range []struct {
		name  string
		opt   func(*relay.Options)
		m     relaytest.Mapping
		loses bool
	}{
		{"Lambda's defaults", nil, relaytest.Mapping{}, false},
		{"batches of 7", nil, relaytest.Mapping{BatchSize: 7}, false},
		{"an error under a mapping that reads answers", nil, relaytest.Mapping{ReportBatchItemFailures: true, BisectBatchOnFunctionError: true}, false},
		{"partial answers", partial, relaytest.Mapping{ReportBatchItemFailures: true}, false},
		{"partial answers and bisect", partial, relaytest.Mapping{ReportBatchItemFailures: true, BisectBatchOnFunctionError: true}, false},
		{"many lanes", partial, relaytest.Mapping{ReportBatchItemFailures: true, Shards: 3, ParallelizationFactor: 2, BatchSize: 10}, false},
		{"short-lived processes", nil, relaytest.Mapping{InvocationsPerProcess: 1, CrashEvery: 2, BatchSize: 20}, false},
		{"partial answers that nobody reads", partial, relaytest.Mapping{BatchSize: 20}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const n = 300
				var s relaytest.Stream
				faults := relaytest.RefuseShare(7, 0.2, "InternalFailure")
				bus := relaytest.Bus{Script: func(call int, entries []relaytest.Entry) relaytest.Answer {
					a := faults(call, entries)
					a.Lost = call%9 == 4
					a.Short = max(0, call%11-9)
					return a
				}}
				start := func() relaytest.Handler {
					h, err := relay.NewHandler(relay.NewEventBridge(&bus, "orders"), relay.Block, tt.opt, func(o *relay.Options) {
						if tt.loses {
							o.MaxAttempts = 1
						}
					})
					require.NoError(t, err)
					return h
				}
				tt.m.ColdStart = start
				if tt.m.CrashEvery == 0 {
					tt.m.CrashEvery = 5
				}
				var lists [][]envelope.CustomEvent
				events := newEvents(t, n)
				for i := 0; i < n; i += 3 {
					lists = append(lists, events[i:i+3])
				}
				records := relaytest.Interleave(1, s.Insert(lists[0]...), s.Insert(lists[1]...))
				for _, list := range lists[2:] {
					records = append(records, s.Insert(list...)...)
				}
				d := relaytest.Deliver(t, start(), relaytest.Duplicate(2, records), tt.m)
				require.Empty(t, d.GivenUp)
				details := map[string]string{}
				for _, e := range bus.Entries() {
					if first, again := details[e.EventID]; again {
						require.Equal(t, first, string(e.Detail))
					}
					details[e.EventID] = string(e.Detail)
				}
				for i := range n {
					if _, ok := details[fmt.Sprint("order-", i)]; !ok && !tt.loses {
						t.Errorf("order-%d is lost", i)
					}
				}
				if tt.loses {
					require.Less(t, len(details), n, "the kit shows the loss")
				} else {
					require.Len(t, details, n)
				}
				t.Logf("%d events, %d entries accepted, %d calls, %d invocations", n, len(bus.Entries()), len(bus.Calls()), len(d.Invocations))
			})
		})
	}
}

// A relay whose answer comes too late: the function is killed, and the batch comes
// again to a process that remembers nothing.
func TestARelayThatIsKilled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s relaytest.Stream
		bus := relaytest.Bus{}
		start := func() relaytest.Handler {
			h, err := relay.NewHandler(relay.NewEventBridge(&bus, "orders"), relay.Block)
			require.NoError(t, err)
			return h
		}
		first := start()
		slow := handlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
			_, _ = first.Invoke(ctx, payload)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		d := relaytest.Deliver(t, slow, s.Insert(newEvents(t, 3)...), relaytest.Mapping{ColdStart: start})
		require.Len(t, d.Invocations, 2)
		require.Equal(t, []string{"order-0", "order-1", "order-2", "order-0", "order-1", "order-2"}, eventIDs(bus.Entries()))
	})
}

type handlerFunc func(context.Context, []byte) ([]byte, error)

func (f handlerFunc) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}
