package outbox_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// A sequence comes from the business item's own version, in the same
// transaction: the condition on the version is what makes it unique.
func Example_sequence() {
	w, err := outbox.NewWriter("event-store", func(o *outbox.Options) {
		o.Source, o.Layout = "userService", envelope.AggregateLayout()
	})
	if err != nil {
		panic(err)
	}
	const read = 6 // the version of user u1 that the service has just read
	ev, err := envelope.New(context.Background(), "User.Renamed", map[string]string{"name": "Ada"}, fixed("e1"),
		func(h *envelope.Headers) { h.AggregateID, h.Sequence = "u1", read+1 })
	if err != nil {
		panic(err)
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Update: &types.Update{
		TableName:           aws.String("users"),
		Key:                 map[string]types.AttributeValue{"userId": &types.AttributeValueMemberS{Value: "u1"}},
		UpdateExpression:    aws.String("SET #name = :name, version = :next"),
		ConditionExpression: aws.String("version = :read"),
		ExpressionAttributeNames: map[string]string{
			"#name": "name",
		},
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":name": &types.AttributeValueMemberS{Value: "Ada"},
			":read": &types.AttributeValueMemberN{Value: fmt.Sprint(read)},
			":next": &types.AttributeValueMemberN{Value: fmt.Sprint(read + 1)},
		},
	}}}}
	if err := w.Append(in, ev); err != nil {
		panic(err)
	}
	key := in.TransactItems[1].Put.Item
	fmt.Println("pk", key["pk"].(*types.AttributeValueMemberS).Value, "sk", key["sk"].(*types.AttributeValueMemberN).Value)

	// another service instance was faster: its event has this sequence
	other, err := envelope.New(context.Background(), "User.Renamed", nil, fixed("e2"),
		func(h *envelope.Headers) { h.AggregateID, h.Sequence = "u1", read+1 })
	if err != nil {
		panic(err)
	}
	theirs, err := w.PutItem(other)
	if err != nil {
		panic(err)
	}
	err = w.Explain(in, &types.TransactionCanceledException{CancellationReasons: []types.CancellationReason{
		{Code: aws.String("ConditionalCheckFailed")},
		{Code: aws.String("ConditionalCheckFailed"), Item: theirs.Item},
	}})
	fmt.Println(errors.Is(err, outbox.ErrSequenceTaken))
	// Output:
	// pk u1 sk 7
	// true
}
