package readme

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox/outboxtest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

import (
	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
)

type UserCreated struct {
	UserID string `json:"userId"`
	Email  string `json:"email"`
}

func newWriter() (*outbox.Writer, error) {
	w, err := outbox.NewWriter("event-store", func(o *outbox.Options) {
		o.Source = "userService"
		o.Region = "eu-west-1"
	})
	return w, err
}

func signUp(ctx context.Context, ddb outbox.TransactWriteItemsAPIClient, w *outbox.Writer, id, email string) error {
	userPut := &types.Put{
		TableName:           aws.String("users"),
		Item:                map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: id}},
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	}
	ev, err := envelope.New(ctx, "User.Created", UserCreated{UserID: id, Email: email}) // id and time are decided here
	if err != nil {
		return err
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: userPut}}}
	if err := w.Append(in, ev); err != nil { // all or nothing, and checked before anything is written
		return err
	}
	return outbox.Commit(ctx, ddb, in, w) // sends it, again where that can help, and says whose item was refused
}

// starter stands for package lambda, whose Start does not come back.
type starter[H any] struct{ handler H }

func (s *starter[H]) Start(h H) { s.handler = h }

func startRelay(cfg aws.Config, lambda *starter[*relay.Handler]) error {
	publisher := relay.NewEventBridge(eventbridge.NewFromConfig(cfg), "default")
	deadLetters := deadletter.New(dynamodb.NewFromConfig(cfg), "dead-letters")
	h, err := relay.NewHandler(publisher, deadLetters) // or relay.Block: hold the stream, never dead-letter
	if err != nil {
		return err
	}
	lambda.Start(h) // h has Invoke(ctx, []byte) ([]byte, error)
	return nil
}

func redrive(ctx context.Context, cfg aws.Config, h *relay.Handler, deadLetters *deadletter.Table, logger *slog.Logger, dryRun bool) (deadletter.Report, error) {
	report, err := deadLetters.Redrive(ctx, dynamodb.NewFromConfig(cfg), h, func(o *deadletter.RedriveOptions) {
		o.DryRun = dryRun // first true: nothing is sent, and the report says what would be
		o.Progress = func(_ []deadletter.Letter, sum deadletter.Report) { logger.Info("redrive", "so far", sum) }
		o.Logger = logger
	})
	return report, err
}

// welcome is the consumer's own work in the README: one item for each mail.
func welcome(user UserCreated) *types.Put {
	return &types.Put{TableName: aws.String("mails"), Item: map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: user.UserID},
	}}
}

func startConsumer(ddb *dynamodb.Client, lambda *starter[*outbox.Consumer]) error {
	inbox, err := outbox.NewInbox("receipts", "messagingService")
	if err != nil {
		return err
	}
	c, err := outbox.NewConsumer(func(ctx context.Context, ev envelope.CustomEvent) error {
		user, err := envelope.Payload[UserCreated](ev)
		if err != nil {
			return err
		}
		in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: welcome(user)}}}
		if err := inbox.Append(in, ev); err != nil {
			return err
		}
		return outbox.Commit(ctx, ddb, in, inbox) // ErrDuplicate: done before, which the Consumer takes for success
	})
	if err != nil {
		return err
	}
	lambda.Start(c) // answers which messages have to come again
	return nil
}

// TestYourService is the README's block for the tests of a service.
func TestYourService(t *testing.T) {
	w, err := newWriter()
	require.NoError(t, err)
	var db outboxtest.Client // refuses, conflicts and loses answers when told to
	tap := outboxtest.Tap{Client: &db}
	require.NoError(t, signUp(t.Context(), &tap, w, "u1", "ada@example.com"))

	var bus relaytest.Bus // with EventBridge's rules, and scripted faults
	h, err := relay.NewHandler(relay.NewEventBridge(&bus, "default"), relay.Block)
	require.NoError(t, err)
	relaytest.Deliver(t, h, tap.Records(), relaytest.Mapping{}) // plays Lambda's event source mapping
	require.Equal(t, "User.Created", bus.Entries()[0].DetailType)
}

