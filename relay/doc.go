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
// held, reported and logged as an error, for a bad deploy must never empty the
// table into the dead letters. A call that is refused as a whole for its content
// or its size is split until the entry at fault stands alone.
//
// A bad deploy can also make the bus call every event invalid. So an event that
// is refused as invalid goes to the dead letters only when something shows that
// our way of sending works:
//
//   - the same bus has accepted an entry of this process: another one of the
//     same call; or, if the event stood alone in its call, any one, before it or
//     in the next call. [Options].Probe can be that one;
//   - the event as it was committed breaks a rule of the bus that the publisher
//     knows ([Explainer]).
//
// Until then it is held like a fault of the configuration. If every single entry
// of a call is refused as invalid, all of them are held, and each comes alone in
// a call of its own at the next delivery.
//
// There is one exception. A record that has been on the stream for 20 hours,
// and whose event the bus refuses as invalid, goes to the dead letters without
// further evidence: the stream is about to forget it. So a bad deploy that lasts
// for 20 hours does fill the dead letters; the letters are whole, and a redrive
// publishes them again. The age is the time on the stream and nothing else: it
// never holds for what is published again.
//
// One event that is refused as invalid by a rule that the publisher does not
// know, alone on its table, in a process that has had nothing accepted, holds
// its shard for these 20 hours. Options.Probe ends that.
//
// A Route that breaks a rule, or a Layout that fits no item of a batch, is a
// fault of the configuration too.
//
// # Order
//
// Records are sent in the order of the batch. While an entry that failed may be
// sent again, nothing new is started, and behind one that has failed for good
// neither: Lambda delivers everything behind it again anyway, and each of those
// would be a duplicate. What is under way by then is waited for. An event that
// was refused before, and so goes alone, gives way to those that were not.
//
// That is no promise of order between events: DynamoDB Streams orders the
// changes of one item, and classic EventBridge orders nothing. With
// [envelope.Layout].Ordered the relay sorts the events of one aggregateId within
// a batch by their sequence, and never sends an event before an earlier one that
// it has received is accepted by the bus or by the dead-letter sink. It cannot
// know of what the stream brings late: two items of one partition key may come in
// another order than they were written in, and in another batch. Such an event is
// published and counted ([Metrics].OutOfOrder). A repeated event may come after
// later ones. A dead letter leaves a gap, which consumers see by the sequence
// header. An event without an aggregateId has no order.
//
// An invocation knows nothing of another one. Leave ParallelizationFactor at 1: with
// more, Lambda keeps the order of each item, by both parts of its key, and two events
// of one aggregate are two items
// (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html).
//
// # Time
//
// No call is started in the last second before the deadline ([Options].Margin),
// calls and dead letters are cut off within it, and retrying ends while there is
// time to answer. But each invocation makes one call, however little time it has.
//
// # The journal
//
// The stream forgets after 24 hours. With [Options].Journal the relay writes down
// which events are done, once per invocation and after everything else: what is in
// the event store, and neither in the journal nor in the dead letters, was never
// published. A journal that fails, or is slow, fails nothing.
//
// # Publishing again
//
// [Replay] publishes again what a [Source] yields: an event store by time, an
// aggregate, single events, the stream, or what Lambda left behind of a batch that
// it has given up; see package relay/recovery. With ReplayOptions.MissingFrom it is
// what the journal lacks. It is the same relay without its memory, without regard to
// age, and without dead letters, and it may run beside the other one: a duplicate has
// the same eventId. What is in the dead letters is published again by a redrive; see
// package relay/deadletter.
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
//	ParallelizationFactor           1 with an Ordered layout, else as you need it
//	MaximumBatchingWindowInSeconds  0 or 1: a window fills batches at low traffic and adds latency
//	StartingPosition                TRIM_HORIZON: LATEST may miss events while the mapping is made
//	FilterCriteria                  {"eventName":["INSERT"]}
//
// A mapping that limits retries or record age gives records up by itself. The
// relay has reported each of them as failed and does not see them again: without
// an on-failure destination nobody is told.
//
// The stream must carry new images: NEW_IMAGE. Beside what Lambda asks for to read
// a stream, the function needs the permissions events:PutEvents and, to find an
// absent bus before the first call to it, events:DescribeEventBus; and
// dynamodb:PutItem on the tables of the dead letters and of the journal.
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
