package custombus_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventsv2"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/custombus"
)

// What the bus reads of an entry is what the entry says.
func TestRequest(t *testing.T) {
	whole := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	digest := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	detail := []byte(`{"payload":"` + long(40_000) + `"}`)
	for _, tt := range []struct {
		name string
		in   relay.Entry
		want eventsv2.Entry
	}{
		{"the least", relay.Entry{Source: "s", DetailType: "d", Detail: []byte("{}")}, eventsv2.Entry{Source: "s", DetailType: "d", Detail: "{}"}},
		{"all of it", relay.Entry{
			EventID: "event-1", Group: "order-1", Source: "sérvice", DetailType: "Order.Placed", Time: whole, Detail: detail,
			Resources: []string{"arn:one", "", long(2048)}, TraceHeader: "Root=1",
		}, eventsv2.Entry{
			Token: "event-1", Group: "order-1", Source: "sérvice", DetailType: "Order.Placed", Time: whole, Detail: string(detail),
			Resources: []string{"arn:one", "", long(2048)},
		}},
		{"the greatest lengths", relay.Entry{EventID: long(128), Group: long(128), Source: long(256), DetailType: long(128), Detail: []byte("{}")},
			eventsv2.Entry{Token: long(128), Group: long(128), Source: long(256), DetailType: long(128), Detail: "{}"}},
		{"ids that are too long", relay.Entry{EventID: long(129), Group: long(200), Source: "s", DetailType: "d", Detail: []byte("{}")},
			eventsv2.Entry{Token: digest(long(129)), Group: digest(long(200)), Source: "s", DetailType: "d", Detail: "{}"}},
		{"ids that are blank", relay.Entry{EventID: " \u2003\x1c", Group: "\t", Source: "s", DetailType: "d", Detail: []byte("{}")},
			eventsv2.Entry{Token: digest(" \u2003\x1c"), Group: digest("\t"), Source: "s", DetailType: "d", Detail: "{}"}},
		{"ids that are no UTF-8", relay.Entry{EventID: "a\xff", Source: "s", DetailType: "d", Detail: []byte("{}")},
			eventsv2.Entry{Token: digest("a\xff"), Source: "s", DetailType: "d", Detail: "{}"}},
		{"a group alone", relay.Entry{Group: "order-1", Source: "s", DetailType: "d", Detail: []byte("{}")}, eventsv2.Entry{Group: "order-1", Source: "s", DetailType: "d", Detail: "{}"}},
		{"milliseconds", relay.Entry{Source: "s", DetailType: "d", Detail: []byte("{}"), Time: whole.Add(123 * time.Millisecond)},
			eventsv2.Entry{Source: "s", DetailType: "d", Detail: "{}", Time: whole.Add(123 * time.Millisecond)}},
		{"before 1970", relay.Entry{Source: "s", DetailType: "d", Detail: []byte("{}"), Time: time.Unix(-86_400, 0)},
			eventsv2.Entry{Source: "s", DetailType: "d", Detail: "{}", Time: time.Unix(-86_400, 0).UTC()}},
		{"the end of 32 bits", relay.Entry{Source: "s", DetailType: "d", Detail: []byte("{}"), Time: time.Unix(1<<33, 0)},
			eventsv2.Entry{Source: "s", DetailType: "d", Detail: "{}", Time: time.Unix(1<<33, 0).UTC()}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bus := newBus()
			results, err := newPublisher(bus).Publish(t.Context(), []relay.Entry{tt.in})
			require.NoError(t, err)
			require.Equal(t, relay.Accepted, results[0].Class)
			require.NotEmpty(t, results[0].ID)
			got := bus.Taken()[0].Entry
			got.Time = got.Time.UTC().Round(time.Millisecond) // a float of 64 bits has microseconds
			if tt.in.Time.IsZero() {
				got.Time = time.Time{}
			}
			require.Equal(t, tt.want, got)
		})
	}
}

