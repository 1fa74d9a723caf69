package journal

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// BenchmarkInvocation is an invocation with a journal on an engine beside the same
// one without, in turns, with a bus that answers at once. What is added is one
// PutItem: on loopback most of it is the engine's.
func BenchmarkInvocation(b *testing.B) {
	for _, name := range engine.DynamoDBNames() {
		for _, n := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				e := enginetest.Start(b, name)
				table := tableOn(b, e, e.DynamoDB())
				var bus relaytest.Bus
				without, err := relay.NewHandler(relay.NewEventBridge(&bus, "orders"), relay.Block)
				require.NoError(b, err)
				with, err := relay.NewHandler(relay.NewEventBridge(&bus, "orders"), relay.Block, func(o *relay.Options) { o.Journal = table })
				require.NoError(b, err)
				var stream relaytest.Stream
				var took [2]time.Duration
				for b.Loop() {
					payload := relaytest.StreamEvent(stream.Insert(eventsOf(b, n)...)...)
					for i, h := range []*relay.Handler{without, with} {
						begin := time.Now()
						if _, err := h.Invoke(b.Context(), payload); err != nil {
							b.Fatal(err)
						}
						took[i] += time.Since(begin)
					}
				}
				micros := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(b.N) }
				b.ReportMetric(0, "ns/op") // it has the making of the events in it
				b.ReportMetric(micros(took[0]), "µs-without")
				b.ReportMetric(micros(took[1]), "µs-with")
				b.ReportMetric(micros(took[1]-took[0]), "µs-added")
			})
		}
	}
}

// BenchmarkAccepted reads 30 hours, as an audit of a long outage does: 28,800 keys,
// with the 1,000 invocations of 100,000 events spread over them.
func BenchmarkAccepted(b *testing.B) {
	for _, name := range engine.DynamoDBNames() {
		b.Run(string(name), func(b *testing.B) {
			e := enginetest.Start(b, name)
			table := tableOn(b, e, e.DynamoDB())
			const hours, invocations, each = 30, 1000, 100
			to := time.Now().UTC()
			from := to.Add(-hours * time.Hour)
			for i := range invocations {
				done := make([]relay.Done, each)
				for k := range done {
					done[k] = relay.Done{EventID: fmt.Sprintf("01ARZ3NDEKTSV4RRFF%08d", each*i+k), At: from.Add(time.Duration(i) * hours * time.Hour / invocations)}
				}
				require.NoError(b, table.Record(b.Context(), done))
			}
			for b.Loop() {
				n := 0
				for _, err := range table.Accepted(b.Context(), from, to) {
					require.NoError(b, err)
					n++
				}
				require.Equal(b, invocations*each, n)
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N)/(hours*60), "ms/minute-read")
		})
	}
}
