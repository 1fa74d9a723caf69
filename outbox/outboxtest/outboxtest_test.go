package outboxtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox/outboxtest"
)

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }

func writer(t testing.TB, optFns ...func(*outbox.Options)) *outbox.Writer {
	w, err := outbox.NewWriter("event-store", append([]func(*outbox.Options){func(o *outbox.Options) { o.Source = "orders" }}, optFns...)...)
	require.NoError(t, err)
	return w
}

// placing is a transaction that saves an order and its event.
func placing(t testing.TB, w *outbox.Writer, id string) (*dynamodb.TransactWriteItemsInput, envelope.CustomEvent) {
	ev, err := envelope.New(t.Context(), "Order.Placed", map[string]any{"order": id, "total": 4.50},
		func(h *envelope.Headers) { h.AggregateID, h.Sequence = id, 1 })
	require.NoError(t, err)
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{
		TableName: aws.String("orders"), Item: map[string]types.AttributeValue{"pk": s(id), "state": s("new")},
		ConditionExpression:                 aws.String("attribute_not_exists(#k)"),
		ExpressionAttributeNames:            map[string]string{"#k": "pk"},
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}}}
	require.NoError(t, w.Append(in, ev))
	return in, ev
}

// fakeT keeps the errors of a test.
type fakeT struct{ errors []string }

func (f *fakeT) Helper()                  {}
func (f *fakeT) Logf(string, ...any)      {}
func (f *fakeT) Context() context.Context { return context.Background() }
func (f *fakeT) Errorf(format string, args ...any) {
	f.errors = append(f.errors, fmt.Sprintf(format, args...))
}

// t is what a test has, in the example.
var t = &fakeT{}

func TestEvents(t *testing.T) {
	for name, layout := range map[string]envelope.Layout{
		"default": {}, "aggregate": envelope.AggregateLayout(), "marker": {Marker: "kind", Event: "e"},
	} {
		t.Run(name, func(t *testing.T) {
			w := writer(t, func(o *outbox.Options) { o.Layout = layout })
			in, ev := placing(t, w, "1")
			got := outboxtest.Events(t, w, in)
			require.Len(t, got, 1)
			require.Equal(t, ev.Headers.EventID, got[0].Headers.EventID)
			require.Equal(t, "orders", got[0].Headers.Source)
			require.JSONEq(t, `{"order":"1","total":4.5}`, string(got[0].Payload))
		})
	}
	w := writer(t)
	in, _ := placing(t, w, "1")
	in.TransactItems = append(in.TransactItems, types.TransactWriteItem{Put: &types.Put{
		TableName: aws.String("arn:aws:dynamodb:eu-west-1:123456789012:table/event-store"), Item: map[string]types.AttributeValue{"pk": s("x")},
	}})
	f := &fakeT{}
	require.Len(t, outboxtest.Events(f, w, in), 1)
	require.Len(t, f.errors, 1)
	require.Contains(t, f.errors[0], "TransactItems[2]")
	require.Contains(t, f.errors[0], "no event")

	marked := writer(t, func(o *outbox.Options) { o.Layout.Marker = "kind" })
	require.Empty(t, outboxtest.Events(t, marked, in), "another kind of item")
}

// A transaction is done as a whole or not at all, and an item that is there
// refuses the one that must not be.
func TestClientCommits(t *testing.T) {
	var db outboxtest.Client
	w := writer(t)
	in, ev := placing(t, w, "1")
	require.NoError(t, outbox.Commit(t.Context(), &db, in, w))
	require.Len(t, db.Items("orders"), 1)
	require.Len(t, db.Items("event-store"), 1)
	out, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("orders"), Key: map[string]types.AttributeValue{"pk": s("1")}})
	require.NoError(t, err)
	require.Equal(t, s("new"), out.Item["state"])

	again, _ := placing(t, w, "1")
	err = outbox.Commit(t.Context(), &db, again, w)
	var failed *outbox.CommitError
	require.ErrorAs(t, err, &failed)
	require.True(t, failed.Refused(0))
	require.Equal(t, s("new"), failed.RefusedItem(0)["state"])
	require.Len(t, db.Items("event-store"), 1)

	in.ClientRequestToken = nil // the same event under another token: it is there
	require.NoError(t, outbox.Commit(t.Context(), &db, in, w))
	put, err := w.PutItem(ev)
	require.NoError(t, err)
	_, err = db.PutItem(t.Context(), put)
	require.NoError(t, w.ExplainPut(put, err))
	require.Error(t, err)
}

// An item is found by its key however often it is looked for.
func TestClientFindsAnItem(t *testing.T) {
	var db outboxtest.Client
	key := map[string]types.AttributeValue{"pk": s("a"), "sk": s("b")}
	for range 100 { // the order of a map's members is another each time
		_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("orders"), Item: key})
		require.NoError(t, err)
		out, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("orders"), Key: key})
		require.NoError(t, err)
		require.Equal(t, key, out.Item)
	}
	require.Len(t, db.Items("orders"), 1)
}

func TestClientTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db outboxtest.Client
		w := writer(t)
		in, _ := placing(t, w, "1")
		_, err := db.TransactWriteItems(t.Context(), in)
		require.NoError(t, err)
		require.NotNil(t, in.ClientRequestToken, "written into the input, as by the SDK")
		require.True(t, db.Committed(*in.ClientRequestToken))
		_, err = db.TransactWriteItems(t.Context(), in)
		require.NoError(t, err, "the same again is a success")

		<-time.After(10*time.Minute + time.Second)
		_, err = db.TransactWriteItems(t.Context(), in)
		var cancelled *types.TransactionCanceledException
		require.ErrorAs(t, err, &cancelled, "the token is forgotten, the item is not")
	})
}

func TestClientScript(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db outboxtest.Client
		w := writer(t)
		in, _ := placing(t, w, "1")
		db.Conflict()
		db.Throttle(2)
		db.LoseAnswer()
		require.NoError(t, outbox.Commit(t.Context(), &db, in, w))
		require.Len(t, db.Items("event-store"), 1)

		in, _ = placing(t, w, "2")
		db.Refuse(0, "ConditionalCheckFailed")
		var failed *outbox.CommitError
		require.ErrorAs(t, outbox.Commit(t.Context(), &db, in, w), &failed)
		require.True(t, failed.Refused(0))
		require.Len(t, db.Items("event-store"), 1)
	})
}

// What a test asks for becomes of one transaction, as it was asked for.
func TestClientScriptOfOneTransaction(t *testing.T) {
	var db outboxtest.Client
	in, _ := placing(t, writer(t), "1")
	db.Refuse(1, "ConditionalCheckFailed")
	_, err := db.TransactWriteItems(t.Context(), in)
	var cancelled *types.TransactionCanceledException
	require.ErrorAs(t, err, &cancelled)
	require.Equal(t, "None", *cancelled.CancellationReasons[0].Code)
	require.Equal(t, "ConditionalCheckFailed", *cancelled.CancellationReasons[1].Code)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = db.TransactWriteItems(ended, in)
	require.ErrorIs(t, err, context.Canceled)
	require.False(t, db.Committed(*in.ClientRequestToken))
	require.Empty(t, db.Items("orders"))

	db.LoseAnswer()
	_, err = db.TransactWriteItems(t.Context(), in)
	require.ErrorIs(t, err, syscall.ECONNRESET)
	require.True(t, db.Committed(*in.ClientRequestToken))
	require.Len(t, db.Items("orders"), 1)
}

// What is not modelled is said, and not guessed.
func TestClientSaysWhatItDoesNotModel(t *testing.T) {
	var db outboxtest.Client
	update := func() *dynamodb.TransactWriteItemsInput {
		return &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Update: &types.Update{
			TableName: aws.String("orders"), Key: map[string]types.AttributeValue{"pk": s("1")},
			UpdateExpression: aws.String("SET version = :n"), ConditionExpression: aws.String("version = :v"),
			ExpressionAttributeValues: map[string]types.AttributeValue{":n": &types.AttributeValueMemberN{Value: "2"}, ":v": &types.AttributeValueMemberN{Value: "1"}},
		}}}}
	}
	_, err := db.TransactWriteItems(t.Context(), update())
	require.ErrorContains(t, err, "not modelled")
	require.ErrorContains(t, err, "Accept(0)")
	db.Accept(0)
	_, err = db.TransactWriteItems(t.Context(), update())
	require.NoError(t, err)
	_, err = db.TransactWriteItems(t.Context(), update())
	require.Error(t, err, "for one transaction")
	_, err = db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("orders"), Key: map[string]types.AttributeValue{"pk": s("1")}})
	require.ErrorContains(t, err, "Update")

	_, err = db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("users"), Item: map[string]types.AttributeValue{"userId": s("1")}})
	require.ErrorContains(t, err, "CreateTable")
	_, err = db.CreateTable(t.Context(), &dynamodb.CreateTableInput{TableName: aws.String("users"),
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("userId"), KeyType: types.KeyTypeHash}}})
	require.NoError(t, err)
	_, err = db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("users"), Item: map[string]types.AttributeValue{"userId": s("1")}})
	require.NoError(t, err)
}

// What a test has asked for holds also where Commit sends the transaction again.
func TestClientScriptUnderCommit(t *testing.T) {
	t.Run("a condition that is not modelled, behind a conflict", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var db outboxtest.Client
			w := writer(t)
			in, _ := placing(t, w, "1")
			in.TransactItems[0].Put.ConditionExpression = aws.String("size(#k) < :n")
			in.TransactItems[0].Put.ExpressionAttributeValues = map[string]types.AttributeValue{":n": &types.AttributeValueMemberN{Value: "9"}}
			db.Conflict()
			db.Accept(0)
			require.NoError(t, outbox.Commit(t.Context(), &db, in, w))
			require.Len(t, db.Items("orders"), 1)
		})
	})
	t.Run("an action that is not there", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var db outboxtest.Client
			w := writer(t)
			in, _ := placing(t, w, "1")
			db.Refuse(5, "ConditionalCheckFailed")
			require.ErrorContains(t, outbox.Commit(t.Context(), &db, in, w), "Refuse(5")
			require.Empty(t, db.Items("orders"))
		})
	})
}

