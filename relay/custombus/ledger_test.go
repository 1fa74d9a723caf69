package custombus_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventsv2"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// ledger is how many events a run has.
func ledger(t *testing.T) int {
	if testing.Short() {
		return 2_000
	}
	return 20_000
}

// faults spoil about a third of all calls: entries that are refused, answers that
// are lost or cannot be read, throttling, faults of the service.
func faults(seed uint64) func(int, eventsv2.Request) eventsv2.Fault {
	return func(call int, r eventsv2.Request) eventsv2.Fault {
		random := rand.New(rand.NewPCG(seed, uint64(call)))
		switch random.IntN(18) {
		case 0:
			return eventsv2.Fault{Drop: true}
		case 1:
			return eventsv2.Fault{Answer: eventsv2.Error(500, "InternalException")}
		case 2:
			return eventsv2.Fault{Answer: eventsv2.Error(429, "ThrottlingException")}
		case 3:
			return eventsv2.Fault{Rewrite: func(m cbor.Map) []byte { b := cbor.Encode(m); return b[:len(b)/2] }}
		case 4:
			return eventsv2.Fault{Rewrite: func(m cbor.Map) []byte {
				list := m["Entries"].(cbor.List)
				return cbor.Encode(cbor.Map{"Entries": list[:len(list)-1]})
			}}
		case 5:
			codes := map[int]string{}
			for i := range r.Entries {
				if random.IntN(5) == 0 {
					codes[i] = "InternalFailure"
				}
			}
			return eventsv2.Fault{Codes: codes}
		default:
			return eventsv2.Fault{}
		}
	}
}

// Of events in order, with faults and with processes that die: none is lost, each
// group comes to a subscriber of the type FIFO in its order, and what is sent again
// within the window comes once.
func TestLedger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const groups = 400
		n := ledger(t)
		bus := newBus()
		bus.Script = faults(3)
		layout := envelope.AggregateLayout()
		var known atomic.Int64 // what the bus had already
		start := func() relaytest.Handler {
			h, err := relay.NewHandler(newPublisher(bus), relay.Block, func(o *relay.Options) {
				o.Layout = layout
				o.Metrics = func(_ context.Context, m relay.Metrics) { known.Add(int64(m.Deduplicated)) }
			})
			require.NoError(t, err)
			return h
		}
		stream := relaytest.Stream{Layout: layout}
		began := time.Now()
		d := relaytest.Deliver(t, start(), stream.Insert(newEvents(t, n, groups)...), relaytest.Mapping{
			BatchSize: 400, Shards: 2, CrashEvery: 7, ColdStart: start, Timeout: time.Minute,
		})
		require.Empty(t, d.GivenUp)

		first, last := map[string]bool{}, map[string]int64{}
		sent := 0
		for _, r := range bus.Requests("PutEvents") {
			sent += len(r.Entries)
			seen := map[string]bool{}
			for _, e := range r.Entries {
				seen[e.Group] = true
			}
			require.Len(t, seen, len(r.Entries), "one event of a group in a call")
		}
		again := 0
		for _, e := range bus.Taken() {
			ev, err := envelope.Parse([]byte(e.Detail))
			if err != nil || ev.Headers.EventID != e.Token || ev.Headers.AggregateID != e.Group {
				t.Fatalf("group %s, token %s: %v, %v", e.Group, e.Token, ev.Headers, err)
			}
			if first[e.Token] {
				again++
				continue
			}
			first[e.Token] = true
			if ev.Headers.Sequence != last[e.Group]+1 {
				t.Fatalf("%s has sequence %d after %d", e.Group, ev.Headers.Sequence, last[e.Group])
			}
			last[e.Group] = ev.Headers.Sequence
		}
		for i := range n {
			if !first[fmt.Sprint("event-", i)] {
				t.Errorf("event-%d is lost", i)
			}
		}
		require.Len(t, first, n)
		require.Zero(t, again, "nothing is sent again after the window")
		require.Greater(t, sent, n, "the faults have made the relay send again")
		require.Positive(t, known.Load(), "and the bus has dropped what it had")
		t.Logf("%d events, %d entries sent, %d taken, %d answered as duplicates, %d calls, %d invocations, %v", n, sent, len(bus.Taken()), known.Load(), len(bus.Requests("PutEvents")), len(d.Invocations), time.Since(began))
	})
}
