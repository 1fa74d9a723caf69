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
// It is a package of its own so that a relay with another sink, or with
// [relay.Block], does not load DynamoDB's client.
package deadletter
