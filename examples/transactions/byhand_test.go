package transactions_test

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// byHand makes the transaction with the SDK's types alone: a new user, whom the
// count of users includes.
func byHand(users, counts string, u User) (*dynamodb.TransactWriteItemsInput, error) {
	attrs, err := attributevalue.MarshalMap(u)
	if err != nil {
		return nil, err
	}
	return &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{
			TableName:           &users,
			Item:                attrs,
			ConditionExpression: aws.String("attribute_not_exists(pk)"),
		}},
		{Update: &types.Update{
			TableName:                 &counts,
			Key:                       map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "users"}},
			UpdateExpression:          aws.String("ADD members :one"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}},
		}},
	}}, nil
}

// The caller's own struct literals, and one line.
func Example_byHand() {
	in, err := byHand("users", "counts", ada)
	if err != nil {
		panic(err)
	}
	if err := writer("event-store").Append(in, signedUp(ada)); err != nil {
		panic(err)
	}
	for _, action := range in.TransactItems {
		fmt.Println(describe(action))
	}
	// Output:
	// Put users if attribute_not_exists(pk)
	// Update counts: ADD members :one
	// Put event-store if attribute_not_exists(pk)
}
