package readme

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox/outboxtest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/custombus"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// Of docs/buses.md.
func publishers(cfg aws.Config) []relay.Publisher {
	classic := relay.NewEventBridge(eventbridge.NewFromConfig(cfg), "orders")
	custom := custombus.New(cfg, "arn:aws:events:eu-west-1:123456789012:event-busv2/orders/abcdefghijklmnopqrstuvwxy")
	return []relay.Publisher{classic, custom}
}

func TestPublishersOfDocs(t *testing.T) {
	for _, p := range publishers(awsConfig("http://127.0.0.1:1")) {
		_, err := relay.NewHandler(p, relay.Block)
		require.NoError(t, err)
	}
}

// Of docs/consumers.md.
func consume(ctx context.Context, ddb outbox.TransactWriteItemsAPIClient, inbox *outbox.Inbox, ev envelope.CustomEvent) error {
	user, err := envelope.Payload[UserCreated](ev)
	if err != nil {
		return err
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: welcome(user)}}}
	if err := inbox.Append(in, ev); err != nil {
		return err
	}
	return outbox.Commit(ctx, ddb, in, inbox) // ErrDuplicate: done before, which the Consumer takes for success
}

func startOtherConsumer(ddb outbox.TransactWriteItemsAPIClient, inbox *outbox.Inbox, lambda *starter[*outbox.Consumer]) error {
	c, err := outbox.NewConsumer(func(ctx context.Context, ev envelope.CustomEvent) error { return consume(ctx, ddb, inbox, ev) })
	if err != nil {
		return err
	}
	lambda.Start(c) // reads the messages, and answers which have to come again
	return nil
}

func TestConsumerOfDocs(t *testing.T) {
	var db outboxtest.Client
	inbox, err := outbox.NewInbox("receipts", "messagingService")
	require.NoError(t, err)
	_, err = db.CreateTable(t.Context(), inbox.CreateTableInput())
	require.NoError(t, err)
	var consumer starter[*outbox.Consumer]
	require.NoError(t, startOtherConsumer(&db, inbox, &consumer))
	w, err := newWriter()
	require.NoError(t, err)
	tap := outboxtest.Tap{Client: &db}
	require.NoError(t, signUp(t.Context(), &tap, w, "u1", "ada@example.com"))
	var bus relaytest.Bus
	h, err := relay.NewHandler(relay.NewEventBridge(&bus, "default"), relay.Block)
	require.NoError(t, err)
	relaytest.Deliver(t, h, tap.Records(), relaytest.Mapping{})
	for range 2 {
		answer, err := consumer.handler.Invoke(t.Context(), relaytest.SQSEvent(bus.Entries()...))
		require.NoError(t, err)
		require.JSONEq(t, `{"batchItemFailures":[]}`, string(answer))
	}
}

// Of docs/operations.md.

// shadow has the limits and the rules of the bus, and sends nothing.
type shadow struct{ *relay.EventBridge }

func (s shadow) Publish(_ context.Context, entries []relay.Entry) ([]relay.Result, error) {
	results := make([]relay.Result, len(entries))
	for i, e := range entries {
		results[i].Class = relay.Accepted
		if rule := s.Explain(e); rule != "" {
			results[i] = relay.Result{Class: relay.EventFault, Code: "RuleBroken", Message: rule}
		}
	}
	return results, nil
}

// TestShadowOfDocs: it counts what the bus would accept, and buries what it would
// refuse.
func TestShadowOfDocs(t *testing.T) {
	var stream relaytest.Stream
	var sink relaytest.Sink
	var counted relay.Metrics
	h, err := relay.NewHandler(shadow{relay.NewEventBridge(&relaytest.Bus{}, "orders")}, &sink, func(o *relay.Options) {
		o.Metrics = func(_ context.Context, m relay.Metrics) { counted = m }
	})
	require.NoError(t, err)
	good, err := envelope.New(t.Context(), "Order.Placed", 1)
	require.NoError(t, err)
	bad, err := envelope.New(t.Context(), "Order.Placed", 2, func(h *envelope.Headers) { h.Source = "orders" })
	require.NoError(t, err)
	records := stream.Insert(good, bad)
	records[1] = bytes.ReplaceAll(records[1], []byte(`"orders"`), []byte(`"aws.orders"`))
	_, err = h.Invoke(t.Context(), relaytest.StreamEvent(records...))
	require.NoError(t, err)
	require.Equal(t, 1, counted.Published)
	require.Len(t, sink.Letters(), 1)
}

func withJournal(cfg aws.Config, publisher relay.Publisher, deadLetters relay.DeadLetterSink) (*relay.Handler, error) {
	published := journal.New(dynamodb.NewFromConfig(cfg), "journal", func(o *journal.Options) { o.TTL = 90 * 24 * time.Hour })
	h, err := relay.NewHandler(publisher, deadLetters, func(o *relay.Options) { o.Journal = published })
	return h, err
}

