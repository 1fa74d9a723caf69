package commit_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

type cancelled = *types.TransactionCanceledException

// differs lists where an engine, in the version of package engine, answers
// otherwise than AWS says
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html,
// "Errors"): with which code, and whether as a reason of a cancelled transaction
// or as an error of the request. The verdict is the same.
var differs = map[engine.Name]map[string]string{
	engine.DynamoDBLocal: {
		// AWS: ValidationError, "An operand in the update expression has an
		// incorrect data type".
		"an operand of the wrong type": "ValidationException",
	},
	engine.Dynoxide: {
		// AWS: a request that is malformed is a ValidationException.
		"an expression that is not one": "ValidationError",
	},
}

// committed is a world in which user u1 has been signed up with event ev.
type committed struct {
	*world
	u1, u2 string // ids; there is no u2 yet
	ev     envelope.CustomEvent
	first  *dynamodb.TransactWriteItemsInput
}

// second is another signup, of u2.
func (c committed) second(t *testing.T, evs ...envelope.CustomEvent) *dynamodb.TransactWriteItemsInput {
	t.Helper()
	return c.transaction(t, c.signup(c.u2), evs...)
}

// validation sends a transaction that cannot be valid, and has the verdict.
func (c committed) validation(t *testing.T, name, code string, in *dynamodb.TransactWriteItemsInput) {
	t.Helper()
	if other, ok := differs[c.db.Name][name]; ok {
		code = other
	}
	err := c.send(t, in)
	e := refused[smithy.APIError](t, err)
	require.Equal(t, outbox.NotCommitted, e.Outcome)
	require.False(t, e.Retryable)
	if code == "ValidationError" {
		refused[cancelled](t, err)
		require.Len(t, e.Reasons, 1)
		require.Zero(t, e.Reasons[0].Index)
		require.Equal(t, code, e.Reasons[0].Code)
		return
	}
	var sdk smithy.APIError
	require.ErrorAs(t, err, &sdk)
	require.Equal(t, code, sdk.ErrorCode())
	require.Empty(t, e.Reasons)
}

