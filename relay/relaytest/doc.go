// Package relaytest helps to test a relay, and what stands around it, in one
// process: a stream, Lambda's event source mapping, EventBridge, and a sink for
// dead letters.
//
//	var stream relaytest.Stream
//	var bus relaytest.Bus
//	var dead relaytest.Sink
//	h, err := relay.NewHandler(relay.NewEventBridge(&bus, "orders"), &dead)
//	got := relaytest.Deliver(t, h, stream.Insert(events...), relaytest.Mapping{})
//
// Then bus.Entries is what was published, dead.Letters what could not be, and
// got says how often Lambda had to call. [SQSEvent] and [LambdaEvent] are what a
// consumer is given of it: with an outbox.Consumer c,
// c.Invoke(ctx, relaytest.SQSEvent(bus.Entries()...)).
//
// A stream record is a json.RawMessage everywhere: one member of "Records", as
// Lambda delivers it. [Stream] makes records out of events; package
// outbox/outboxtest has a Tap, which makes them out of what a service commits.
// [Shuffle], [Interleave], [Duplicate], [Age] and [Replica] change records,
// wherever they come from.
//
// # What breaks
//
// A relay is worth testing for what goes wrong. [Bus].Script refuses entries,
// fails calls, loses answers, is slow or panics. [Mapping] lets processes die,
// functions time out, and batches come twice.
//
//	bus.Script = relaytest.RefuseShare(1, 0.2, "InternalFailure")
//	m := relaytest.Mapping{CrashEvery: 2, ColdStart: newHandler} // dies between the bus and its answer
//
// What becomes of a refused entry depends on its code; relay.EventBridge lists
// them. InternalFailure is sent again. MalformedDetail makes a dead letter, but
// only when the bus has accepted another event: one that is alone in the test is
// held for 20 hours.
//
// If you write a relay.Publisher or a relay.DeadLetterSink of your own,
// [TestPublisher] and [TestSink] say whether it keeps the contract.
//
// # Time
//
// Every time comes from time.Now, and whatever waits uses a timer: in a bubble of
// testing/synctest a day of retries takes no time. Outside of one, [Deliver]
// really waits between two tries.
//
// # What it is not
//
// Bus has the rules of PutEvents that AWS documents. It has no rules, targets or
// archives, and knows nothing of permissions. For [Deliver] all
// records are there when it starts; it has no filters and no tumbling windows.
package relaytest
