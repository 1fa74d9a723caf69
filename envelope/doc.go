// Package envelope defines the event that a service commits with its business
// item and that its consumers receive: headers and a payload.
//
// # Producing
//
// [New] freezes an event: its id, its time and what the context carries. The
// event then goes to outbox.Writer.Append, as often as the transaction is
// tried.
//
//	ctx = envelope.WithCorrelationID(ctx, requestID)
//	ev, err := envelope.New(ctx, "User.Created", UserCreated{UserID: id, Email: email})
//
// # Consuming
//
// [FromSQS], [FromEventBridge] and [Parse] read an event back, [Payload] decodes
// what it carries, and [Continue] makes the context in which the events that
// follow from it are made.
//
//	ev, err := envelope.FromSQS([]byte(message.Body))
//	user, err := envelope.Payload[UserCreated](ev)
//	ctx = envelope.Continue(ctx, ev)
//
// What EventBridge says of the event, such as the name of a replay, is in its
// field Bus.
//
// An event can arrive more than once, each time with the same
// Headers.EventID. outbox.Inbox recognises it; [GapDetector] and [OrderAfter]
// tell a consumer of ordered events when one is missing.
//
// # Storing
//
// [Layout] says how an event becomes an item of the event store. Writer and
// relay are given the same one; its zero value is a table of its own with
// pk = eventId and sk = timestamp.
//
// The package does no I/O. Its functions are safe for concurrent use, and so are
// its values as long as they are not changed. A GapDetector is for one goroutine.
package envelope
