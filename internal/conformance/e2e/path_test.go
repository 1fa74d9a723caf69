// Package e2e_test runs the whole path on real engines: a transaction on a
// DynamoDB engine, its stream, the relay, an EventBridge server's rule, an SQS
// queue, a consumer with its receipt.
package e2e_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

var _ lambda.Handler = (*relay.Handler)(nil)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

type userCreated struct {
	UserID string   `json:"userId"`
	Email  string   `json:"email"`
	Age    float64  `json:"age"`
	Tags   []string `json:"tags"`
	Note   *string  `json:"note"`
}

// path is everything from the user service's table to the consumer's receipt.
type path struct {
	db      *dynamodb.Client
	users   enginetest.Table
	events  enginetest.Table
	inboxes enginetest.Table
	done    enginetest.Table
	bus     enginetest.Bus
	wire    *wirefault.Transport
	poller  *lambdapoller.Poller
	writer  *outbox.Writer
	inbox   *outbox.Inbox
}

// newPath makes tables, bus, rule and queue, and a relay whose calls to the bus
// go through a wire that breaks as the script says. Each invocation is a new
// relay process, so nothing hides behind what a process remembers.
func newPath(t *testing.T, db *engine.Engine, script wirefault.Script, mapping func(*lambdapoller.Options), optFns ...func(*relay.Options)) *path {
	t.Helper()
	moto := enginetest.Moto(t)
	p := &path{
		db:      db.DynamoDB(),
		users:   enginetest.BusinessTable(t, db),
		events:  enginetest.EventStore(t, db),
		inboxes: enginetest.BusinessTable(t, db, func(o *enginetest.TableOptions) { o.SK, o.SKType = "sk", types.ScalarAttributeTypeS }),
		done:    enginetest.BusinessTable(t, db),
		bus:     enginetest.NewBus(t, moto),
		wire:    wirefault.NewTransport(nil, script),
	}
	client := moto.EventBridge(func(o *eventbridge.Options) { o.HTTPClient = p.wire.Client() })
	invoke := lambdapoller.HandlerFunc(func(ctx context.Context, event []byte) ([]byte, error) {
		h, err := relay.NewHandler(relay.NewEventBridge(client, p.bus.Name), relay.Block, optFns...)
		if err != nil {
			return nil, err
		}
		return h.Invoke(ctx, event)
	})
	var err error
	if mapping == nil {
		mapping = func(*lambdapoller.Options) {}
	}
	p.poller, err = lambdapoller.New(db.Streams(), p.events.StreamARN, invoke, mapping)
	require.NoError(t, err)
	p.writer, err = outbox.NewWriter(p.events.Name, func(o *outbox.Options) { o.Source, o.Region = "userService", "eu-west-1" })
	require.NoError(t, err)
	p.inbox, err = outbox.NewInbox(p.inboxes.Name, "messaging")
	require.NoError(t, err)
	return p
}

// signUp commits a user and the event of it, in one transaction.
func (p *path) signUp(ctx context.Context, t *testing.T, id string) (envelope.CustomEvent, error) {
	t.Helper()
	ev, err := envelope.New(ctx, "User.Created", userCreated{
		UserID: id, Email: id + "@example.com", Age: 41.5, Tags: []string{"new", "ü\"\\\n\u2028<&>"},
	})
	require.NoError(t, err)
	in := p.signUpInput(id)
	require.NoError(t, p.writer.Append(in, ev))
	_, err = p.db.TransactWriteItems(ctx, in)
	return ev, p.writer.Explain(in, err)
}

func (p *path) signUpInput(id string) *dynamodb.TransactWriteItemsInput {
	return &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{
		TableName:           &p.users.Name,
		Item:                map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: id}},
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	}}}}
}

