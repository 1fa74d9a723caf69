package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

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
func answering(status int, header http.Header, answers ...string) *dynamodb.Client {
	calls := -1 // the first look
	return dynamodb.New(dynamodb.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String("http://localhost"), Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		}),
		HTTPClient: server(func(*http.Request) (*http.Response, error) {
			text := answers[min(max(calls, 0), len(answers)-1)]
			calls++
			all := http.Header{"Content-Type": {"application/x-amz-json-1.0"}}
			maps.Copy(all, header)
			return &http.Response{StatusCode: status, Header: all, Body: io.NopCloser(strings.NewReader(text)), ContentLength: int64(len(text))}, nil
		}),
	})
}

type server func(*http.Request) (*http.Response, error)

func (s server) Do(r *http.Request) (*http.Response, error) { return s(r) }

// typed hides that a client is the SDK's: what it is given by the call is lost.
type typed struct{ client *dynamodb.Client }

func (c typed) Scan(ctx context.Context, in *dynamodb.ScanInput, _ ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	return c.client.Scan(ctx, in)
}

func (c typed) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return c.client.Query(ctx, in)
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
	read := func(c recovery.TableAPIClient) (map[string]string, relay.ReplayReport) {
		entries, report, err := entriesOf(t.Context(), t, storeOf(c, oneSegment))
		require.NoError(t, err)
		text := map[string]string{}
		for _, e := range entries {
			text[e.EventID] = string(e.Detail)
		}
		return text, report
	}
	raw, rawReport := read(answering(200, nil, pages...))
	plain, plainReport := read(typed{answering(200, nil, pages...)})
	require.Len(t, raw, 3)
	for id, text := range plain {
		require.JSONEq(t, text, raw[id])
	}
	require.Equal(t, plainReport, rawReport)
	require.InDelta(t, 7, rawReport.ReadUnits, 0.01)
}

// Errors stay the SDK's, and an answer that cannot be read is an error and no empty
// page. The body may hold the array twice, and then nobody knows which is meant; an
// answer with neither items nor a count is none of DynamoDB.
func TestAnswersThatCannotBeRead(t *testing.T) {
	a, b := wireItem("a", `{"NULL":true}`), wireItem("b", `{"NULL":true}`)
	first, good := `{"Items":[`+a+`],"LastEvaluatedKey":{"pk":{"S":"a"},"sk":{"N":"1"}}}`, `{"Count":1,"Items":[`+b+`]}`
	for name, c := range map[string]struct {
		status int
		header http.Header
		text   string
		want   string // "" if it can be read
	}{
		"good":                {200, nil, good, ""},
		"another type":        {200, http.Header{"Content-Type": {"text/plain"}}, good, ""},
		"an error":            {400, nil, `{"__type":"com.amazonaws.dynamodb.v20120810#AccessDeniedException","message":"no dynamodb:Scan"}`, "no dynamodb:Scan"},
		"no JSON":             {200, nil, `<html>`, "deserialization failed"},
		"cut off":             {200, nil, good[:len(good)-20], "deserialization failed"},
		"cut off in a string": {200, nil, good[:60], "deserialization failed"},
		"empty":               {200, nil, ``, `no "Items"`},
		"no comma":            {200, nil, `{"Count":2,"Items":[` + a + ` ` + b + `]}`, "deserialization failed"},
		"items are no array":  {200, nil, `{"Items":{"pk":[]}}`, "deserialization failed"},
		"items twice":         {200, nil, `{"Items":[` + a + `],"Items":[` + b + `],"Count":1}`, `"Items" twice`},
		"twice, escaped":      {200, nil, `{"Items":[` + b + `],"\u0049tems":[],"Count":1}`, `"Items" twice`},
		"an error with 200":   {200, nil, `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no"}`, `no "Items"`},
		"an empty object":     {200, nil, `{}`, `no "Items"`},
		"an array":            {200, nil, `[]`, `no "Items"`},
		"null":                {200, nil, `null`, `no "Items"`},
	} {
		t.Run(name, func(t *testing.T) {
			answers := []string{first, c.text}
			if c.status != http.StatusOK {
				answers = answers[1:]
			}
			client := answering(c.status, c.header, answers...)
			got, report, err := replay(t, storeOf(client, oneSegment))
			if c.want == "" {
				require.NoError(t, err)
				require.Equal(t, []string{"a", "b"}, got)
				return
			}
			require.ErrorContains(t, err, "scan table event-store")
			require.ErrorContains(t, err, c.want)
			require.False(t, report.Done)
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
