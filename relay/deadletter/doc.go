// Package deadletter keeps the records that the relay cannot publish in a
// DynamoDB table, and publishes them again when the cause is corrected.
//
//	letters := deadletter.New(dynamodb.NewFromConfig(cfg), "dead-letters")
//	h, err := relay.NewHandler(publisher, letters)
//
// and later, from a command of yours:
//
//	report, err := letters.Redrive(ctx, client, h)
//
// With RedriveOptions.DryRun it only says what it would do. What the bus accepts is
// deleted from the table; what it refuses again stays.
//
// [Table.CreateTableInput] describes the table: pk and sk, both strings. The relay
// needs dynamodb:PutItem on it. A redrive needs dynamodb:Scan and
// dynamodb:DeleteItem on it, dynamodb:GetItem on the event store, and what the
// publisher needs.
//
// It is a package of its own so that a relay with another sink, or with
// [relay.Block], does not load DynamoDB's client.
package deadletter
