// Package custombus publishes to the Custom Event Bus of Amazon EventBridge, the
// one whose API is EventBridgeV2 and whose ARNs have "event-busv2" in them. Classic
// event buses have relay.NewEventBridge.
//
//	publisher := custombus.New(cfg, "arn:aws:events:eu-west-1:123456789012:event-busv2/orders/abcdefghijklmnopqrstuvwxy")
//	h, err := relay.NewHandler(publisher, deadLetters)
//
// It has not been tried on AWS yet. Its requests are those of AWS's client for Python,
// botocore 1.43.106: a test compares the two member by member. It speaks the
// protocol itself, over the SDK's signer and retryer, and is meant to hand over to
// the SDK's own client one day.
//
// # What the bus is given
//
// A call has up to 100 entries and 1,000,000 bytes ([Options]). Of each event,
// EventGroupId is headers.aggregateId and DeduplicationId is headers.eventId. An event
// without an aggregateId has no group. An id that the bus does not take, with more
// than 128 characters for instance, is replaced by its SHA-256 in hexadecimal digits.
// The X-Ray header has no place in this API; headers.traceparent is in the Detail.
//
// # Delivery
//
// Both success codes, PUBLISHED and DEDUPLICATED, mean that the bus has the event.
// The bus drops an entry that it has taken within the last 5 minutes with the same
// group and deduplication id
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-ordering.html).
// So what the relay sends again soon, because it did not get the answer, reaches a
// subscriber once. The stream may deliver a record again for 24 hours: consumers
// still have to deduplicate by headers.eventId. What is replayed onto the same bus
// within 5 minutes of its first publishing is dropped too, and counts as published.
//
// # Order
//
// A subscriber of the type FIFO gets the events of a group in the order in which
// the bus has taken them. For that to be the order of an aggregate, use
// envelope.Layout.Ordered on both sides, as with every bus: the relay then sends an
// event only when the earlier ones of its aggregate are done, so a call holds one
// event of each aggregate at the most. It stays so here: the bus takes or refuses each
// entry on its own
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-publish.html),
// and would take the fourth event of a call when it has refused the third. What the
// stream brings late keeps its place behind what was sent before. A subscriber of the
// type UNORDERED has no order. A FIFO queue as the target has rules of its own for
// the letters of a group's id.
//
// A group takes 1,500 a second of events and their kilobytes added up; a bus
// 500,000 events
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html#eb-custom-bus-quotas).
// What goes beyond is throttled, which is [relay.Transient].
//
// # Permissions
//
// events:PutEvents and, for the look at a bus before the first call to it,
// events:DescribeEventBus, both on the ARN of the bus: the prefix is "events", and a
// policy with "eventsv2" grants nothing
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-names.html).
// A call of which one entry is not permitted, by its source for instance, is refused
// as a whole: nothing of it is published, and all of it is held.
//
// # Endpoint
//
// It is that of the bus's account and region, both from its ARN:
// ACCOUNT.eventsv2.REGION.amazonaws.com. FIPS, dual stack and the account mode are
// those of the aws.Config, and so is a base endpoint, unless [Options] has another. Of
// the aws.Config, APIOptions are applied; Interceptors and ServiceOptions are not.
package custombus
