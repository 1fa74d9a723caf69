package readme

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/embedded"
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

func signUp(ctx context.Context, ddb *dynamodb.Client, w *outbox.Writer, id, email string) error {
	userPut := &types.Put{
		TableName:           aws.String("users"),
		Item:                map[string]types.AttributeValue{"userId": &types.AttributeValueMemberS{Value: id}},
		ConditionExpression: aws.String("attribute_not_exists(userId)"),
	}
	ev, err := envelope.New(ctx, "User.Created", UserCreated{UserID: id, Email: email}) // id, time and context values are frozen here
	if err != nil {
		return err
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: userPut}}}
	if err := w.Append(in, ev); err != nil { // all or nothing, and checked before anything is written
		return err
	}
	_, err = ddb.TransactWriteItems(ctx, in)
	return w.Explain(in, err) // whose item was refused, did it commit, may it be sent again?
}

// starter stands for package lambda, whose Start does not come back.
type starter struct{ handler *relay.Handler }

func (s *starter) Start(h *relay.Handler) { s.handler = h }

func startRelay(cfg aws.Config, lambda *starter) error {
	publisher := relay.NewEventBridge(eventbridge.NewFromConfig(cfg), "default")
	deadLetters := deadletter.New(dynamodb.NewFromConfig(cfg), "dead-letters")
	h, err := relay.NewHandler(publisher, deadLetters) // or relay.Block: hold the stream, never dead-letter
	if err != nil {
		return err
	}
	lambda.Start(h) // h has Invoke(ctx, []byte) ([]byte, error)
	return nil
}

func newInbox() (*outbox.Inbox, error) {
	inbox, err := outbox.NewInbox("receipts", "messagingService")
	return inbox, err
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
		"userId": &types.AttributeValueMemberS{Value: user.UserID},
	}}
}

func consume(ctx context.Context, ddb *dynamodb.Client, inbox *outbox.Inbox, message message) error {
	ev, err := envelope.FromSQS([]byte(message.Body))
	if err != nil {
		return err
	}
	user, err := envelope.Payload[UserCreated](ev)
	if err != nil {
		return err
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: welcome(user)}}}
	if err := inbox.Append(in, ev); err != nil {
		return err
	}
	_, err = ddb.TransactWriteItems(ctx, in)
	if err = inbox.Explain(in, err); errors.Is(err, outbox.ErrDuplicate) {
		return nil // done before: let the message go
	}
	return err
}

// message is that of Lambda's SQS event.
type message struct{ Body string }

// TestBlocks runs the README's blocks one after the other, as the README tells
// it.
func TestBlocks(t *testing.T) {
	ddb := embeddedDynamoDB(t)
	w, err := newWriter()
	require.NoError(t, err)
	require.NoError(t, signUp(t.Context(), ddb, w, "u1", "ada@example.com"))
	err = signUp(t.Context(), ddb, w, "u1", "ada@example.com")
	var refused *outbox.CommitError
	require.ErrorAs(t, err, &refused)
	require.Equal(t, outbox.NotCommitted, refused.Outcome)

	bus := &putEvents{}
	server := httptest.NewServer(bus)
	defer server.Close()
	var lambda starter
	require.NoError(t, startRelay(awsConfig(server.URL), &lambda))
	items, err := ddb.Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("event-store")})
	require.NoError(t, err)
	require.Len(t, items.Items, 1)
	image, err := attributevalue.MarshalMapJSON(items.Items[0])
	require.NoError(t, err)
	record := fmt.Appendf(nil, `{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1","NewImage":%s}}`, image)
	_, err = lambda.handler.Invoke(t.Context(), fmt.Appendf(nil, `{"Records":[%s]}`, record))
	require.NoError(t, err)
	require.Len(t, bus.details, 1)

	deadLetters := deadletter.New(ddb, "dead-letters")
	require.NoError(t, deadLetters.Put(t.Context(), relay.DeadLetter{Record: record, Code: "MalformedDetail", SequenceNumber: "1"}))
	for i, dryRun := range []bool{true, false} {
		report, err := redrive(t.Context(), awsConfig(*ddb.Options().BaseEndpoint), lambda.handler, deadLetters, slog.New(slog.DiscardHandler), dryRun)
		require.NoError(t, err)
		require.Equal(t, deadletter.Report{Read: 1, Published: 1}, report)
		require.Len(t, bus.details, 1+i)
	}

	inbox, err := newInbox()
	require.NoError(t, err)
	body := message{`{"detail-type":"User.Created","detail":` + bus.details[0] + `}`}
	require.NoError(t, consume(t.Context(), ddb, inbox, body))
	require.NoError(t, consume(t.Context(), ddb, inbox, body), "a duplicate is no failure")
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

func embeddedDynamoDB(t *testing.T) *dynamodb.Client {
	t.Helper()
	server := httptest.NewServer(embedded.NewServer())
	t.Cleanup(server.Close)
	ddb := dynamodb.NewFromConfig(awsConfig(server.URL), func(o *dynamodb.Options) { o.DisableValidateResponseChecksum = true })
	for table, keys := range map[string][]string{
		"users": {"userId", "S"}, "mails": {"userId", "S"},
		"event-store": {"pk", "S", "sk", "N"}, "receipts": {"pk", "S", "sk", "S"}, "dead-letters": {"pk", "S", "sk", "S"},
	} {
		in := &dynamodb.CreateTableInput{TableName: &table, BillingMode: types.BillingModePayPerRequest}
		for i := 0; i < len(keys); i += 2 {
			in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
				AttributeName: &keys[i], AttributeType: types.ScalarAttributeType(keys[i+1]),
			})
			in.KeySchema = append(in.KeySchema, types.KeySchemaElement{
				AttributeName: &keys[i], KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i/2],
			})
		}
		_, err := ddb.CreateTable(t.Context(), in)
		require.NoError(t, err)
	}
	return ddb
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