// TestBlocks runs the README's blocks one after the other, as the README tells
// it.
func TestBlocks(t *testing.T) {
	ddb := newDynamoDB(t)
	w, err := newWriter()
	require.NoError(t, err)
	tap := outboxtest.Tap{Client: ddb}
	require.NoError(t, signUp(t.Context(), &tap, w, "u1", "ada@example.com"))
	err = signUp(t.Context(), ddb, w, "u1", "ada@example.com")
	var refused *outbox.CommitError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, outbox.NotCommitted, refused.Outcome)

	bus := &putEvents{}
	server := httptest.NewServer(bus)
	defer server.Close()
	var lambda starter[*relay.Handler]
	require.NoError(t, startRelay(awsConfig(server.URL), &lambda))
	_, err = lambda.handler.Invoke(t.Context(), relaytest.StreamEvent(tap.Records()...))
	require.NoError(t, err)
	require.Len(t, bus.details, 1)

	deadLetters := deadletter.New(ddb, "dead-letters")
	require.NoError(t, deadLetters.Put(t.Context(), relay.DeadLetter{Record: tap.Records()[0], Code: "MalformedDetail", SequenceNumber: "1"}))
	for i, dryRun := range []bool{true, false} {
		report, err := redrive(t.Context(), awsConfig(*ddb.Options().BaseEndpoint), lambda.handler, deadLetters, slog.New(slog.DiscardHandler), dryRun)
		require.NoError(t, err)
		require.Equal(t, deadletter.Report{Read: 1, Published: 1}, report)
		require.Len(t, bus.details, 1+i)
	}

	var consumer starter[*outbox.Consumer]
	require.NoError(t, startConsumer(ddb, &consumer))
	batch := relaytest.SQSEvent(relaytest.Entry{ID: "1", DetailType: "User.Created", Detail: json.RawMessage(bus.details[0])})
	for range 2 { // a duplicate is no failure
		answer, err := consumer.handler.Invoke(t.Context(), batch)
		require.NoError(t, err)
		require.JSONEq(t, `{"batchItemFailures":[]}`, string(answer))
	}
	mails, err := ddb.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("mails")})
	require.NoError(t, err)
	require.Len(t, mails.Items, 1)
}

func awsConfig(endpoint string) aws.Config {
	return aws.Config{
		Region: "eu-west-1", BaseEndpoint: &endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("readme", "readme", ""),
	}
}

// newDynamoDB returns an engine with the README's tables.
func newDynamoDB(t *testing.T) *dynamodb.Client {
	t.Helper()
	ddb := dynamodb.NewFromConfig(awsConfig(enginetest.Own(t, engine.Dynoxide).URL))
	w, err := newWriter()
	require.NoError(t, err)
	inbox, err := outbox.NewInbox("receipts", "messagingService")
	require.NoError(t, err)
	for _, in := range []*dynamodb.CreateTableInput{
		w.CreateTableInput(), inbox.CreateTableInput(), deadletter.New(ddb, "dead-letters").CreateTableInput(),
		keyedByPK("users"), keyedByPK("mails"),
	} {
		_, err := ddb.CreateTable(t.Context(), in)
		require.NoError(t, err)
	}
	return ddb
}

func keyedByPK(table string) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName: &table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash}},
	}
}

// putEvents is an EventBridge that accepts everything.
type putEvents struct{ details []string }

func (b *putEvents) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".PutEvents") {
		_, _ = io.WriteString(w, `{"Name":"default"}`)
		return
	}
	var in struct{ Entries []struct{ Detail string } }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var results []string
	for i, entry := range in.Entries {
		b.details = append(b.details, entry.Detail)
		results = append(results, fmt.Sprintf(`{"EventId":"%d"}`, i))
	}
	_, _ = io.WriteString(w, `{"FailedEntryCount":0,"Entries":[`+strings.Join(results, ",")+`]}`)
}