func TestJournalOfDocs(t *testing.T) {
	_, err := withJournal(awsConfig("http://127.0.0.1:1"), relay.NewEventBridge(&relaytest.Bus{}, "orders"), relay.Block)
	require.NoError(t, err)
}

// Of docs/order.md.

var errEarlierEventMissing = errors.New("an earlier event of the aggregate is missing")

func inOrder(ctx context.Context, last int64, ev envelope.CustomEvent, apply func(context.Context, envelope.CustomEvent) error) error {
	switch envelope.OrderAfter(last, ev.Headers) {
	case envelope.InOrder, envelope.Unsequenced:
		return apply(ctx, ev) // changes the state, and writes the sequence beside it
	case envelope.Duplicate, envelope.Old:
		return nil // done before
	case envelope.Gap:
		return errEarlierEventMissing // the message comes again later
	}
	return nil
}

func TestInOrderOfDocs(t *testing.T) {
	applied := 0
	apply := func(context.Context, envelope.CustomEvent) error { applied++; return nil }
	for _, tt := range []struct {
		sequence int64
		applied  int
		err      error
	}{{3, 1, nil}, {2, 1, nil}, {1, 1, nil}, {4, 1, errEarlierEventMissing}, {0, 2, nil}} {
		ev := envelope.CustomEvent{Headers: envelope.Headers{AggregateID: "u1", Sequence: tt.sequence}}
		require.ErrorIs(t, inOrder(t.Context(), 2, ev, apply), tt.err)
		require.Equal(t, tt.applied, applied)
	}
}

// Of docs/consumers.md.

type (
	UserCreatedV1 struct{ UserID, Mail string }
	UserCreatedV2 struct{ UserID, Email string }
)

func twoVersions(ctx context.Context, ev envelope.CustomEvent, welcomeUser func(context.Context, UserCreatedV2) error) error {
	switch ev.Headers.SchemaVersion {
	case "", "1":
		old, err := envelope.Payload[UserCreatedV1](ev)
		if err != nil {
			return err
		}
		return welcomeUser(ctx, UserCreatedV2{UserID: old.UserID, Email: old.Mail})
	case "2":
		user, err := envelope.Payload[UserCreatedV2](ev)
		if err != nil {
			return err
		}
		return welcomeUser(ctx, user)
	}
	return fmt.Errorf("event %s has schemaVersion %q, which is not known here", ev.Headers.EventID, ev.Headers.SchemaVersion)
}

func TestTwoVersionsOfDocs(t *testing.T) {
	for version, payload := range map[string]any{"": UserCreatedV1{"u1", "a@b"}, "1": UserCreatedV1{"u1", "a@b"}, "2": UserCreatedV2{"u1", "a@b"}, "3": 0} {
		ev, err := envelope.New(t.Context(), "User.Created", payload, func(h *envelope.Headers) { h.SchemaVersion = version })
		require.NoError(t, err)
		var got UserCreatedV2
		err = twoVersions(t.Context(), ev, func(_ context.Context, u UserCreatedV2) error { got = u; return nil })
		require.Equal(t, version == "3", err != nil)
		require.Equal(t, version != "3", got == UserCreatedV2{"u1", "a@b"})
	}
}

// Of docs/layouts.md.

func createTable(ctx context.Context, ddb *dynamodb.Client, w *outbox.Writer) error {
	if _, err := ddb.CreateTable(ctx, w.CreateTableInput()); err != nil {
		return err
	}
	return nil
}

func aggregateWriter() (*outbox.Writer, error) {
	aggregates, err := outbox.NewWriter("event-store", func(o *outbox.Options) {
		o.Source, o.Layout = "userService", envelope.AggregateLayout()
	})
	return aggregates, err
}

func tableWithIndex(w *outbox.Writer) *dynamodb.CreateTableInput {
	table := w.CreateTableInput()
	table.AttributeDefinitions = append(table.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String("GSI1PK"), AttributeType: types.ScalarAttributeTypeS})
	table.GlobalSecondaryIndexes = []types.GlobalSecondaryIndex{{
		IndexName:  aws.String("GSI1"),
		KeySchema:  []types.KeySchemaElement{{AttributeName: aws.String("GSI1PK"), KeyType: types.KeyTypeHash}},
		Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
	}}
	return table
}

// TestTablesOfDocs makes the tables of the page on an engine.
func TestTablesOfDocs(t *testing.T) {
	ddb := newDynamoDB(t) // with a table of its own
	aggregates, err := aggregateWriter()
	require.NoError(t, err)
	var exists *types.ResourceInUseException
	require.ErrorAs(t, createTable(t.Context(), ddb, aggregates), &exists, "it is the writer's table")
	app, err := outbox.NewWriter("app", func(o *outbox.Options) {
		o.Source, o.Layout = "userService", envelope.Layout{Keys: func(ev envelope.CustomEvent) (string, string) { return ev.Headers.EventID, "E" }}
	})
	require.NoError(t, err)
	_, err = ddb.CreateTable(t.Context(), tableWithIndex(app))
	require.NoError(t, err)
}
