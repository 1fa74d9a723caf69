package transactions_test

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// User is an item of the users table.
type User struct {
	ID    string `dynamodbav:"pk" dynamo:"pk" json:"userId"`
	Email string `dynamodbav:"email" dynamo:"email" json:"email"`
}

var ada = User{ID: "u1", Email: "ada@example.com"}

func writer(eventStore string) *outbox.Writer {
	w, err := outbox.NewWriter(eventStore, func(o *outbox.Options) { o.Source = "userService" })
	if err != nil {
		panic(err)
	}
	return w
}

func signedUp(u User) envelope.CustomEvent {
	ev, err := envelope.New(context.Background(), "User.Created", u)
	if err != nil {
		panic(err)
	}
	return ev
}

// describe says in short what an action does, with the names that placeholders
// stand for.
func describe(action types.TransactWriteItem) string {
	var text string
	var names map[string]string
	if put := action.Put; put != nil {
		text, names = "Put "+*put.TableName+" if "+*put.ConditionExpression, put.ExpressionAttributeNames
	} else {
		text, names = "Update "+*action.Update.TableName+": "+*action.Update.UpdateExpression, action.Update.ExpressionAttributeNames
	}
	for placeholder, name := range names {
		text = strings.ReplaceAll(text, placeholder, name)
	}
	return strings.TrimSpace(text)
}
