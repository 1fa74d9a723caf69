package relaytest_test

import (
	"context"
	"fmt"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// A bus that throttles an entry, an answer that is lost, and a process that dies:
// each event is published, and a duplicate has the same eventId.
func ExampleDeliver() {
	bus := relaytest.Bus{Script: relaytest.Answers(
		relaytest.Answer{Codes: map[int]string{1: "ThrottlingException"}},
		relaytest.Answer{Lost: true},
	)}
	start := func() relaytest.Handler { // a new process: it remembers nothing
		h, err := relay.NewHandler(relay.NewEventBridge(&bus, "orders"), relay.Block)
		if err != nil {
			panic(err)
		}
		return h
	}
	var events []envelope.CustomEvent
	for i := range 3 {
		ev, err := envelope.New(context.Background(), "Order.Placed", map[string]int{"order": i})
		if err != nil {
			panic(err)
		}
		events = append(events, ev)
	}

	var stream relaytest.Stream
	got := relaytest.Deliver(t, start(), stream.Insert(events...), relaytest.Mapping{BatchSize: 2, CrashEvery: 3, ColdStart: start})

	published := map[string]bool{}
	for _, entry := range bus.Entries() {
		published[entry.EventID] = true
	}
	fmt.Println(len(published), "of", len(events), "published,", len(got.GivenUp), "given up")
	// Output:
	// 3 of 3 published, 0 given up
}
