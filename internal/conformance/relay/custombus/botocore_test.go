// Package custombus compares relay/custombus with AWS's own client of the same API.
package custombus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventsv2"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/custombus"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

const busARN = "arn:aws:events:eu-west-1:123456789012:event-busv2/orders/abcdefghijklmnopqrstuvwx0"

var credentials = aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: "token"}

// call is a call for botocore to make.
type call struct {
	Endpoint    string         `json:"endpoint,omitempty"` // without one, nothing is sent
	Region      string         `json:"region"`
	FIPS        bool           `json:"fips,omitempty"`
	DualStack   bool           `json:"dualStack,omitempty"`
	AccountMode string         `json:"accountMode,omitempty"`
	Operation   string         `json:"operation"`
	Params      map[string]any `json:"params"`
	AccessKey   string         `json:"accessKey"`
	SecretKey   string         `json:"secretKey"`
	Token       string         `json:"token"`
}

// done is what became of a call.
type done struct {
	URL    string
	Answer struct {
		State            string
		FailedEntryCount int
		Entries          []struct{ EventID, SequenceNumber, SuccessCode, ErrorCode, ErrorMessage string }
	}
	Error string
}

// botocore makes the calls, in one process.
func botocore(t *testing.T, calls []call) []done {
	t.Helper()
	for i := range calls {
		calls[i].AccessKey, calls[i].SecretKey, calls[i].Token = credentials.AccessKeyID, credentials.SecretAccessKey, credentials.SessionToken
	}
	in, err := json.Marshal(calls)
	require.NoError(t, err)
	python := enginetest.Python(t, engine.Botocore, "testdata/calls.py")
	cmd := exec.CommandContext(t.Context(), python[0], python[1:]...)
	cmd.Stdin = bytes.NewReader(in)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull, "AWS_EC2_METADATA_DISABLED=true"}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, stderr.String())
	var results []done
	require.NoError(t, json.Unmarshal(out, &results))
	require.Len(t, results, len(calls))
	return results
}

func config() aws.Config {
	return aws.Config{Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil })}
}

func entries() []relay.Entry {
	at := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	long := strings.Repeat("é", 128)
	return []relay.Entry{
		{EventID: "event-1", Group: "order-1", Source: "orderService", DetailType: "Order.Placed", Time: at.Add(789 * time.Millisecond),
			Resources: []string{"arn:one", ""}, Detail: []byte(`{"headers":{"eventId":"event-1"},"payload":{"text":"é 😀 \" \\ \u2028","number":1.50}}`)},
		{EventID: "event-2", Source: "orderService", DetailType: "Order.Placed", Time: at, Detail: []byte(`{}`)},
		{EventID: long, Group: long, Source: strings.Repeat("é", 256), DetailType: long, Time: at.Add(time.Millisecond), Detail: []byte(`{"text":"` + strings.Repeat("x", 70_000) + `"}`)},
		{Source: "s", DetailType: "d", Detail: []byte(`{"a":` + strings.Repeat(" ", 300) + `1}`)},
	}
}

// params are entries as botocore wants them.
func params(entries []relay.Entry) map[string]any {
	var list []map[string]any
	for _, e := range entries {
		p := map[string]any{"Source": e.Source, "DetailType": e.DetailType, "Detail": string(e.Detail)}
		if len(e.Resources) > 0 {
			p["Resources"] = e.Resources
		}
		if !e.Time.IsZero() {
			p["Time"] = e.Time.UnixMilli()
		}
		metadata := map[string]string{}
		if e.Group != "" {
			metadata["EventGroupId"] = e.Group
		}
		if e.EventID != "" {
			metadata["DeduplicationId"] = e.EventID
		}
		if len(metadata) > 0 {
			p["SystemMetadata"] = metadata
		}
		list = append(list, p)
	}
	return map[string]any{"EventBusArn": busARN, "Entries": list}
}

// For the same entries, this module and AWS's own client send the same: each member
// of the body, the path, the headers of the protocol, the scope of a signature that
// holds.
func TestRequestsAreThoseOfBotocore(t *testing.T) {
	ours, theirs := &eventsv2.Bus{ARN: busARN, Credentials: credentials}, &eventsv2.Bus{ARN: busARN, Credentials: credentials}
	ourServer, theirServer := httptest.NewServer(ours), httptest.NewServer(theirs)
	defer ourServer.Close()
	defer theirServer.Close()

	results, err := custombus.New(config(), busARN, func(o *custombus.Options) { o.BaseEndpoint = ourServer.URL }).Publish(t.Context(), entries())
	require.NoError(t, err)
	require.Len(t, results, len(entries()))
	for _, d := range botocore(t, []call{
		{Endpoint: theirServer.URL, Region: "eu-west-1", Operation: "describe_event_bus", Params: map[string]any{"EventBusArn": busARN}},
		{Endpoint: theirServer.URL, Region: "eu-west-1", Operation: "put_events", Params: params(entries())},
	}) {
		require.Empty(t, d.Error)
	}

	for _, operation := range []string{"DescribeEventBus", "PutEvents"} {
		require.Len(t, ours.Requests(operation), 1)
		require.Len(t, theirs.Requests(operation), 1)
		a, b := ours.Requests(operation)[0], theirs.Requests(operation)[0]
		require.Equal(t, b.Body, a.Body)
		require.Equal(t, b.Path, a.Path)
		require.Equal(t, b.Scope, a.Scope)
		for _, name := range []string{"Smithy-Protocol", "Content-Type", "Accept", "X-Amz-Security-Token", "Content-Length"} {
			if name != "Content-Length" {
				require.NotEmpty(t, a.Header.Get(name), name)
			}
			require.Equal(t, b.Header.Values(name), a.Header.Values(name), name)
		}
		for name := range b.Header {
			require.Contains(t, a.Header, name, "a header that botocore sends")
		}
	}
	require.Equal(t, len(entries()), len(ours.Taken()))
	for i := range ours.Taken() {
		require.Equal(t, theirs.Taken()[i], ours.Taken()[i])
	}
}

