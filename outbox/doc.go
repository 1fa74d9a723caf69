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
// The role of the caller needs dynamodb:PutItem on the event store: a Put of a
// transaction asks for that.
//
// # What is checked before anything is written
//
// [Writer.Append] refuses with a [*PreflightError] what DynamoDB would refuse of
// the whole transaction, the caller's actions included, and what EventBridge
// would later refuse of an event (its size as it will be published, the lengths
// of its name and source, integers beyond 64 bits, text that is not Unicode). Of
// a transaction it checks
//
//   - the number of actions, 4 MB in all with keys, expressions and what their
//     placeholders stand for, the token, and that no two actions go to one item;
//   - of each action that it is one operation and complete, the form of the
//     table's name, and 400 KB for an item;
//   - values and names at any depth: numbers, sets, nesting, NULL, what is nil;
//   - keys, as far as the request shows the key of the table: in the writer's
//     own table, and in one to which any action gives a Key;
//   - of expressions that they are not empty, their sizes, and that each
//     placeholder is well-formed, defined and used.
//
// It judges what a request shows, and guesses nothing. A request does not show
//
//   - the key of a table that the caller only puts to, so two Puts on one item
//     there, or one without its key, are left to DynamoDB; nor which of two
//     attributes of a Key is the sort key, so one of them may have 2,048 bytes;
//   - the grammar of an expression, for here is no parser: syntax, reserved
//     words, the number of operators, paths that overlap, an update of the key;
//   - what is stored: whether conditions hold, types fit an operand, or the item
//     is too large or too deep after an Update;
//   - what an account has: tables, what an ARN names, permissions, throughput.
//
// Where engines take more than DynamoDB's documentation says, the documentation
// counts. One thing is refused that DynamoDB takes: a list with an element that
// is nil, or of a kind that this version of the SDK does not know. The SDK leaves
// such an element out without a word. Text of the caller's that is not UTF-8 is
// let through and counted as the SDK sends it, with U+FFFD for each byte that is
// no part of a character; in an event it is refused.
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
// BatchWriteItem is no transaction and has no conditions: events cannot be
// added to either. A single event without a business item does not need a
// transaction: see [Writer.PutItem].
//
// # Consuming
//
// [Inbox] is the other end: it adds a receipt to the consumer's transaction, so
// that the same event delivered twice is done once.
package outbox
