package outbox_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox/outboxtest"
)

// A conflict is waited for, a lost answer is found to have been a commit, and a
// condition that is not met is final: it is what a service answers with 409.
func ExampleCommit() {
	var ddb outboxtest.Client // a *dynamodb.Client in a service
	w, err := outbox.NewWriter("event-store", func(o *outbox.Options) { o.Source = "userService" })
	if err != nil {
		panic(err)
	}
	signUp := func(ctx context.Context, id string) error {
		ev, err := envelope.New(ctx, "User.Created", UserCreated{UserID: id})
		if err != nil {
			return err
		}
		in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: newItem("users", id)}}}
		if err := w.Append(in, ev); err != nil {
			return err
		}
		err = outbox.Commit(ctx, &ddb, in, w)
		var failed *outbox.CommitError
		if errors.As(err, &failed) && failed.Refused(0) {
			return fmt.Errorf("409: there is a user %s already", id)
		}
		return err
	}

	ddb.Conflict()
	ddb.LoseAnswer()
	fmt.Println(signUp(context.Background(), "u1"))
	fmt.Println(signUp(context.Background(), "u1"))
	fmt.Println(len(ddb.Items("event-store")), "event")
	// Output:
	// <nil>
	// 409: there is a user u1 already
	// 1 event
}

// newItem is a Put of an item that must be new.
func newItem(table, pk string) *types.Put {
	condition := "attribute_not_exists(pk)"
	return &types.Put{
		TableName: &table, ConditionExpression: &condition,
		Item: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk}},
	}
}
