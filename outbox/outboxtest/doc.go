// Package outboxtest helps to test a service that writes events with package
// outbox, in one process and without an engine.
//
//	var db outboxtest.Client
//	tap := outboxtest.Tap{Client: &db, Table: "event-store"}
//	err := service.SignUp(ctx, &tap, user)   // your code: Append, Commit
//	records := tap.Records()                 // what the relay will be given
//
// [Events] says which events a transaction would publish. [Client] is a DynamoDB
// in memory that can be told to refuse, to be in conflict, or to lose an answer.
// [Tap] wraps any client, also one of a real engine, and keeps what was committed
// as the records of the event store's stream: give them to relaytest.Deliver.
//
// # On to the relay and the consumer
//
// With package relay/relaytest the whole way is one test:
//
//	var bus relaytest.Bus
//	var dead relaytest.Sink
//	h, err := relay.NewHandler(relay.NewEventBridge(&bus, "orders"), &dead)
//	relaytest.Deliver(t, h, tap.Records(), relaytest.Mapping{})
//
//	c, err := outbox.NewConsumer(sendMail) // your code: Inbox.Append, Commit
//	_, err = c.Invoke(ctx, relaytest.SQSEvent(bus.Entries()...))
//
// The consumer can have a Client of its own. In a bubble of testing/synctest no
// wait takes time.
//
// # What it is not
//
// Client judges the conditions that package outbox writes, attribute_exists and
// attribute_not_exists. Of any other condition it says that it cannot judge it,
// unless the test says what becomes of it. It accepts an Update and does not
// apply it. A table that was not made by CreateTable is there, with the key pk and
// sk. It knows no Query, no Scan, no index and no permissions. It does not
// say what DynamoDB would: for that, run the same test on an engine.
package outboxtest
