// Package commit_test commits transactions of package outbox on real engines and
// compares what the library says of them with what was written.
package commit_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

type item = map[string]types.AttributeValue

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func n(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }

// world is an engine with an event store, a table of users and a writer.
type world struct {
	db           *engine.Engine
	ddb          *dynamodb.Client
	store, users enginetest.Table
	w            *outbox.Writer
}

func newWorld(t testing.TB, db *engine.Engine, optFns ...func(*outbox.Options)) *world {
	t.Helper()
	wd := &world{
		db: db, ddb: client(db),
		store: enginetest.EventStore(t, db), users: enginetest.BusinessTable(t, db),
	}
	wd.w = wd.writer(t, optFns...)
	return wd
}

// writer returns another writer of the world's event store.
func (wd *world) writer(t testing.TB, optFns ...func(*outbox.Options)) *outbox.Writer {
	t.Helper()
	optFns = append([]func(*outbox.Options){func(o *outbox.Options) { o.Source = "userService" }}, optFns...)
	w, err := outbox.NewWriter(wd.store.Name, optFns...)
	require.NoError(t, err)
	return w
}

// client is a client that does not retry: a test sees what each attempt gives.
func client(db *engine.Engine, optFns ...func(*dynamodb.Options)) *dynamodb.Client {
	noRetries := func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }
	return db.DynamoDB(append([]func(*dynamodb.Options){noRetries}, optFns...)...)
}

func newEvent(t testing.TB, name string, payload any, optFns ...func(*envelope.Headers)) envelope.CustomEvent {
	t.Helper()
	ev, err := envelope.New(t.Context(), name, payload, optFns...)
	require.NoError(t, err)
	return ev
}

// signup is the caller's own action: a user who must not exist yet.
func (wd *world) signup(id string) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName:           &wd.users.Name,
		Item:                item{"pk": s(id), "email": s(id + "@example.com")},
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	}}
}

// transaction is a new input of the actions and events.
func (wd *world) transaction(t testing.TB, action types.TransactWriteItem, evs ...envelope.CustomEvent) *dynamodb.TransactWriteItemsInput {
	t.Helper()
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{action}}
	require.NoError(t, wd.w.Append(in, evs...))
	return in
}

// send sends a transaction once and returns what the writer makes of it.
func (wd *world) send(t testing.TB, in *dynamodb.TransactWriteItemsInput) error {
	t.Helper()
	_, err := wd.ddb.TransactWriteItems(t.Context(), in)
	return wd.w.Explain(in, err)
}

// keyOf returns the key of the event that is the last action of a transaction.
func keyOf(in *dynamodb.TransactWriteItemsInput) item {
	event := in.TransactItems[len(in.TransactItems)-1].Put.Item
	return item{"pk": event["pk"], "sk": event["sk"]}
}

// get reads an item, nil if there is none.
func (wd *world) get(t testing.TB, table enginetest.Table, key item) item {
	t.Helper()
	out, err := wd.ddb.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table.Name, Key: key, ConsistentRead: aws.Bool(true)})
	require.NoError(t, err)
	return out.Item
}

// refused returns the *outbox.CommitError that err must be, whose way to the
// error of the SDK must be open.
func refused[E error](t testing.TB, err error) *outbox.CommitError {
	t.Helper()
	var e *outbox.CommitError
	require.ErrorAs(t, err, &e)
	var sdk E
	require.ErrorAs(t, err, &sdk, "errors.As reaches the SDK's error")
	require.ErrorIs(t, err, e.Err)
	return e
}

// commit is outbox.Commit, and again while that may help: the tests' wires are bad.
func commit(ctx context.Context, ddb *dynamodb.Client, w outbox.Explainer, in *dynamodb.TransactWriteItemsInput) error {
	for {
		err := outbox.Commit(ctx, ddb, in, w)
		var e *outbox.CommitError
		if !errors.As(err, &e) || !e.Retryable || ctx.Err() != nil {
			return err
		}
	}
}
