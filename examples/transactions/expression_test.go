package transactions_test

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// byExpression makes the transaction with AWS's expression builder, whose
// placeholders do not meet those of the event: each action has its own.
func byExpression(users, counts string, u User) (*dynamodb.TransactWriteItemsInput, error) {
	attrs, err := attributevalue.MarshalMap(u)
	if err != nil {
		return nil, err
	}
	isNew, err := expression.NewBuilder().WithCondition(expression.Name("pk").AttributeNotExists()).Build()
	if err != nil {
		return nil, err
	}
	count, err := expression.NewBuilder().WithUpdate(expression.Add(expression.Name("members"), expression.Value(1))).Build()
	if err != nil {
		return nil, err
	}
	key, err := attributevalue.MarshalMap(map[string]string{"pk": "users"})
	if err != nil {
		return nil, err
	}
	return &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Put: &types.Put{
			TableName:                 &users,
			Item:                      attrs,
			ConditionExpression:       isNew.Condition(),
			ExpressionAttributeNames:  isNew.Names(),
			ExpressionAttributeValues: isNew.Values(),
		}},
		{Update: &types.Update{
			TableName:                 &counts,
			Key:                       key,
			UpdateExpression:          count.Update(),
			ExpressionAttributeNames:  count.Names(),
			ExpressionAttributeValues: count.Values(),
		}},
	}}, nil
}

// Built by github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression.
func Example_expressionBuilder() {
	in, err := byExpression("users", "counts", ada)
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
	// Put users if attribute_not_exists (pk)
	// Update counts: ADD members :0
	// Put event-store if attribute_not_exists(pk)
}