func TestFullCall(t *testing.T) {
	bus := newBus()
	results, err := newPublisher(bus).Publish(t.Context(), entries(100))
	require.NoError(t, err)
	require.Len(t, results, 100)
	require.Len(t, bus.Taken(), 100)
	r := bus.Requests("PutEvents")[0]
	require.Equal(t, "123456789012.eventsv2.eu-west-1.amazonaws.com", r.Host)
	require.Equal(t, "eu-west-1/events/aws4_request", r.Scope)
	require.NotEmpty(t, r.Header.Get("Amz-Sdk-Invocation-Id"))
	require.Contains(t, r.Header.Get("User-Agent"), "api/eventbridgev2")
	require.Equal(t, "token", r.Header.Get("X-Amz-Security-Token"))
	require.Len(t, bus.Requests("DescribeEventBus"), 1)
}

// Where requests go, by the rules of the API's endpoint rule set.
func TestEndpoints(t *testing.T) {
	arn := func(partition, region string) string {
		return "arn:" + partition + ":events:" + region + ":123456789012:event-busv2/orders/abcdefghijklmnopqrstuvwx0"
	}
	for _, tt := range []struct {
		name, arn, base string
		source          *source
		over            bool // a source of higher precedence switches all off
		mode            aws.AccountIDEndpointMode
		want            string
	}{
		{name: "plain", arn: testARN, want: "https://123456789012.eventsv2.eu-west-1.amazonaws.com"},
		{name: "required account", arn: testARN, mode: aws.AccountIDEndpointModeRequired, want: "https://123456789012.eventsv2.eu-west-1.amazonaws.com"},
		{name: "no account", arn: testARN, mode: aws.AccountIDEndpointModeDisabled, want: "https://eventsv2.eu-west-1.amazonaws.com"},
		{name: "FIPS", arn: testARN, source: &source{fips: true}, want: "https://123456789012.eventsv2-fips.eu-west-1.amazonaws.com"},
		{name: "dual stack", arn: testARN, source: &source{dual: true}, want: "https://123456789012.eventsv2.eu-west-1.api.aws"},
		{name: "FIPS and dual stack", arn: testARN, source: &source{fips: true, dual: true}, want: "https://123456789012.eventsv2-fips.eu-west-1.api.aws"},
		{name: "switched off", arn: testARN, source: &source{fips: true, dual: true}, over: true, want: "https://123456789012.eventsv2.eu-west-1.amazonaws.com"},
		{name: "China", arn: arn("aws-cn", "cn-north-1"), want: "https://123456789012.eventsv2.cn-north-1.amazonaws.com.cn"},
		{name: "GovCloud", arn: arn("aws-us-gov", "us-gov-west-1"), source: &source{fips: true}, want: "https://123456789012.eventsv2-fips.us-gov-west-1.amazonaws.com"},
		{name: "override", arn: testARN, base: "http://127.0.0.1:4566/", want: "http://127.0.0.1:4566"},
		{name: "override with a path", arn: testARN, base: "https://proxy.example/aws/", want: "https://proxy.example/aws"},
		{name: "override of an unknown partition", arn: arn("aws-moon", "moon-1"), base: "https://moon.example", want: "https://moon.example"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got string
			cfg := config(smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
				got = r.URL.String()
				return nil, errors.New("enough")
			}))
			cfg.Region, cfg.AccountIDEndpointMode = "us-east-1", tt.mode // the region of the ARN counts
			if tt.source != nil {
				cfg.ConfigSources = []any{"of another kind", *tt.source}
			}
			if tt.over {
				cfg.ConfigSources = append([]any{source{off: true}}, cfg.ConfigSources...)
			}
			p := custombus.New(cfg, tt.arn, func(o *custombus.Options) { o.SkipBusCheck, o.BaseEndpoint = true, tt.base })
			require.NoError(t, p.Validate())
			_, err := p.Publish(t.Context(), entries(1))
			require.Error(t, err)
			require.Equal(t, tt.want+"/service/AWSEventsV2/operation/PutEvents", got)
		})
	}
}

