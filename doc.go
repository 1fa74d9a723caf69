// Package dynamodboutbox is documentation only: the transactional outbox for
// DynamoDB and EventBridge. The code is in its packages envelope, outbox and
// relay.
//
// # The problem
//
// A service saves a user in DynamoDB and must tell the rest of the system
// through EventBridge. With two separate calls it sooner or later announces a
// user that was never saved, a phantom event, or saves one that is never
// announced, a lost event.
//
// # The shape
//
// The event is one more item, in an event store table, in the same
// TransactWriteItems as the user. A Lambda on that table's stream, the relay,
// turns each new item into an entry of PutEvents. A rule on the bus brings it to
// the consumer's queue.
//
//	service → TransactWriteItems{users, event store} → stream → relay → bus → rule → queue → consumer
//
// The caller owns the transaction, the Lambda and the AWS configuration. This
// module adds to them:
//
//	// once
//	w, err := outbox.NewWriter("event-store", func(o *outbox.Options) { o.Source = "userService" })
//
//	// per request: the caller's own transaction, plus one line
//	ev, err := envelope.New(ctx, "User.Created", UserCreated{UserID: id, Email: email})
//	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: userPut}}}
//	err = w.Append(in, ev)
//	_, err = ddb.TransactWriteItems(ctx, in)
//	err = w.Explain(in, err) // optional: whose item was refused, did it commit, may it be sent again?
//
//	// the relay, in the caller's own Lambda
//	h, err := relay.NewHandler(relay.NewEventBridge(eventbridge.NewFromConfig(cfg), "default"), deadLetters)
//	lambda.Start(h)
//
//	// the consumer
//	ev, err := envelope.FromSQS([]byte(message.Body))
//	user, err := envelope.Payload[UserCreated](ev)
//	err = inbox.Append(in, ev) // the receipt in the consumer's own transaction
//
// # The contract
//
//  1. Committed business item ⇔ committed event. No event without its
//     transaction, no transaction without its event.
//  2. Every committed event is accepted by the bus or by the dead-letter sink at
//     least once, or is reported as failed so that the stream delivers it again,
//     for as long as the stream keeps it (24 h). Nothing else counts as done.
//  3. A duplicate has the same eventId. EventBridge gives each publish a new id,
//     so consumers dedupe on headers.eventId.
//  4. The default layout promises no order: DynamoDB Streams keeps order per item
//     only, and classic EventBridge keeps none. With aggregateId and sequence a
//     consumer can detect a gap. In the aggregate layout
//     the uniqueness of a sequence is a condition of the commit. There the relay
//     sorts the events of one aggregate within a batch by sequence, and never
//     sends an event before an earlier one of its aggregate that it has received
//     is accepted. What the stream brings late it cannot know of; that is
//     published, and counted.
//  5. What EventBridge would refuse is refused before the commit, with an error
//     that names the event and the limit.
//  6. Same event, same items: appending the same events twice builds identical
//     items, so a caller may retry under one ClientRequestToken.
//  7. Safe by default: with the zero value of every option, under any event source
//     mapping and with any fault of the bus, a record that is not done is reported
//     as failed, and never as done. A mapping that limits retries or record age
//     gives such records up by itself: set an on-failure destination.
package dynamodboutbox