// AWS's own client understands what the bus of our tests answers. So what this
// module understands of it is no agreement between the two alone.
func TestBotocoreUnderstandsTheBus(t *testing.T) {
	bus := &eventsv2.Bus{ARN: busARN, Credentials: credentials, State: func() string { return "CREATING" }}
	faults := map[int]eventsv2.Fault{
		1: {Codes: map[int]string{1: "InvalidInputException"}},
		2: {Answer: eventsv2.Error(400, "InvalidInputException")},
		3: {Answer: eventsv2.Error(429, "ThrottlingException")},
		4: {Answer: eventsv2.Error(500, "InternalException")},
		5: {Answer: eventsv2.Error(403, "AccessDeniedException")},
	}
	bus.Script = func(call int, _ eventsv2.Request) eventsv2.Fault { return faults[call] }
	server := httptest.NewServer(bus)
	defer server.Close()
	put := call{Endpoint: server.URL, Region: "eu-west-1", Operation: "put_events", Params: params(entries()[:2])}
	calls := []call{{Endpoint: server.URL, Region: "eu-west-1", Operation: "describe_event_bus", Params: map[string]any{"EventBusArn": busARN}}}
	for range 6 {
		calls = append(calls, put)
	}
	got := botocore(t, calls)
	require.Equal(t, "CREATING", got[0].Answer.State)
	require.Equal(t, "PUBLISHED", got[1].Answer.Entries[0].SuccessCode)
	require.Equal(t, "PUBLISHED", got[1].Answer.Entries[1].SuccessCode)
	require.NotEmpty(t, got[1].Answer.Entries[0].EventID)
	require.NotEmpty(t, got[1].Answer.Entries[0].SequenceNumber)
	require.Equal(t, 1, got[2].Answer.FailedEntryCount)
	require.Equal(t, "DEDUPLICATED", got[2].Answer.Entries[0].SuccessCode)
	require.Equal(t, "InvalidInputException", got[2].Answer.Entries[1].ErrorCode)
	require.NotEmpty(t, got[2].Answer.Entries[1].ErrorMessage)
	for i, code := range []string{"InvalidInputException", "ThrottlingException", "InternalException", "AccessDeniedException"} {
		require.Equal(t, code, got[3+i].Error)
	}
}

// Where botocore would send to, by the rules of AWS, we do.
func TestEndpointsAreThoseOfBotocore(t *testing.T) {
	var calls []call
	var want []string
	for _, region := range []struct{ partition, name string }{
		{"aws", "eu-west-1"}, {"aws", "us-east-1"}, {"aws-cn", "cn-north-1"}, {"aws-us-gov", "us-gov-west-1"}, {"aws-eusc", "eusc-de-east-1"},
		{"aws-iso", "us-iso-east-1"}, {"aws-iso-b", "us-isob-east-1"}, {"aws-iso-e", "eu-isoe-west-1"}, {"aws-iso-f", "us-isof-south-1"},
	} {
		for variant := range 4 {
			for _, mode := range []string{"", "required", "disabled"} {
				arn := strings.NewReplacer(":aws:", ":"+region.partition+":", "eu-west-1", region.name).Replace(busARN)
				c := call{Region: region.name, FIPS: variant&1 != 0, DualStack: variant&2 != 0, AccountMode: mode, Operation: "put_events", Params: params(entries()[:1])}
				c.Params["EventBusArn"] = arn
				calls, want = append(calls, c), append(want, sentTo(t, arn, c))
			}
		}
	}
	for i, d := range botocore(t, calls) {
		if d.Error != "" {
			require.True(t, calls[i].DualStack && (calls[i].Region == "eu-isoe-west-1" || calls[i].Region == "us-isof-south-1"),
				"botocore knows no dual stack there, AWS's Go SDK does: %+v", calls[i])
			continue
		}
		require.Equal(t, d.URL, want[i], "%+v", calls[i])
	}
}

// sentTo returns the URL that our publisher sends to.
func sentTo(t *testing.T, arn string, c call) (url string) {
	t.Helper()
	cfg := config()
	cfg.HTTPClient = smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
		url = r.URL.String()
		return nil, errors.New("enough")
	})
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	cfg.AccountIDEndpointMode = aws.AccountIDEndpointMode(c.AccountMode)
	env := awsconfig.EnvConfig{UseFIPSEndpoint: aws.FIPSEndpointStateDisabled, UseDualStackEndpoint: aws.DualStackEndpointStateDisabled}
	if c.FIPS {
		env.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if c.DualStack {
		env.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	cfg.ConfigSources = []any{env}
	p := custombus.New(cfg, arn, func(o *custombus.Options) { o.SkipBusCheck = true })
	require.NoError(t, p.Validate())
	_, err := p.Publish(t.Context(), entries()[:1])
	require.Error(t, err)
	return url
}
