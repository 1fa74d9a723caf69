package operation_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/operation"
)

func TestOf(t *testing.T) {
	table, update, condition, onFailure := "users", "REMOVE a", "attribute_exists(a)", types.ReturnValuesOnConditionCheckFailureAllOld
	attrs := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: "1"}}
	names, values := map[string]string{"#n": "a"}, map[string]types.AttributeValue{":v": &types.AttributeValueMemberN{Value: "1"}}
	for name, action := range map[string]types.TransactWriteItem{
		operation.Put: {Put: &types.Put{TableName: &table, Item: attrs, ConditionExpression: &condition,
			ExpressionAttributeNames: names, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: onFailure}},
		operation.Update: {Update: &types.Update{TableName: &table, Key: attrs, UpdateExpression: &update, ConditionExpression: &condition,
			ExpressionAttributeNames: names, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: onFailure}},
		operation.Delete: {Delete: &types.Delete{TableName: &table, Key: attrs, ConditionExpression: &condition,
			ExpressionAttributeNames: names, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: onFailure}},
		operation.ConditionCheck: {ConditionCheck: &types.ConditionCheck{TableName: &table, Key: attrs, ConditionExpression: &condition,
			ExpressionAttributeNames: names, ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: onFailure}},
	} {
		want := operation.Operation{
			Name: name, Table: &table, Attrs: attrs, Condition: &condition, Names: names, Values: values, OnFailure: onFailure,
		}
		if name == operation.Update {
			want.Update = &update
		}
		op, count := operation.Of(&action)
		require.Equal(t, want, op)
		require.Equal(t, 1, count)
	}
	_, count := operation.Of(&types.TransactWriteItem{Put: &types.Put{}, Delete: &types.Delete{}})
	require.Equal(t, 2, count)
}
