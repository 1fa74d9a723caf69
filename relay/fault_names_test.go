package relay_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// sdkClient is the SDK's client with all that it needs to reach the server at
// url. Its retries do not wait.
func sdkClient(url string, change func(*eventbridge.Options)) *eventbridge.Client {
	o := eventbridge.Options{
		Region:       "eu-west-1",
		BaseEndpoint: &url,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}, nil
		}),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	}
	if change != nil {
		change(&o)
	}
	return eventbridge.New(o)
}

// dials makes every connection by a function of the test.
func dials(dial func(context.Context) (net.Conn, error)) func(*eventbridge.Options) {
	return func(o *eventbridge.Options) {
		o.HTTPClient = &http.Client{Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		}}
	}
}

// failsToDial is a connection that the operating system does not make.
func failsToDial(err error) func(*eventbridge.Options) {
	return dials(func(context.Context) (net.Conn, error) { return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err} })
}

// server answers every request by closing its connection in some way.
func server(t *testing.T, withTLS bool, closes func(*net.TCPConn)) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return // HTTP over TLS
		}
		closes(conn.(*net.TCPConn))
	}))
	s.Config.ErrorLog = nil
	if withTLS {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s.URL
}

// closedPort is the URL of a server that is no longer there.
func closedPort() string {
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	return s.URL
}

// credentials come from a function of the test, as they do in a Lambda function.
func credentials(get func() (aws.Credentials, error)) func(*eventbridge.Options) {
	return func(o *eventbridge.Options) {
		o.Credentials = aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return get() }))
	}
}

// as is an errors.As that a table can hold.
func as[T error](err error) bool {
	var target T
	return errors.As(err, &target)
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// What never reaches AWS has a name by which it is found in the log: the fault
// is here, and not at the bus.
func TestFaultsThatNeverReachTheBus(t *testing.T) {
	errRole := errors.New("no role")
	reset := func(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() }
	hangUp := func(c *net.TCPConn) { _ = c.Close() }
	never := make(chan struct{})
	t.Cleanup(func() { close(never) })
	hang := func(c *net.TCPConn) { <-never; _ = c.Close() }
	for _, tt := range []struct {
		name   string
		url    func(t *testing.T) string
		client func(*eventbridge.Options)
		limit  time.Duration // of a call, zero for the usual one
		class  relay.Class
		code   string
		cause  func(error) bool
	}{
		{name: "no region", client: func(o *eventbridge.Options) { o.Region, o.BaseEndpoint = "", nil },
			class: relay.ConfigFault, code: "NoRegion"},
		{name: "no role", client: credentials(func() (aws.Credentials, error) { return aws.Credentials{}, errRole }),
			class: relay.ConfigFault, code: "NoCredentials", cause: is(errRole)},
		{name: "no answer from who gives the credentials", client: credentials(func() (aws.Credentials, error) {
			return aws.Credentials{}, &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
		}), class: relay.ConfigFault, code: "NoCredentials", cause: is(syscall.ECONNREFUSED)},
		{name: "a name that does not exist", client: failsToDial(&net.DNSError{Err: "no such host", Name: "x", IsNotFound: true}),
			code: "DNS", cause: as[*net.DNSError]},
		{name: "a name server that does not answer", client: failsToDial(&net.DNSError{Err: "i/o timeout", Name: "x", IsTimeout: true, IsTemporary: true}),
			code: "DNS", cause: as[*net.DNSError]},
		{name: "nobody listens", url: func(*testing.T) string { return closedPort() },
			code: "Refused", cause: is(syscall.ECONNREFUSED)},
		{name: "a certificate that nobody knows", url: func(t *testing.T) string { return server(t, true, hangUp) },
			code: "TLS", cause: as[*tls.CertificateVerificationError]},
		{name: "a server without TLS", url: func(t *testing.T) string { return strings.Replace(server(t, false, hangUp), "http:", "https:", 1) },
			code: "TLS"},
		{name: "the connection is reset", url: func(t *testing.T) string { return server(t, false, reset) },
			code: "Reset", cause: is(syscall.ECONNRESET)},
		{name: "the connection is reset while it is written to", client: failsToDial(os.NewSyscallError("write", syscall.EPIPE)),
			code: "Reset", cause: is(syscall.EPIPE)},
		{name: "the connection is closed without an answer", url: func(t *testing.T) string { return server(t, false, hangUp) },
			code: "Reset", cause: is(io.EOF)},
		{name: "a server that does not answer", url: func(t *testing.T) string { return server(t, false, hang) },
			limit: 20 * time.Millisecond, code: "Timeout", cause: is(context.DeadlineExceeded)},
		{name: "a client with a limit of its own", url: func(t *testing.T) string { return server(t, false, hang) },
			client: func(o *eventbridge.Options) { o.HTTPClient = &http.Client{Timeout: 10 * time.Millisecond} }, code: "Timeout"},
		{name: "a connection that does not come", client: failsToDial(os.ErrDeadlineExceeded), code: "Timeout", cause: is(os.ErrDeadlineExceeded)},
		{name: "a connection that the system gives up", client: failsToDial(os.NewSyscallError("connect", syscall.ETIMEDOUT)),
			code: "Timeout", cause: is(syscall.ETIMEDOUT)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			url := "http://bus.example"
			if tt.url != nil {
				url = tt.url(t)
			}
			log, sink := &logRecorder{}, &recordingSink{}
			h := newHandler(t, relay.NewEventBridge(sdkClient(url, tt.client), "orders", logTo(log)), sink, func(o *relay.Options) {
				o.Logger, o.CallTimeout = log.logger(), tt.limit
			})
			_, err := h.Invoke(t.Context(), events(1, 2))
			u := unpublishedIn(t, err)
			t.Logf("%v; log: %s", err, logged(log, tt.code))
			require.Equal(t, tt.code, u.Code)
			require.Equal(t, tt.class, u.Class)
			require.NotEmpty(t, logged(log, tt.code), log.String())
			require.NotContains(t, log.String(), `"bus":""`, "the log names the real bus")
			require.NotEmpty(t, logged(log, "orders"), "the log names the real bus: %s", log)
			require.NotNil(t, errors.Unwrap(err), "the cause")
			if tt.cause != nil {
				require.True(t, tt.cause(err), "the cause is in %v", err)
			}
			require.Empty(t, sink.ids())
		})
	}
}

