package commit_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

type cancelled = *types.TransactionCanceledException

// Whatever of the caller's an engine refuses, as a reason of a cancelled
// transaction or as an error of the request: nothing was committed, and sending it
// again does not help.
func TestExplainWhatAnEngineRefuses(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db)
		large := s(strings.Repeat("x", 250<<10))
		there := item{"pk": s("u1"), "email": s("u1@example.com"), "bio": large}
		_, err := wd.ddb.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &wd.users.Name, Item: there})
		require.NoError(t, err)

		taken, malformed, absent := wd.signup("u1"), wd.signup("u2"), wd.signup("u2")
		taken.Put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
		malformed.Put.ConditionExpression = aws.String("no such function(pk)")
		absent.Put.TableName = aws.String("no-such-table")
		update := func(expression string, v types.AttributeValue) types.TransactWriteItem {
			return types.TransactWriteItem{Update: &types.Update{
				TableName: &wd.users.Name, Key: item{"pk": s("u1")},
				UpdateExpression: &expression, ExpressionAttributeValues: item{":v": v},
			}}
		}
		for name, action := range map[string]types.TransactWriteItem{
			"the caller's condition":          taken,
			"an operand of the wrong type":    update("ADD email :v", n("1")),
			"an item that outgrows its limit": update("SET more = :v", large),
			"an expression that is not one":   malformed,
			"a table that is not there":       absent,
		} {
			t.Run(name, func(t *testing.T) {
				err := wd.send(t, wd.transaction(t, action, newEvent(t, "User.Created", 2)))
				e := refused[smithy.APIError](t, err)
				require.Equal(t, outbox.NotCommitted, e.Outcome)
				require.False(t, e.Retryable)
				for _, r := range e.Reasons {
					require.Zero(t, r.Index)
					require.Equal(t, wd.users.Name, r.Table)
				}
				if name == "the caller's condition" {
					require.Equal(t, there, e.RefusedItem(0))
				}
				require.Empty(t, wd.store.Items(t, db))
				require.Equal(t, []item{there}, wd.users.Items(t, db))
			})
		}
	})
}
