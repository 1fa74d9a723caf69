// Package transactions shows that outbox.Writer fits a transaction however it is
// made: by hand, with AWS's expression builder, or by a library that sits on top
// of the SDK. Each is an example with its output, in a file that can be copied with
// user_test.go; engines_test.go commits all of them on real engines.
//
// A library that shows its []types.TransactWriteItem or its
// dynamodb.TransactWriteItemsInput needs nothing special. One that keeps them to
// itself but takes a client, as guregu/dynamo does, is given one that records.
package transactions