func TestClientDeletesAndChecks(t *testing.T) {
	var db outboxtest.Client
	key := map[string]types.AttributeValue{"pk": s("1")}
	check := types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{TableName: aws.String("orders"), Key: key, ConditionExpression: aws.String("attribute_exists(pk)")}}
	do := func(items ...types.TransactWriteItem) error {
		_, err := db.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: items})
		return err
	}
	require.Error(t, do(check))
	require.NoError(t, do(types.TransactWriteItem{Put: &types.Put{TableName: aws.String("orders"), Item: key}}))
	require.NoError(t, do(check))
	require.NoError(t, do(types.TransactWriteItem{Delete: &types.Delete{TableName: aws.String("orders"), Key: key}}))
	require.Empty(t, db.Items("orders"))
	require.Error(t, do(check))
}

// The tap has what was committed, once, also where the answer was lost; and the
// relay's decoder reads it.
func TestTap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db outboxtest.Client
		tap := outboxtest.Tap{Client: &db}
		w := writer(t)
		var want []string
		commit := func(id string) {
			in, ev := placing(t, w, id)
			if outbox.Commit(t.Context(), &tap, in, w) == nil {
				want = append(want, ev.Headers.EventID)
			}
		}
		commit("1")
		db.LoseAnswer()
		commit("2")
		commit("1") // refused
		db.Conflict()
		commit("3")
		in, ev := placing(t, w, "lost")
		db.LoseAnswer()
		_, err := tap.TransactWriteItems(t.Context(), in)
		require.Error(t, err)
		want = append(want, ev.Headers.EventID)
		_, ev = placing(t, w, "4")
		put, err := w.PutItem(ev)
		require.NoError(t, err)
		_, err = tap.PutItem(t.Context(), put)
		require.NoError(t, err)
		want = append(want, ev.Headers.EventID)

		records := tap.Records()
		require.Equal(t, want, idsOf(t, records))
		_, err = tap.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: aws.String("orders"), Key: map[string]types.AttributeValue{"pk": s("1")}})
		require.NoError(t, err)
		_, err = (&outboxtest.Tap{}).TransactWriteItems(t.Context(), nil)
		require.ErrorContains(t, err, "Client is nil")
	})
}

func idsOf(t *testing.T, records []json.RawMessage) (ids []string) {
	t.Helper()
	parts := make([]string, len(records))
	for i, r := range records {
		parts[i] = string(r)
	}
	batch, err := streamrecord.NewDecoder(streamrecord.Config{}).Decode([]byte(`{"Records":[` + strings.Join(parts, ",") + `]}`))
	require.NoError(t, err)
	last := ""
	for _, r := range batch.Records {
		require.Equal(t, streamrecord.Event, r.Kind, "%v", r.Fault)
		require.Greater(t, r.SequenceNumber, last)
		require.WithinDuration(t, time.Now(), r.CreatedAt, time.Hour)
		last, ids = r.SequenceNumber, append(ids, r.EventID)
	}
	return ids
}

// With a Table, the tap has every item of it.
func TestTapOfATable(t *testing.T) {
	tap := outboxtest.Tap{Client: &outboxtest.Client{}, Table: "orders"}
	w := writer(t)
	in, _ := placing(t, w, "1")
	require.NoError(t, outbox.Commit(t.Context(), &tap, in, w))
	require.Len(t, tap.Records(), 1)
	require.Contains(t, string(tap.Records()[0]), `"state":{"S":"new"}`)
}

// A table is the same by its name and by its ARN, as in DynamoDB.
func TestTablesByARN(t *testing.T) {
	const arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/"
	var db outboxtest.Client
	_, err := db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String(arn + "orders"),
		KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("orderId"), KeyType: types.KeyTypeHash}},
	})
	require.NoError(t, err)
	n := 0
	for _, watched := range []string{"orders", arn + "orders"} {
		tap := outboxtest.Tap{Client: &db, Table: watched}
		for _, name := range []string{"orders", arn + "orders"} {
			n++
			key := map[string]types.AttributeValue{"orderId": s(strconv.Itoa(n))}
			_, err := tap.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
				{Put: &types.Put{TableName: &name, Item: key}},
			}})
			require.NoError(t, err)
			got, err := tap.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &name, Key: key})
			require.NoError(t, err)
			require.Equal(t, key, got.Item)
			require.Len(t, db.Items(name), n)
		}
		require.Len(t, tap.Records(), 2)
	}
}

func TestConcurrentCommits(t *testing.T) {
	tap := outboxtest.Tap{Client: &outboxtest.Client{}}
	w := writer(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for k := range 10 {
				in, _ := placing(t, w, fmt.Sprint(k)) // all want the same ten orders
				_ = outbox.Commit(context.Background(), &tap, in, w)
			}
		})
	}
	wg.Wait()
	require.Len(t, tap.Records(), 10)
}
