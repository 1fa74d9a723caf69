// Package kits runs the two test kits together, in real time and with all that
// can go wrong, and looks for goroutines that are left over.
package kits

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox/outboxtest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Eight services commit at once through one tap; the relay has a bus that refuses,
// loses answers, panics and is slow, and processes that time out and crash; the
// consumer gets every message twice.
func TestNoGoroutineIsLeft(t *testing.T) {
	const services, each = 8, 50
	w, err := outbox.NewWriter("event-store", func(o *outbox.Options) { o.Source = "orders" })
	require.NoError(t, err)
	db := &outboxtest.Client{}
	tap := &outboxtest.Tap{Client: db}
	var all sync.WaitGroup
	for service := range services {
		all.Go(func() {
			for i := range each {
				if service == 0 && i%10 == 0 { // for whoever comes next
					db.Conflict()
					db.LoseAnswer()
				}
				ev, err := envelope.New(t.Context(), "Order.Placed", map[string]int{"order": service*each + i})
				if err != nil {
					t.Error(err)
					return
				}
				in := &dynamodb.TransactWriteItemsInput{}
				if err := w.Append(in, ev); err != nil {
					t.Error(err)
				}
				if err := outbox.Commit(t.Context(), tap, in, w); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	require.Len(t, tap.Records(), services*each)

	share := relaytest.RefuseShare(1, 0.02, "InternalFailure")
	bus := &relaytest.Bus{Script: func(call int, entries []relaytest.Entry) relaytest.Answer {
		a := share(call, entries)
		switch call {
		case 3:
			a.Lost = true
		case 5:
			a.Panic = "the client has a fault"
		case 7:
			a.Delay = time.Minute // the function is killed
		case 9:
			a.Short = 1
		}
		return a
	}}
	start := func() relaytest.Handler {
		h, err := relay.NewHandler(relay.NewEventBridge(bus, "orders"), &relaytest.Sink{})
		if err != nil {
			panic(err)
		}
		return h
	}
	d := relaytest.Deliver(t, start(), tap.Records(), relaytest.Mapping{
		BatchSize: 20, Shards: 3, ParallelizationFactor: 2, CrashEvery: 10, ColdStart: start,
	})
	require.Empty(t, d.GivenUp)

	seen := sync.Map{}
	consumer, err := outbox.NewConsumer(func(_ context.Context, ev envelope.CustomEvent) error {
		seen.Store(ev.Headers.EventID, true)
		return nil
	})
	require.NoError(t, err)
	for range 2 {
		all.Go(func() {
			for _, e := range bus.Entries() {
				if _, err := consumer.Invoke(t.Context(), relaytest.SQSEvent(e)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	n := 0
	seen.Range(func(any, any) bool { n++; return true })
	require.Equal(t, services*each, n, fmt.Sprint(len(bus.Entries()), " entries"))
}

// The judges of a publisher and of a sink, with a bus and a table that hang.
func TestContractsEnd(t *testing.T) {
	relaytest.TestPublisher(t, func(c relaytest.Condition) (relay.Publisher, func() [][]byte) {
		bus := &relaytest.Bus{Script: func(int, []relaytest.Entry) relaytest.Answer {
			switch c {
			case relaytest.Failing:
				return relaytest.Answer{Err: errors.New("the bus is down")}
			case relaytest.Hanging:
				return relaytest.Answer{Err: context.DeadlineExceeded, Delay: time.Hour}
			case relaytest.Refusing:
				return relaytest.Answer{Codes: map[int]string{1: "MalformedDetail"}}
			}
			return relaytest.Answer{}
		}}
		return relay.NewEventBridge(bus, "orders"), func() (details [][]byte) {
			for _, e := range bus.Entries() {
				details = append(details, e.Detail)
			}
			return details
		}
	})
	relaytest.TestSink(t, func(c relaytest.Condition) (relay.DeadLetterSink, func() []relay.DeadLetter) {
		s := &relaytest.Sink{}
		switch c {
		case relaytest.Failing:
			s.Refuse = func(relay.DeadLetter) error { return errors.New("the table is down") }
		case relaytest.Hanging:
			s.Delay = time.Hour
		}
		return s, s.Letters
	})
}
