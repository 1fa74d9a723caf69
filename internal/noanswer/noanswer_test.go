package noanswer_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/noanswer"
)

func static(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}, nil
}

// Each fault is made with the SDK's own client, so that the names hold for what
// the SDK really returns.
func TestNames(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	closed := "http://" + listener.Addr().String()
	require.NoError(t, listener.Close())

	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	defer secure.Close()
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	cutting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			_ = conn.Close()
		}
	}))
	defer cutting.Close()
	over := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	defer silent.Close()
	defer close(over)

	soon, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	ctx := t.Context()
	for _, tt := range []struct {
		want   string
		unsent bool
		ctx    context.Context
		change func(*eventbridge.Options)
	}{
		{noanswer.NoRegion, true, ctx, func(o *eventbridge.Options) { o.Region, o.BaseEndpoint = "", nil }},
		{noanswer.NoCredentials, true, ctx, func(o *eventbridge.Options) {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, &net.DNSError{Err: "no such host", Name: "sts.invalid"}
			})
		}},
		{noanswer.NoCredentials, true, ctx, func(o *eventbridge.Options) {
			o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{}, &smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole", Err: &smithyhttp.ResponseError{
					Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusForbidden}}, Err: errors.New("denied")}}
			})
		}},
		{noanswer.Timeout, true, ctx, func(o *eventbridge.Options) {
			o.HTTPClient = failing{&net.OpError{Op: "dial", Err: os.ErrDeadlineExceeded}}
		}},
		{noanswer.DNS, true, ctx, func(o *eventbridge.Options) {
			o.HTTPClient = failing{&net.DNSError{Err: "no such host", Name: "events.invalid"}}
		}},
		{noanswer.Refused, true, ctx, func(o *eventbridge.Options) { o.BaseEndpoint = &closed }},
		{noanswer.TLS, true, ctx, func(o *eventbridge.Options) { o.BaseEndpoint = &secure.URL }},
		{noanswer.TLS, true, ctx, func(o *eventbridge.Options) {
			o.BaseEndpoint = aws.String(strings.Replace(plain.URL, "http:", "https:", 1))
		}},
		{noanswer.Reset, false, ctx, func(o *eventbridge.Options) { o.BaseEndpoint = &cutting.URL }},
		{noanswer.Timeout, false, soon, func(o *eventbridge.Options) { o.BaseEndpoint = &silent.URL }},
		{noanswer.Canceled, false, cancelled, func(o *eventbridge.Options) { o.BaseEndpoint = &silent.URL }},
		{noanswer.Unknown, false, ctx, func(o *eventbridge.Options) { o.HTTPClient = failing{errors.New("odd")} }},
	} {
		client := eventbridge.New(eventbridge.Options{
			Region: "eu-west-1", Credentials: aws.CredentialsProviderFunc(static), Retryer: aws.NopRetryer{},
		}, tt.change)
		_, err := client.PutEvents(tt.ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{}}})
		require.Error(t, err)
		require.Equal(t, tt.want, noanswer.Name(err), "%v", err)
		require.Equal(t, tt.unsent, noanswer.Unsent(err), "%v", err)
	}
	require.Equal(t, noanswer.Unknown, noanswer.Name(nil))
}

// failing is an HTTP client that fails with that error.
type failing struct{ err error }

func (f failing) Do(*http.Request) (*http.Response, error) { return nil, f.err }