// Each row sends something after a transaction that has committed, and has
// Explain's verdict. Nothing more may be written by it.
var afterCommit = map[string]func(t *testing.T, name string, c committed){
	"the same input again is idempotent": func(t *testing.T, _ string, c committed) {
		require.NotEmpty(t, aws.ToString(c.first.ClientRequestToken), "the SDK has written its token")
		_, err := c.ddb.TransactWriteItems(t.Context(), c.first)
		require.NoError(t, err)
	},
	"built anew under the same token": func(t *testing.T, _ string, c committed) {
		again := c.transaction(t, c.signup(c.u1), c.ev)
		again.ClientRequestToken = c.first.ClientRequestToken
		_, err := c.ddb.TransactWriteItems(t.Context(), again)
		require.NoError(t, err)
	},
	"built anew without the token": func(t *testing.T, _ string, c committed) {
		again := c.transaction(t, c.signup(c.u1), c.ev)
		_, err := c.ddb.TransactWriteItems(t.Context(), again)
		var sdk cancelled
		require.ErrorAs(t, err, &sdk)
		require.NoError(t, c.w.Explain(again, err))
	},
	"without the token, and the caller's action would pass": func(t *testing.T, _ string, c committed) {
		action := c.signup(c.u1)
		action.Put.ConditionExpression = nil
		again := c.transaction(t, action, c.ev)
		_, err := c.ddb.TransactWriteItems(t.Context(), again)
		var sdk cancelled
		require.ErrorAs(t, err, &sdk)
		require.Equal(t, "None", aws.ToString(sdk.CancellationReasons[0].Code))
		require.NoError(t, c.w.Explain(again, err))
	},
	"the input was changed, its token was not": func(t *testing.T, _ string, c committed) {
		c.first.TransactItems[0] = c.signup(c.u2)
		e := refused[*types.IdempotentParameterMismatchException](t, c.send(t, c.first))
		require.Equal(t, outbox.Unknown, e.Outcome)
		require.False(t, e.Retryable)
		require.Empty(t, e.Reasons)
	},
	"the input was changed, and its token taken away": func(t *testing.T, _ string, c committed) {
		// A transaction with this event has committed, and that is all that nil
		// says: it was not this one.
		c.first.TransactItems[0] = c.signup(c.u2)
		c.first.ClientRequestToken = nil
		require.NoError(t, c.send(t, c.first))
	},
	"another transaction under the same token": func(t *testing.T, _ string, c committed) {
		in := c.second(t, newEvent(t, "User.Created", 2))
		in.ClientRequestToken = c.first.ClientRequestToken
		e := refused[*types.IdempotentParameterMismatchException](t, c.send(t, in))
		require.Equal(t, outbox.Unknown, e.Outcome)
		require.False(t, e.Retryable)
	},
	"the event's key has other content": func(t *testing.T, _ string, c committed) {
		changed := c.ev
		changed.Payload = []byte(`{"n":2}`)
		err := c.send(t, c.second(t, changed))
		e := refused[cancelled](t, err)
		require.ErrorIs(t, err, outbox.ErrEventExists)
		require.Equal(t, outbox.Unknown, e.Outcome)
		require.False(t, e.Retryable)
		require.Len(t, e.Reasons, 1)
		require.Equal(t, 1, e.Reasons[0].Index)
		require.Equal(t, c.store.Name, e.Reasons[0].Table)
		require.Equal(t, c.ev.Headers.EventID, e.Reasons[0].EventID)
		require.Equal(t, "ConditionalCheckFailed", e.Reasons[0].Code)
		require.Equal(t, c.get(t, c.store, keyOf(c.first)), e.Reasons[0].Item)
		require.ErrorContains(t, err, c.ev.Headers.EventID)
	},
	"the caller's item is refused": func(t *testing.T, _ string, c committed) {
		err := c.send(t, c.transaction(t, c.signup(c.u1), newEvent(t, "User.Created", 2)))
		e := refused[cancelled](t, err)
		require.Equal(t, outbox.NotCommitted, e.Outcome)
		require.False(t, e.Retryable)
		require.Len(t, e.Reasons, 1)
		require.Zero(t, e.Reasons[0].Index)
		require.Equal(t, c.users.Name, e.Reasons[0].Table)
		require.Empty(t, e.Reasons[0].EventID)
		require.Empty(t, e.Reasons[0].Item, "not asked for")
		require.NoError(t, e.Reasons[0].Err)
		require.ErrorContains(t, err, "the caller's own item")
	},
	"the caller's item is refused and returned": func(t *testing.T, _ string, c committed) {
		action := c.signup(c.u1)
		action.Put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
		e := refused[cancelled](t, c.send(t, c.transaction(t, action, newEvent(t, "User.Created", 2))))
		require.Equal(t, outbox.NotCommitted, e.Outcome)
		require.Equal(t, c.get(t, c.users, item{"pk": s(c.u1)}), e.Reasons[0].Item)
	},
	"one of two events is there": func(t *testing.T, _ string, c committed) {
		// an event that was appended to two transactions
		e := refused[cancelled](t, c.send(t, c.second(t, c.ev, newEvent(t, "User.Created", 2))))
		require.Equal(t, outbox.Unknown, e.Outcome)
		require.False(t, e.Retryable)
		require.Len(t, e.Reasons, 1)
		require.Equal(t, 1, e.Reasons[0].Index)
	},
	"an operand of the wrong type": func(t *testing.T, name string, c committed) {
		action := types.TransactWriteItem{Update: &types.Update{
			TableName: &c.users.Name, Key: item{"pk": s(c.u1)},
			UpdateExpression:          aws.String("ADD email :one"),
			ExpressionAttributeValues: item{":one": n("1")},
		}}
		c.validation(t, name, "ValidationError", c.transaction(t, action, newEvent(t, "User.Created", 2)))
	},
	"an item that outgrows its limit": func(t *testing.T, name string, c committed) {
		half := strings.Repeat("x", 250<<10)
		grow := func(attribute string) types.TransactWriteItem {
			return types.TransactWriteItem{Update: &types.Update{
				TableName: &c.users.Name, Key: item{"pk": s(c.u1)},
				UpdateExpression:          aws.String("SET " + attribute + " = :half"),
				ExpressionAttributeValues: item{":half": s(half)},
			}}
		}
		in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{grow("a")}}
		_, err := c.ddb.TransactWriteItems(t.Context(), in)
		require.NoError(t, err)
		c.validation(t, name, "ValidationError", c.transaction(t, grow("b"), newEvent(t, "User.Created", 2)))
	},
	"an expression that is not one": func(t *testing.T, name string, c committed) {
		in := c.second(t, newEvent(t, "User.Created", 2))
		in.TransactItems[0].Put.ConditionExpression = aws.String("no such function(pk)")
		c.validation(t, name, "ValidationException", in)
	},
	"a table that is not there": func(t *testing.T, name string, c committed) {
		in := c.second(t, newEvent(t, "User.Created", 2))
		in.TransactItems[0].Put.TableName = aws.String("no-such-table")
		e := refused[*types.ResourceNotFoundException](t, c.send(t, in))
		require.Equal(t, outbox.NotCommitted, e.Outcome)
		require.False(t, e.Retryable)
	},
}

func TestExplainAfterCommit(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db)
		for name, run := range afterCommit {
			t.Run(name, func(t *testing.T) {
				ev := newEvent(t, "User.Created", map[string]int{"n": 1})
				c := committed{world: wd, u1: "u1-" + ev.Headers.EventID, u2: "u2-" + ev.Headers.EventID, ev: ev}
				c.first = c.transaction(t, c.signup(c.u1), ev)
				require.NoError(t, c.send(t, c.first))
				users, events := len(c.users.Items(t, db)), c.store.Items(t, db)

				run(t, name, c)
				require.Len(t, c.users.Items(t, db), users, "nothing of the second transaction is there")
				require.ElementsMatch(t, events, c.store.Items(t, db))
			})
		}
	})
}