// A route may name another bus, in another account and region.
func TestAnotherBus(t *testing.T) {
	bus, other := newBus(), "arn:aws:events:us-east-2:210987654321:event-busv2/other/abcdefghijklmnopqrstuvwx1"
	bus.ARN = other
	p, sent := newPublisher(bus), entries(2)
	sent[0].Bus, sent[1].Bus = other, other
	results, err := p.Publish(t.Context(), sent)
	require.NoError(t, err)
	require.Len(t, results, 2)
	r := bus.Requests("PutEvents")[0]
	require.Equal(t, "210987654321.eventsv2.us-east-2.amazonaws.com", r.Host)
	require.Equal(t, "us-east-2/events/aws4_request", r.Scope)

	sent[0].Bus = "orders"
	_, err = p.Publish(t.Context(), sent[:1])
	ce := callError(t, err)
	require.Equal(t, relay.ConfigFault, ce.Class)
	require.Equal(t, "InvalidBusARN", ce.Code)
}

// source is what config.LoadDefaultConfig puts into ConfigSources.
type source struct{ fips, dual, off bool }

func (s source) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	switch {
	case s.off:
		return aws.FIPSEndpointStateDisabled, true, nil
	case s.fips:
		return aws.FIPSEndpointStateEnabled, true, nil
	}
	return aws.FIPSEndpointStateUnset, false, nil
}

func (s source) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	switch {
	case s.off:
		return aws.DualStackEndpointStateDisabled, true, nil
	case s.dual:
		return aws.DualStackEndpointStateEnabled, true, nil
	}
	return aws.DualStackEndpointStateUnset, false, nil
}

// What the aws.Config says of retries, middleware and the HTTP client is done.
func TestConfiguration(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*aws.Config)
		calls  int
	}{
		{"nothing", func(*aws.Config) {}, 3},
		{"attempts", func(c *aws.Config) { c.RetryMaxAttempts = 5 }, 5},
		{"adaptive", func(c *aws.Config) { c.RetryMode, c.RetryMaxAttempts = aws.RetryModeAdaptive, 2 }, 2},
		{"a retryer of none", func(c *aws.Config) { c.Retryer = func() aws.Retryer { return nil } }, 3},
		{"no retries", func(c *aws.Config) { c.Retryer = func() aws.Retryer { return aws.NopRetryer{} } }, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := newBus()
				bus.Script = func(int, eventsv2.Request) eventsv2.Fault {
					return eventsv2.Fault{Answer: eventsv2.Error(500, "InternalException")}
				}
				cfg := config(bus)
				cfg.Retryer = nil
				cfg.APIOptions = []func(*middleware.Stack) error{smithyhttp.AddHeaderValue("X-Mine", "yes")}
				tt.change(&cfg)
				_, err := custombus.New(cfg, testARN).Publish(t.Context(), entries(1))
				require.Equal(t, "InternalException", callError(t, err).Code)
				sent := bus.Requests("PutEvents")
				require.Len(t, sent, tt.calls)
				require.Equal(t, "yes", sent[0].Header.Get("X-Mine"))
			})
		})
	}
}

// net/http asks, perhaps when the answer is there, whether the body has more. An
// error then closes the connection under the answer, and the call is made again.
func TestBodyAfterTheAnswer(t *testing.T) {
	bus := newBus()
	var late []io.Reader
	p := custombus.New(config(smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
		late = append(late, r.Body)
		return bus.Do(r)
	})), testARN)
	_, err := p.Publish(t.Context(), entries(3))
	require.NoError(t, err)
	require.Len(t, late, 2, "the look at the bus, and the call")
	for _, body := range late {
		n, err := io.Copy(io.Discard, body)
		require.NoError(t, err)
		require.Zero(t, n)
	}
}
