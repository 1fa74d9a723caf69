package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// answering is an SDK client of DynamoDB whose server gives these answers to
// scans, one after the other. The first look is answered by the first of them,
// too.
func answering(t *testing.T, status int, header http.Header, answers ...string) *dynamodb.Client {
	t.Helper()
	calls := -1 // the first look
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text := answers[min(max(calls, 0), len(answers)-1)]
		calls++
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		for name := range header {
			w.Header().Set(name, header.Get(name))
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(server.Close)
	return dynamodb.New(dynamodb.Options{
		Region: "eu-west-1", BaseEndpoint: &server.URL, Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		}),
	})
}

// typed hides that a client is the SDK's: what it is given by the call is lost.
type typed struct{ client *dynamodb.Client }

func (c typed) Scan(ctx context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	return c.client.Scan(ctx, in)
}

func (c typed) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return c.client.Query(ctx, in)
}

// details are a bus that keeps what it was sent.
type details struct {
	ledger
	text map[string]string
}

func (d *details) Publish(ctx context.Context, entries []relay.Entry) ([]relay.Result, error) {
	for _, e := range entries {
		if d.text == nil {
			d.text = map[string]string{}
		}
		d.text[e.EventID] = string(e.Detail)
	}
	return d.ledger.Publish(ctx, entries)
}

func wireItem(id, payload string) string {
	return fmt.Sprintf(`{"pk":{"S":%[1]q},"sk":{"N":"1"},"other":{"SS":["a","b"]},"event":{"M":{"headers":{"M":{"eventId":{"S":%[1]q},"eventName":{"S":"n"},"source":{"S":"s"},`+
		`"timestamp":{"N":"%[2]d"}}},"payload":%[3]s}}}`, id, envelope.MinTimestamp.UnixMilli()+1, payload)
}

// What is taken from the body is what the SDK would have read from it.
func TestTheBodyHoldsWhatTheSDKReads(t *testing.T) {
	item := wireItem("a", `{"M":{"text":{"S":"\u00e9\ud83d\ude00\"\\\n]}"},"n":{"N":"1.50"},"b":{"B":"AQI="},"list":{"L":[{"NULL":true},{"BOOL":false},{"M":{}}]},"ns":{"NS":["1","2"]},"Items":{"L":[]}}}`)
	pages := []string{
		`{"Count":2,"Items":[` + item + ` , ` + wireItem("b", `{"S":"{\"x\":1}"}`) + `],"LastEvaluatedKey":{"pk":{"S":"k"},"sk":{"N":"7"}},"ScannedCount":9,"ConsumedCapacity":{"TableName":"t","CapacityUnits":3.5}}`,
		` { "LastEvaluatedKey" : {"pk":{"S":"k"},"sk":{"B":"AQI="}}, "Items" : [ ] , "Count":0 } `,
		`{"Count":1,"Items":[` + wireItem("c", `{"L":[{"S":"x"}]}`) + `]}`,
	}
	read := func(wrap func(*dynamodb.Client) recovery.TableAPIClient) (map[string]string, relay.ReplayReport) {
		bus := &details{}
		h, err := relay.NewHandler(bus, relay.Block)
		require.NoError(t, err)
		source := recovery.EventStore(wrap(answering(t, 200, nil, pages...)), "t", envelope.Layout{}, envelope.MinTimestamp, envelope.MinTimestamp.Add(time.Hour),
			func(o *recovery.ScanOptions) { o.Segments = 1 })
		report, err := relay.Replay(t.Context(), source, h, toSameBus)
		require.NoError(t, err)
		return bus.text, report
	}
	raw, rawReport := read(func(c *dynamodb.Client) recovery.TableAPIClient { return c })
	plain, plainReport := read(func(c *dynamodb.Client) recovery.TableAPIClient { return typed{c} })
	require.Len(t, raw, 3)
	for id, text := range plain {
		require.JSONEq(t, text, raw[id])
	}
	require.Equal(t, plainReport, rawReport)
	require.InDelta(t, 7, rawReport.ReadUnits, 0.01)
}

// Errors stay the SDK's, and an answer that cannot be read is an error and no empty
// page.
func TestAnswersThatCannotBeRead(t *testing.T) {
	good := `{"Count":1,"Items":[` + wireItem("a", `{"NULL":true}`) + `]}`
	for name, c := range map[string]struct {
		status int
		header http.Header
		text   string
		want   string // "" if it can be read
	}{
		"good":                {200, nil, good, ""},
		"another type":        {200, http.Header{"Content-Type": {"text/plain"}}, good, ""},
		"an error":            {400, nil, `{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException","message":"no dynamodb:Scan"}`, "AccessDeniedException"},
		"no JSON":             {200, nil, `<html>`, "invalid character"},
		"cut off":             {200, nil, good[:len(good)-20], "unexpected"},
		"cut off in a string": {200, nil, good[:60], "unexpected"},
		"empty":               {200, nil, ``, `no "Items"`},
		"no comma":            {200, nil, `{"Count":2,"Items":[` + wireItem("a", `{"NULL":true}`) + ` ` + wireItem("b", `{"NULL":true}`) + `]}`, "invalid character"},
		"items are no array":  {200, nil, `{"Items":{"pk":[]}}`, "Items"},
	} {
		t.Run(name, func(t *testing.T) {
			client := answering(t, c.status, c.header, c.text)
			got, _, err := replay(t, recovery.EventStore(client, "t", envelope.Layout{}, envelope.MinTimestamp, envelope.MinTimestamp.Add(time.Hour),
				func(o *recovery.ScanOptions) { o.Segments = 1 }))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.Error(t, err)
			if c.want == "AccessDeniedException" {
				require.ErrorContains(t, err, "scan table t")
				require.ErrorContains(t, err, "no dynamodb:Scan")
			}
			require.Empty(t, got)
		})
	}
}

// The name of the SDK's middleware is no part of its promise: this test holds it
// against the version in go.mod. Under another name the sources would only be
// slower.
func TestTheSDKHasItsDeserializer(t *testing.T) {
	looked := errors.New("looked")
	look := func(stack *middleware.Stack) error {
		_, ok := stack.Deserialize.Get("OperationDeserializer")
		require.True(t, ok)
		return looked
	}
	_, err := dynamodb.New(dynamodb.Options{Region: "eu-west-1", APIOptions: []func(*middleware.Stack) error{look}}).
		Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("t")})
	require.ErrorIs(t, err, looked)
	_, err = dynamodbstreams.New(dynamodbstreams.Options{Region: "eu-west-1", APIOptions: []func(*middleware.Stack) error{look}}).
		GetRecords(t.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: aws.String("t")})
	require.ErrorIs(t, err, looked)
}
