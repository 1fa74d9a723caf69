// Package relay publishes the events of an event store: it is the Lambda
// function between the table's stream and the bus.
//
//	h, err := relay.NewHandler(relay.NewEventBridge(eventbridge.NewFromConfig(cfg), "orders"), deadLetters)
//	lambda.Start(h)
//
// # What is done
//
// A record is done when the bus has accepted its event or the dead-letter sink
// has taken it, and at no other time. Everything else is reported as failed, and
// the stream delivers it again for as long as it keeps it, 24 hours. So an event
// may come to the bus more than once, always with the same headers.eventId;
// EventBridge gives each publish another id.
//
// By default Invoke reports a failure by an error: Lambda then delivers the
// whole batch again, whatever the event source mapping says about partial
// answers. What this process has seen accepted is not sent twice.
// [Options].PartialBatchResponse answers with the first record to deliver again
// instead; without ReportBatchItemFailures on the mapping Lambda ignores that
// answer and the records are LOST.
//
// # Whose fault it is
//
// The [Publisher] says of each entry what its refusal means. [Transient]: the
// entry is sent again, with full jitter, a bounded number of times and while
// there is time. [EventFault]: it goes to the dead letters. [ConfigFault]: it is
// held, reported and logged as an error, for a bad deploy must never drain the
// table into the dead letters. A call that is refused as a whole for its content
// or its size is split until the culprit stands alone.
//
// A bad deploy can also make the bus call every event invalid. So an event that
// is refused as invalid is blamed only when something shows that our way of
// sending works:
//
//   - another entry of the same call was accepted;
//   - the event as it was committed breaks a known rule of the bus;
//   - it stood alone in its call, and the same bus has accepted another entry of
//     this process, before or in the call after it;
//   - it was in a call that was refused altogether, comes again in a later
//     invocation, and the same bus has accepted an entry of this process;
//   - it is 20 hours old, and the stream is about to forget it.
//
// Until then it is held like a fault of the configuration.
//
// # Order
//
// Records are sent in the order of the batch. While an entry that failed is
// neither done nor given up, and behind one that was given up, nothing new is
// started: Lambda delivers everything behind it again anyway, and each of those
// would be a duplicate. What is in flight by then is waited for.
//
// That is no promise of order between events: DynamoDB Streams orders the
// changes of one item, and classic EventBridge orders nothing. With
// [envelope.Layout].Ordered the relay never sends an event while an earlier one
// of its aggregateId, in the order of the stream, is not done. The first
// arrivals at the bus are then in that order for each aggregate; a repeated one
// may come after later ones. A dead letter counts as done, and consumers see the
// gap by the sequence header. An event without an aggregateId has no order.
//
// # Time
//
// No call is started in the last second before the deadline ([Options].Margin),
// calls are cut off within it, and retrying ends while there is time to answer.
// But each invocation makes one call, however little time it has.
//
// # The event source mapping
//
//	FunctionResponseTypes           ReportBatchItemFailures, together with PartialBatchResponse
//	BisectBatchOnFunctionError      true: it isolates what fails
//	MaximumRetryAttempts            -1: what is retried ends by its age, not by a count
//	MaximumRecordAgeInSeconds       75600, 21 h: then Lambda gives a record up while the stream,
//	                                which keeps it for 24 h, can still be read for three hours
//	DestinationConfig.OnFailure     an SQS queue, or S3: it tells which records were given up
//	BatchSize                       100: ten full calls
//	MaximumBatchingWindowInSeconds  0 or 1: a window fills batches at low traffic and adds latency
//	StartingPosition                TRIM_HORIZON: LATEST may miss events while the mapping is made
//	FilterCriteria                  {"eventName":["INSERT"]}
//
// A mapping that limits retries or record age gives records up by itself. The
// relay has reported each of them as failed and does not see them again: without
// an on-failure destination nobody is told.
//
// The stream must carry new images: NEW_IMAGE. The function needs the
// permissions events:PutEvents and, to find an absent bus on its first
// invocation, events:DescribeEventBus; PutEvents to a bus that does not exist
// has been seen to answer success.
//
// # Global tables
//
// Each replica's stream carries the writes of every region, so a relay in two
// regions publishes each event twice. With [Options].Region a relay skips the
// events that are stamped with another region and leaves them to the relay
// there. While that region is down its backlog waits: the events are in every
// replica's table and, for 24 hours, in every replica's stream, but nobody
// publishes them. To take over, run a second relay in a living region with
// Region set to the dead one, from TRIM_HORIZON; what both publish has the same
// eventId.
//
// The stream of such a table has old and new images and cannot be switched off:
// the relay reads the new ones. A strongly consistent global table
// (MultiRegionConsistency STRONG) takes no transactions and has no TTL, so it
// cannot be an event store
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html).
//
// # Logs
//
// The log holds ids, sequence numbers and codes. Payloads are never logged, nor
// are the messages of AWS errors and the values of panics, which may quote them.
package relay
