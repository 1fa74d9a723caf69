// Package preflight holds the verdict of outbox.Writer on whole transactions
// against that of DynamoDB engines: row by row at each limit and one beyond, and
// over transactions made at random. Beside it, what the library counts of an item,
// and hostile payloads on their way through table and stream. The engine is the judge.
package preflight

import (
	"errors"
	"fmt"
	stdmaps "maps"
	"os"
	"slices"
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
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

type (
	attrs  = map[string]types.AttributeValue
	action = types.TransactWriteItem
)

// world is an engine with the tables that the rows write to.
type world struct {
	engine *engine.Engine
	db     *dynamodb.Client
	users  *string // pk (S)
	orders *string // pk (S), sk (S)
	store  *string // the event store of the writer: pk (S), sk (N)
	arn    *string // of the users
}

func newWorld(t *testing.T, e *engine.Engine) world {
	t.Helper()
	users := enginetest.BusinessTable(t, e)
	orders := enginetest.BusinessTable(t, e, func(o *enginetest.TableOptions) {
		o.Name, o.SK, o.SKType = enginetest.Unique(t), "sk", types.ScalarAttributeTypeS
	})
	store := enginetest.EventStore(t, e)
	return world{engine: e, db: client(e), users: &users.Name, orders: &orders.Name, store: &store.Name, arn: &users.ARN}
}

// client does not retry: what DynamoDB Local cannot read, it answers with 500.
func client(e *engine.Engine) *dynamodb.Client {
	return e.DynamoDB(func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} })
}

func (w world) writer(t *testing.T, optFns ...func(*outbox.Options)) *outbox.Writer {
	t.Helper()
	writer, err := outbox.NewWriter(*w.store, append([]func(*outbox.Options){func(o *outbox.Options) { o.Source = "userService" }}, optFns...)...)
	require.NoError(t, err)
	return writer
}

// send returns the engine's refusal of a transaction, nil if it takes it. What
// the SDK does not send is refused, too. Any other failure ends the test.
func (w world) send(t require.TestingT, in *dynamodb.TransactWriteItemsInput) (refusal error) {
	again := *in
	again.TransactItems = slices.Clone(in.TransactItems)
	_, err := transact(w.db, &again)
	var mismatch *types.IdempotentParameterMismatchException
	if errors.As(err, &mismatch) { // by a token that an earlier run has used, so it is a token
		return nil
	}
	if err != nil && !isRefusal(err) {
		require.NoError(t, err, "neither taken nor refused by %s", w.engine.Name)
	}
	return err
}

func transact(db *dynamodb.Client, in *dynamodb.TransactWriteItemsInput) (out *dynamodb.TransactWriteItemsOutput, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &smithy.SerializationError{Err: fmt.Errorf("the SDK panics: %v", r)}
		}
	}()
	return db.TransactWriteItems(background, in)
}

// isRefusal reports whether an error says that the transaction cannot be. The
// conditions of these tests hold whatever is stored, but for one: DynamoDB Local
// finds the item of an event's Put when an earlier action of the transaction has
// put it.
func isRefusal(err error) bool {
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) {
		return slices.ContainsFunc(cancelled.CancellationReasons, func(r types.CancellationReason) bool {
			return slices.Contains([]string{"ValidationError", "ConditionalCheckFailed"}, aws.ToString(r.Code))
		})
	}
	var serialization *smithy.SerializationError
	if errors.As(err, &serialization) || errors.As(err, new(smithy.InvalidParamsError)) || errors.As(err, new(*smithy.InvalidParamsError)) {
		return true
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "ValidationException", "SerializationException", "InternalFailure", "ResourceNotFoundException":
			return true
		}
	}
	return false
}

// row is a transaction and the library's verdict on it, which is that of
// DynamoDB's documentation.
type row struct {
	actions  []action
	token    *string
	refused  outbox.Rule // "" if it is taken
	opposite string      // why DynamoDB's verdict is the opposite, "" if it is not
}

// check requires that the library's verdict is the row's, and the engine's that
// of DynamoDB, unless the engine is known to deviate.
func (w world) check(t *testing.T, r row) {
	t.Helper()
	in := &dynamodb.TransactWriteItemsInput{TransactItems: r.actions, ClientRequestToken: r.token}
	ours := w.writer(t).Check(in)
	appended := *in
	if err := w.writer(t).Append(&appended); err != nil && len(in.TransactItems) > 0 {
		require.Equal(t, ours, err, "Check is no milder than Append")
	}
	if r.refused == "" {
		require.NoError(t, ours)
	} else {
		var refusal *outbox.PreflightError
		require.ErrorAs(t, ours, &refusal)
		require.Equal(t, r.refused, refusal.Rule, ours)
	}
	w.requireVerdict(t, (ours != nil) == (r.opposite == ""), w.send(t, in))
}

// requireVerdict requires that the engine refuses what DynamoDB refuses, and
// takes the rest; the opposite where it deviates.
func (w world) requireVerdict(t *testing.T, refused bool, theirs error) {
	t.Helper()
	if does := enginetest.Deviation(t, w.engine); does != "" {
		require.NotEqual(t, refused, theirs != nil, "%s no longer deviates (%s): %v", w.engine.Name, does, theirs)
		return
	}
	require.Equal(t, refused, theirs != nil, "%v", theirs)
}

func eachWorld(t *testing.T, test func(t *testing.T, w world)) {
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) { test(t, newWorld(t, e)) })
}

func checkRows(t *testing.T, rows func(w world) map[string]row) {
	eachWorld(t, func(t *testing.T, w world) {
		for name, r := range rows(w) {
			t.Run(name, func(t *testing.T) { w.check(t, r) })
		}
	})
}

func event(id, payload string) envelope.CustomEvent {
	return envelope.CustomEvent{
		Headers: envelope.Headers{EventID: id, EventName: "User.Created", Timestamp: envelope.MinTimestamp},
		Payload: []byte(payload),
	}
}

func long(n int) string { return strings.Repeat("x", n) }

// filled returns the item with an attribute more that makes it as large as size.
func filled(item attrs, size int) attrs {
	const pad = "pad"
	out := stdmaps.Clone(item)
	out[pad] = text("")
	have, err := itemsize.Check(out)
	if err != nil || have > size {
		panic(fmt.Sprintf("an item of %d bytes cannot be filled to %d: %v", have, size, err))
	}
	out[pad] = text(long(size - have))
	return out
}

func itemSize(t *testing.T, item attrs) int {
	t.Helper()
	size, err := itemsize.Check(item)
	require.NoError(t, err)
	return size
}
