package writeside

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

// transactionLimit is the size of the largest transaction: 4 MB is 4 MiB
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
const transactionLimit = 4 << 20

// A transaction of exactly 4,194,304 bytes by our count is taken and one of
// 4,194,305 is refused, whatever action is part of it.
//
// AWS does not say what of a transaction is counted. DynamoDB Local counts what
// eventitem.Expressions says; dynoxide 1.2.1 counts items and keys as it does,
// and of expressions only the values of an Update, once each. It takes more, so
// the count of DynamoDB Local is safe for both.
func TestTransactionSizeIsTheEngines(t *testing.T) {
	value := attrs{":v": text("1234567890"), ":longer": object(attrs{"é": list(number("-12.3"), binary("abc"), texts("a", "b"))})}
	condition := aws.String("attribute_not_exists(#k) OR a = :v OR a = :longer")
	names := map[string]string{"#k": "naïve"}
	key := attrs{"pk": text("first")}
	item := attrs{"pk": text("first"), "é": number("12.34"), "list": list(null(), boolean(true))}
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		tb, db := enginetest.BusinessTable(t, e), e.DynamoDB()
		table := &tb.Name
		tests := map[string]types.TransactWriteItem{
			"Put":                      {Put: &types.Put{TableName: table, Item: item}},
			"Put with a condition":     {Put: &types.Put{TableName: table, Item: item, ConditionExpression: condition, ExpressionAttributeNames: names, ExpressionAttributeValues: value}},
			"Put that returns the old": {Put: &types.Put{TableName: table, Item: item, ConditionExpression: aws.String("attribute_not_exists(pk)"), ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld}},
			"Delete":                   {Delete: &types.Delete{TableName: table, Key: key}},
			"Delete with a condition":  {Delete: &types.Delete{TableName: table, Key: key, ConditionExpression: condition, ExpressionAttributeNames: names, ExpressionAttributeValues: value}},
			"ConditionCheck":           {ConditionCheck: &types.ConditionCheck{TableName: table, Key: key, ConditionExpression: condition, ExpressionAttributeNames: names, ExpressionAttributeValues: value}},
			"Update": {Update: &types.Update{TableName: table, Key: key, UpdateExpression: aws.String("SET #k = :v, b = :longer"),
				ExpressionAttributeNames: names, ExpressionAttributeValues: value}},
			"placeholders more than once": {ConditionCheck: &types.ConditionCheck{TableName: table, Key: key, ExpressionAttributeNames: map[string]string{"#k": "naïve"},
				ConditionExpression:       aws.String("attribute_not_exists(#k) OR #k.#k = :v OR #k[0] IN (:v, :v) OR #k BETWEEN :v AND :v"),
				ExpressionAttributeValues: attrs{":v": text("1234567890")}}},
			"placeholders that begin alike": {Update: &types.Update{TableName: table, Key: key, UpdateExpression: aws.String("SET #k = :v, #kk=:v2 REMOVE #k_k"),
				ExpressionAttributeNames: map[string]string{"#k": "a", "#kk": "bb", "#k_k": "ccc"}, ExpressionAttributeValues: attrs{":v": text("x"), ":v2": text("yy")}}},
			"Update with a condition": {Update: &types.Update{TableName: table, Key: key, UpdateExpression: aws.String("SET  #k = :v ,  b = :longer"),
				ConditionExpression: condition, ExpressionAttributeNames: names, ExpressionAttributeValues: value}},
		}
		for name, action := range tests {
			t.Run(name, func(t *testing.T) {
				size := actionSize(t, action, e)
				require.NoError(t, transact(t, db, filled(t, table, action, transactionLimit-size)...))
				err := transact(t, db, filled(t, table, action, transactionLimit-size+1)...)
				require.ErrorContains(t, err, "4MB")
				require.ErrorContains(t, err, "ValidationException")
				require.NoError(t, transact(t, db, types.TransactWriteItem{Delete: &types.Delete{TableName: table, Key: key}}))
			})
		}
	})
}

// actionSize is what an action counts for. On dynoxide, it is what dynoxide
// counts, which is never more than ours.
func actionSize(t *testing.T, a types.TransactWriteItem, e *engine.Engine) int {
	t.Helper()
	var item attrs
	var x eventitem.Expressions
	switch {
	case a.Put != nil:
		item = a.Put.Item
		x = eventitem.Expressions{Condition: a.Put.ConditionExpression, Names: a.Put.ExpressionAttributeNames, Values: a.Put.ExpressionAttributeValues}
	case a.Delete != nil:
		item = a.Delete.Key
		x = eventitem.Expressions{Condition: a.Delete.ConditionExpression, Names: a.Delete.ExpressionAttributeNames, Values: a.Delete.ExpressionAttributeValues}
	case a.ConditionCheck != nil:
		item = a.ConditionCheck.Key
		x = eventitem.Expressions{Condition: a.ConditionCheck.ConditionExpression, Names: a.ConditionCheck.ExpressionAttributeNames, Values: a.ConditionCheck.ExpressionAttributeValues}
	default:
		item = a.Update.Key
		x = eventitem.Expressions{Condition: a.Update.ConditionExpression, Update: a.Update.UpdateExpression, Names: a.Update.ExpressionAttributeNames, Values: a.Update.ExpressionAttributeValues}
	}
	size, err := eventitem.ItemSize(item)
	require.NoError(t, err)
	ours, err := x.Size()
	require.NoError(t, err)
	if e.Name != engine.Dynoxide {
		return size + ours
	}
	theirs := 0
	if a.Update != nil {
		for _, v := range x.Values {
			n, err := eventitem.ValueSize(v)
			require.NoError(t, err)
			theirs += n
		}
	}
	require.LessOrEqual(t, theirs, ours)
	return size + theirs
}

// filled returns the action and Puts that count for size bytes in all.
func filled(t *testing.T, table *string, action types.TransactWriteItem, size int) []types.TransactWriteItem {
	t.Helper()
	actions := []types.TransactWriteItem{action}
	for i := 0; size > 0; i++ {
		part := min(size, 390_000)
		if rest := size - part; rest > 0 && rest < 100 {
			part -= 100
		}
		item := attrs{"pk": text(fmt.Sprintf("fill-%02d", i)), "pad": text("")}
		have, err := eventitem.ItemSize(item)
		require.NoError(t, err)
		item["pad"] = text(strings.Repeat("x", part-have))
		actions = append(actions, types.TransactWriteItem{Put: &types.Put{TableName: table, Item: item}})
		size -= part
	}
	return actions
}