// consume does the consumer's work for one message and reports whether it was
// done before.
func (p *path) consume(ctx context.Context, t *testing.T, body string) (ev envelope.CustomEvent, duplicate bool) {
	t.Helper()
	ev, err := envelope.FromSQS([]byte(body))
	require.NoError(t, err)
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Update: &types.Update{
		TableName:        &p.done.Name,
		Key:              map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: ev.Headers.EventID}},
		UpdateExpression: aws.String("ADD mails :one"),
		ExpressionAttributeValues: map[string]types.AttributeValue{
			":one": &types.AttributeValueMemberN{Value: "1"},
		},
	}}}}
	require.NoError(t, p.inbox.Append(in, ev))
	_, err = p.db.TransactWriteItems(ctx, in)
	err = p.inbox.Explain(in, err)
	if errors.Is(err, outbox.ErrDuplicate) {
		return ev, true
	}
	require.NoError(t, err)
	return ev, false
}

func TestPathFromSignUpToReceipt(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		p := newPath(t, db, nil, nil)
		ctx := envelope.WithCorrelationID(envelope.WithActor(t.Context(), "ada"), "request-1")
		sent, err := p.signUp(ctx, t, "u1")
		require.NoError(t, err)
		require.NoError(t, p.poller.Drain(t.Context()))

		body := *p.bus.Queue.Receive(t, 1)[0].Body
		got, duplicate := p.consume(t.Context(), t, body)
		require.False(t, duplicate)
		want := sent.Headers
		want.Source, want.Region = "userService", "eu-west-1"
		require.Equal(t, want, got.Headers)
		require.JSONEq(t, string(sent.Payload), string(got.Payload))

		_, duplicate = p.consume(t.Context(), t, body)
		require.True(t, duplicate, "the same message again")
		work := p.done.Items(t, db)
		require.Len(t, work, 1)
		require.Equal(t, &types.AttributeValueMemberN{Value: "1"}, work[0]["mails"], "the duplicate changed nothing")
		receipts := p.inboxes.Items(t, db)
		require.Len(t, receipts, 1)
		require.Equal(t, &types.AttributeValueMemberS{Value: sent.Headers.EventID}, receipts[0]["eventId"])
	})
}

func TestRefusedSignUpLeavesNoEvent(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		p := newPath(t, db, nil, nil)
		first, err := p.signUp(t.Context(), t, "u1")
		require.NoError(t, err)
		require.NoError(t, p.poller.Drain(t.Context()))

		_, err = p.signUp(t.Context(), t, "u1")
		var refused *outbox.CommitError
		require.ErrorAs(t, err, &refused)
		require.Equal(t, outbox.NotCommitted, refused.Outcome)
		require.False(t, refused.Retryable)
		require.Len(t, refused.Reasons, 1)
		require.Equal(t, 0, refused.Reasons[0].Index)
		require.Empty(t, refused.Reasons[0].EventID, "it is the caller's own item")

		invocations := len(p.poller.Invocations())
		require.NoError(t, p.poller.Drain(t.Context()))
		require.Len(t, p.poller.Invocations(), invocations, "no stream record")
		require.Len(t, p.events.Items(t, db), 1, "no event item")
		require.Equal(t, map[string]int{first.Headers.EventID: 1}, p.wire.EventIDs(), "nothing on the bus")
	})
}

// TestAppendTwiceUnderOneToken builds the same transaction twice, as a caller
// does who retries from the top, and sends both under one ClientRequestToken.
func TestAppendTwiceUnderOneToken(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		p := newPath(t, db, nil, nil)
		ev, err := envelope.New(t.Context(), "User.Created", map[string]any{"b": 1, "a": []any{1.5, nil, map[string]any{"z": 1, "y": 2}}})
		require.NoError(t, err)
		build := func() *dynamodb.TransactWriteItemsInput {
			in := p.signUpInput("u1")
			in.ClientRequestToken = aws.String("token-of-request-1")
			require.NoError(t, p.writer.Append(in, ev))
			return in
		}
		first, second := build(), build()
		require.Equal(t, first, second)
		_, err = p.db.TransactWriteItems(t.Context(), first)
		require.NoError(t, err)
		_, err = p.db.TransactWriteItems(t.Context(), second)
		require.NoError(t, err, "the same token with the same items is success")
		require.Len(t, p.events.Items(t, db), 1)
		require.NoError(t, p.poller.Drain(t.Context()))
		require.Equal(t, map[string]int{ev.Headers.EventID: 1}, p.wire.EventIDs())
	})
}
