// Package journal keeps in a DynamoDB table which events the relay has brought to
// the bus, when, and under which id of the bus.
//
//	table := journal.New(dynamodb.NewFromConfig(cfg), "journal", func(o *journal.Options) { o.TTL = 90 * 24 * time.Hour })
//	h, err := relay.NewHandler(publisher, letters, func(o *relay.Options) { o.Journal = table })
//
// and later, when the stream has forgotten:
//
//	for done, err := range table.Accepted(ctx, from, to) { … }   // all of an hour, a day
//	done, err := table.Find(ctx, eventID, createdAt)             // one event
//
// An event that is in the event store, and neither in the journal nor in the dead
// letters, was never published. That holds for the time in which there was a
// journal: what was published before it was switched on is not in it. It holds for
// one relay: where two relays read one event store, each needs a table of its own,
// or what one of them has published counts as published by the other.
//
// # What it costs
//
// The relay writes one item per invocation, not one per event: 34 bytes for an
// event whose id is a ULID and whose bus gives a UUID, as EventBridge does, and
// about 90 bytes for the item. A write unit is 1 KB. Beside it, an event of up to
// 1 KB costs two write units in its own transaction, so 2,000 for 1,000 events:
//
//	events per invocation   write units of the journal for 1,000 events
//	  1                     1,000   50 %
//	 10                       100    5 %
//	100                        40    2 %
//
// The invocation waits for that write: some milliseconds, once.
//
// # Permissions
//
// The relay needs dynamodb:PutItem on the table, and who reads it
// dynamodb:Query.
package journal
