// Package commit_test commits transactions of package outbox on real engines and
// compares what the library says of them with what was written.
package commit_test

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"testing"
	"time"

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

// transactor is the one operation that the loop needs; *dynamodb.Client has it.
type transactor interface {
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// explainer is a writer, or a consumer that asks its inbox first.
type explainer interface {
	Explain(*dynamodb.TransactWriteItemsInput, error) error
}

// commit is outbox.Commit with many more attempts, for the tests' wires are bad:
// it sends a transaction until its outcome is known.
func commit(ctx context.Context, ddb transactor, w explainer, in *dynamodb.TransactWriteItemsInput) error {
	var unsure error // of an attempt that may have committed
	for attempt := 1; ; attempt++ {
		_, err := ddb.TransactWriteItems(ctx, in)
		err = w.Explain(in, err)
		var refused *outbox.CommitError
		switch {
		case !errors.As(err, &refused):
			return err // nil: it has committed
		case refused.Outcome == outbox.Unknown:
			unsure = err
		case len(refused.Reasons) > 0:
			unsure = nil // the event was looked for, and is not there
		}
		if attempt == 25 || !refused.Retryable {
			return cmp.Or(unsure, err)
		}
		timer := time.NewTimer(rand.N(5 * time.Millisecond << min(attempt, 4))) // full jitter
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return cmp.Or(unsure, err)
		}
	}
}
