// Package recovery has the sources from which [relay.Replay] publishes events
// again: the event store, by time, by aggregate or by event id; the stream, from a
// time or a range of it; and what Lambda or EventBridge Pipes left behind of a
// batch that failed.
//
//	source := recovery.EventStore(client, "event-store", layout, from, to)
//	report, err := relay.Replay(ctx, source, h, func(o *relay.ReplayOptions) {
//		o.To, o.MissingFrom = relay.ToSameBus(), journal
//	})
//
// What is wrong with the arguments of a source is returned by Replay, before
// anything is read or published. No source writes anything. Each one says which
// permissions it needs.
//
// # Which source
//
// After an outage that was longer than the 24 hours of the stream, [EventStore]
// with ReplayOptions.MissingFrom: it works in every layout, reads the whole
// table, and publishes what neither the bus nor the dead letters have. Within the
// 24 hours [StreamFrom] reads less. [OnFailure] is for the record that Lambda or
// Pipes sent to a queue or bucket, [Aggregate] and [IDs] are for single events.
//
// # How it reads
//
// With the SDK's own client, items and records are taken from the body of the
// answer as they stand, and are not made into Go values: that would cost more
// than everything else. Any other client may be given, and is read the ordinary
// way.
package recovery
