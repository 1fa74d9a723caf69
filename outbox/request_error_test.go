package outbox_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// wire answers the attempts of a client, one after the other.
type wire []func(*http.Request) (*http.Response, error)

func (w *wire) Do(req *http.Request) (*http.Response, error) {
	next := (*w)[0]
	if len(*w) > 1 {
		*w = (*w)[1:]
	}
	return next(req)
}

func fails(err error) func(*http.Request) (*http.Response, error) {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

func responds(status int, body string) func(*http.Request) (*http.Response, error) {
	return func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: status, Request: req, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func provider(err error) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret"}, err
	})
}

// The SDK's own client, with each of the things that keep a request from leaving,
// and with retries of its own: the last error hides the earlier attempts, one of
// which may have committed.
func TestExplainErrorsOfTheSDK(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: &net.OpError{Op: "connect", Err: syscall.ECONNREFUSED}}
	unknownHost := &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "dynamodb.eu-nowhere-1.amazonaws.com", IsNotFound: true}}
	reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	// the credentials come from another service, which has used up its attempts
	sts := &smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole",
		Err: &retry.MaxAttemptsError{Attempt: 3, Err: &smithy.GenericAPIError{Code: "ThrottlingException"}}}
	// or it has refused them
	denied := &smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole",
		Err: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusForbidden}}, Err: &smithy.GenericAPIError{Code: "AccessDenied"}}}
	forbidden := responds(400, `{"__type":"com.amazon.coral.service#AccessDeniedException"}`)
	throttled := responds(400, `{"__type":"com.amazon.coral.service#ThrottlingException"}`)
	attempts := func(n int) func(*dynamodb.Options) { return func(o *dynamodb.Options) { o.RetryMaxAttempts = n } }
	never := wire{fails(errors.New("nothing may be sent"))}
	cases := map[string]struct {
		wire      wire
		options   func(*dynamodb.Options)
		outcome   outbox.Outcome
		retryable bool
	}{
		"no region":      {never, func(o *dynamodb.Options) { o.Region = "" }, outbox.NotCommitted, false},
		"no credentials": {never, func(o *dynamodb.Options) { o.Credentials = provider(errors.New("there are none")) }, outbox.NotCommitted, false},
		"no credentials, cached": {never, func(o *dynamodb.Options) {
			o.Credentials = aws.NewCredentialsCache(provider(errors.New("there are none")))
		}, outbox.NotCommitted, false},
		"no credentials of a role":    {never, func(o *dynamodb.Options) { o.Credentials = provider(errors.Join(sts)); o.Retryer = aws.NopRetryer{} }, outbox.NotCommitted, false},
		"no credentials, denied":      {never, func(o *dynamodb.Options) { o.Credentials = provider(denied) }, outbox.NotCommitted, false},
		"dial refused":                {wire{fails(refused)}, func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }, outbox.NotCommitted, true},
		"dial refused, one attempt":   {wire{fails(refused)}, attempts(1), outbox.NotCommitted, true},
		"dial, no answer":             {wire{fails(&net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded})}, func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }, outbox.NotCommitted, true},
		"proxy refused":               {wire{fails(&net.OpError{Op: "proxyconnect", Err: refused})}, func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }, outbox.NotCommitted, true},
		"no such host":                {wire{fails(unknownHost)}, func(*dynamodb.Options) {}, outbox.NotCommitted, true},
		"reset":                       {wire{fails(reset)}, func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }, outbox.Unknown, true},
		"reset, then dial refused":    {wire{fails(reset), fails(refused)}, attempts(2), outbox.Unknown, true},
		"500, then dial refused":      {wire{responds(500, "{}"), fails(refused)}, attempts(2), outbox.Unknown, true},
		"denied at once":              {wire{forbidden}, attempts(3), outbox.NotCommitted, false},
		"reset, then denied":          {wire{fails(reset), forbidden}, attempts(3), outbox.Unknown, false},
		"500, then denied":            {wire{responds(500, "{}"), forbidden}, attempts(3), outbox.Unknown, false},
		"reset, then throttled":       {wire{fails(reset), throttled}, attempts(3), outbox.Unknown, true},
		"dial refused, no patience":   {wire{fails(refused)}, func(o *dynamodb.Options) { o.Retryer = patience(0) }, outbox.Unknown, true},
		"reset, throttled, impatient": {wire{fails(reset), throttled}, func(o *dynamodb.Options) { o.Retryer = patience(15) }, outbox.Unknown, true},
		"refused, unsigned":           {wire{responds(400, `{"__type":"com.amazon.coral.service#MissingAuthenticationTokenException"}`)}, func(o *dynamodb.Options) { o.Credentials = aws.AnonymousCredentials{} }, outbox.NotCommitted, false},
		"the context ends beforehand": {never, func(*dynamodb.Options) {}, outbox.Unknown, true},
	}
	w := newWriter(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := signup("u1")
				require.NoError(t, w.Append(in, event(t, "e1", 1)))
				options := dynamodb.Options{Region: "eu-west-1", Credentials: provider(nil), HTTPClient: &c.wire}
				c.options(&options)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if strings.HasPrefix(name, "the context") {
					cancel()
				}
				_, sdk := dynamodb.New(options).TransactWriteItems(ctx, in)
				require.Error(t, sdk)
				var e *outbox.CommitError
				require.ErrorAs(t, w.Explain(in, fmt.Errorf("my repository: %w", sdk)), &e)
				require.Equal(t, c.outcome, e.Outcome, "%v", e)
				require.Equal(t, c.retryable, e.Retryable, "%v", e)
				require.ErrorIs(t, e, sdk)
			})
		})
	}
}

// patience retries as long as its tokens last: 15 are enough for one retry.
func patience(tokens uint) aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.RateLimiter = ratelimit.NewTokenRateLimit(tokens) })
}