// The error of an invocation leads to the cause, for a program that wants to act
// on it; its text does not, for causes quote events.
func TestTheCauseCanBeReached(t *testing.T) {
	cause := errors.New(testSecret)
	other := errors.New("another")
	for _, tt := range []struct {
		name   string
		answer answer
		opt    func(*relay.Options)
	}{
		{name: "an error", answer: fail(cause)},
		{name: "a transient one", answer: fail(&relay.CallError{Class: relay.Transient, Code: "x", Err: cause})},
		{name: "one of the configuration", answer: fail(&relay.CallError{Class: relay.ConfigFault, Code: "x", Err: cause})},
		{name: "one of the events", answer: fail(&relay.CallError{Class: relay.EventFault, Code: "x", Err: cause})},
		{name: "of the first record that failed", opt: func(o *relay.Options) { o.Concurrency = 2 },
			answer: func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
				if holds(entries, eventID(1)) {
					return nil, &relay.CallError{Class: relay.ConfigFault, Code: "x", Err: cause}
				}
				return nil, &relay.CallError{Class: relay.ConfigFault, Code: "y", Err: other}
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHandler(t, &scriptedBus{answer: tt.answer}, &recordingSink{}, tt.opt, func(o *relay.Options) { o.MaxAttempts = 1 })
			_, err := h.Invoke(t.Context(), events(1, 30))
			require.NotContains(t, err.Error(), testSecret)
			require.ErrorIs(t, err, cause)
			require.NotErrorIs(t, err, other)
		})
	}
}

// What the bus said of an entry has no cause beside its code.
func TestAnEntryHasNoCause(t *testing.T) {
	h := newHandler(t, &scriptedBus{answer: refuseAll(held)}, relay.Block)
	_, err := h.Invoke(t.Context(), events(1, 3))
	unpublishedIn(t, err)
	require.NoError(t, errors.Unwrap(err))
}
