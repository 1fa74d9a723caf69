// Package outbox writes events into the transactions that make them true.
//
// A [Writer] adds one Put for each event to the caller's own
// TransactWriteItems: the business item and the event are committed together or
// not at all. It does no I/O; the caller has the client, the transaction and
// the retries. [Commit] does the sending and the retries for you.
//
//	w, err := outbox.NewWriter("event-store", func(o *outbox.Options) { o.Source = "userService" })
//
//	ev, err := envelope.New(ctx, "User.Created", user)           // once for what has happened
//	in := &dynamodb.TransactWriteItemsInput{TransactItems: items} // the caller's own
//	err = w.Append(in, ev)
//	err = outbox.Commit(ctx, ddb, in, w)                          // sends it, again where that helps
//
// The last line may also be a call of your own, whose error the writer explains:
//
//	_, err = ddb.TransactWriteItems(ctx, in)
//	err = w.Explain(in, err)
//
// Either way the error is a [*CommitError], or nil when the transaction has
// committed:
//
//	var failed *outbox.CommitError
//	switch {
//	case errors.As(err, &failed) && failed.Refused(0): // the condition of items[0]: 409
//	case err != nil: // failed.Outcome says whether it may have committed
//	}
//
// The event store is a table with a stream of new images; its keys follow from
// Options.Layout, and [Writer.CreateTableInput] describes it. The role of the
// caller needs dynamodb:PutItem on it: a Put of a transaction asks for that.
//
// # What is checked before anything is written
//
// [Writer.Append] refuses with a [*PreflightError] what is wrong with an event:
// what DynamoDB would not store, and what EventBridge would refuse after the
// commit (its size as it will be published, the lengths of its name and source,
// integers beyond 64 bits, text that is not Unicode).
//
// Of the caller's own actions it refuses only what AWS documents as a limit and
// DynamoDB refuses for certain, and what the SDK would not send as it was meant:
//
//   - more than 100 actions, 4 MB of items to put, an item over 400 KB by
//     DynamoDB's size rules, a ClientRequestToken that is empty or over 36
//     characters;
//   - two actions that show one key, and a key's value that is empty or too long,
//     where the request shows the key: in a Key, in a Put to the writer's own
//     table, and in a Put to a table of which another action shows the key;
//   - the ARN of an index or a stream instead of a table, and tables of two
//     regions or accounts;
//   - a value that is nil or of a kind that this version of the SDK does not know,
//     which the SDK leaves out of a list without a word.
//
// Everything else is left to DynamoDB, which refuses a transaction as a whole: a
// false refusal here would break a service that works. [Writer.Check] says all
// that can be seen; it is for tests, and for whoever wants to know first: numbers,
// sets, nesting, placeholders, the lengths of expressions, the key of a table as
// another action shows it. Where engines take more than DynamoDB's documentation
// says, the documentation counts. What no request shows is left out there, too:
// what is stored, and what an account has. Expressions are not parsed.
//
// Text of the caller's that is not UTF-8 is let through and counted as the SDK
// sends it, with U+FFFD for each byte that is no part of a character; in an event
// it is refused.
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
// CommitError.Retryable when doing so can help, and [Commit] does it.
//
// PartiQL's ExecuteTransaction takes statements, not actions, and
// BatchWriteItem is no transaction and has no conditions: events cannot be
// added to either. A single event without a business item does not need a
// transaction: see [Writer.PutItem].
//
// # Consuming
//
// [Inbox] is the other end: it adds a receipt to the consumer's transaction, so
// that the same event delivered twice is done once. [Consumer] is a Lambda handler
// that reads the messages of an SQS queue and calls a function for each event:
//
//	inbox, err := outbox.NewInbox("inbox", "mailer")
//	c, err := outbox.NewConsumer(func(ctx context.Context, ev envelope.CustomEvent) error {
//		in := &dynamodb.TransactWriteItemsInput{TransactItems: work(ev)} // the caller's own
//		if err := inbox.Append(in, ev); err != nil {
//			return err // nothing may be sent: there is no receipt in it
//		}
//		return outbox.Commit(ctx, ddb, in, inbox) // ErrDuplicate: the Consumer takes it as done
//	})
//	lambda.Start(c)
package outbox
