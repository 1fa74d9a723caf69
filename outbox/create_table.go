package outbox

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// CreateTableInput returns the request that makes this writer's event store: the
// keys of its layout, a stream of new images for the relay, and billing per
// request. It is for tests and for tools; change it as you like. Time to live is
// switched on by another request, UpdateTimeToLive, on the layout's attribute
// TTL. A table that holds other items too, or has indexes, is the caller's to
// describe.
func (w *Writer) CreateTableInput() *dynamodb.CreateTableInput {
	l := w.opts.Layout
	sk, number := l.SK, l.Keys == nil || l.NumericSK
	if l.Keys != nil {
		if _, value := l.Keys(envelope.CustomEvent{Headers: envelope.Headers{EventID: "-", AggregateID: "-", Sequence: 1}}); value == "" {
			sk = ""
		}
	}
	in := createTable(tableName(w.table), l.PK, sk, number)
	in.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage}
	return in
}

// CreateTableInput returns the request that makes the table of this inbox's
// receipts, with billing per request. It is for tests and for tools. Time to live
// is switched on by UpdateTimeToLive, on the attribute TTL.
func (b *Inbox) CreateTableInput() *dynamodb.CreateTableInput {
	sk := b.opts.SK
	if _, value := b.opts.Keys(b.consumer, "-"); value == "" {
		sk = ""
	}
	return createTable(tableName(b.table), b.opts.PK, sk, false)
}

// createTable describes a table with the key pk (S) and, unless it is empty, sk
// (S, or N).
func createTable(name, pk, sk string, number bool) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{TableName: &name, BillingMode: types.BillingModePayPerRequest}
	key := func(name string, kind types.KeyType, of types.ScalarAttributeType) {
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &name, KeyType: kind})
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &name, AttributeType: of})
	}
	key(pk, types.KeyTypeHash, types.ScalarAttributeTypeS)
	switch {
	case sk == "":
	case number:
		key(sk, types.KeyTypeRange, types.ScalarAttributeTypeN)
	default:
		key(sk, types.KeyTypeRange, types.ScalarAttributeTypeS)
	}
	return in
}
