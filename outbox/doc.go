// Package outbox writes events into the transactions that make them true.
//
// A [Writer] adds one Put for each event to the caller's own
// TransactWriteItems: the business item and the event are committed together or
// not at all. It does no I/O; the caller has the client, the transaction and
// the retries.
//
//	w, err := outbox.NewWriter("event-store", func(o *outbox.Options) { o.Source = "userService" })
//
//	ev, err := envelope.New(ctx, "User.Created", user)           // once per happening
//	in := &dynamodb.TransactWriteItemsInput{TransactItems: items} // the caller's own
//	err = w.Append(in, ev)
//	_, err = ddb.TransactWriteItems(ctx, in)
//	err = w.Explain(in, err)
//
// # What is checked before anything is written
//
// [Writer.Append] refuses with a [*PreflightError] what DynamoDB would refuse of
// the whole transaction, the caller's actions included (100 actions, 4 MB,
// 400 KB per item, key sizes, two actions on one item, values that DynamoDB can
// not hold), and what EventBridge would later refuse of an event (its size as it
// will be published, the lengths of its name and source, integers beyond 64
// bits, text that is not Unicode).
//
// It judges what a request shows and guesses nothing else. A request does not
// show the key schema of a table that the caller only puts to, so two Puts of
// the caller on one item are left to DynamoDB; nor the size of an item after an
// Update; nor whether an expression is well-formed or a table exists.
//
// # Trying again
//
// An event is frozen by envelope.New, and appending it is a pure function, so a
// transaction may be built again and sent again. Three things can happen to one
// whose answer was lost:
//
//   - It is sent again with the same ClientRequestToken within ten minutes:
//     DynamoDB answers success and writes nothing. The SDK puts the token it
//     makes into the input, so sending the same input again does this. An input
//     that was changed since must have its token set to nil.
//   - It is sent again with another token, and had committed: the event is
//     there, the transaction is cancelled, and [Writer.Explain] says nil.
//   - It is sent again and had not committed: now it does.
//
// The SDK does not retry a cancelled transaction. Explain says in
// CommitError.Retryable when doing so can help.
//
// PartiQL's ExecuteTransaction takes statements, not actions, and
// BatchWriteItem is no transaction and has no conditions: events can not be
// added to either. A single event without a business item does not need a
// transaction: see [Writer.PutItem].
//
// # Consuming
//
// [Inbox] is the other end: it adds a receipt to the consumer's transaction, so
// that the same event delivered twice is done once.
package outbox
