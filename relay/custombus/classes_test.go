package custombus_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/encoding/cbor"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventsv2"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/custombus"
)

func TestEntryCodes(t *testing.T) {
	for code, want := range map[string]relay.Class{
		"InvalidInputException": relay.EventFault, "InvalidInput": relay.EventFault, "ValidationException": relay.EventFault, "MalformedDetail": relay.EventFault,
		"AccessDeniedException": relay.ConfigFault, "ResourceNotFoundException": relay.ConfigFault, "InvalidStateException": relay.ConfigFault,
		"ThrottlingException": relay.Transient, "InternalException": relay.Transient, "InternalFailure": relay.Transient,
		"ConcurrentModificationException": relay.Transient, "IdempotentParameterMismatchException": relay.Transient, "BrandNew": relay.Transient, "Exception": relay.Transient,
	} {
		bus := newBus()
		bus.Script = func(int, eventsv2.Request) eventsv2.Fault { return eventsv2.Fault{Codes: map[int]string{1: code}} }
		results, err := newPublisher(bus).Publish(t.Context(), entries(3))
		require.NoError(t, err)
		require.Equal(t, []relay.Class{relay.Accepted, want, relay.Accepted}, []relay.Class{results[0].Class, results[1].Class, results[2].Class}, code)
		require.Equal(t, code, results[1].Code)
	}
}

func TestDeduplicated(t *testing.T) {
	bus := newBus()
	p, sent := newPublisher(bus), entries(2)
	_, err := p.Publish(t.Context(), sent[:1])
	require.NoError(t, err)
	results, err := p.Publish(t.Context(), sent)
	require.NoError(t, err)
	require.Equal(t, relay.Deduplicated, results[0].Class)
	require.Equal(t, relay.Accepted, results[1].Class)
	require.Len(t, bus.Taken(), 2)
}

// The faults of a whole call: what class they have, and how often the SDK's retryer
// has sent it.
func TestCallCodes(t *testing.T) {
	raw := func(status int, body string) func(http.ResponseWriter) { return eventsv2.Raw(status, []byte(body)) }
	for _, tt := range []struct {
		name     string
		fault    eventsv2.Fault
		class    relay.Class
		code     string
		requests int
	}{
		{"AccessDenied", eventsv2.Fault{Answer: eventsv2.Error(403, "AccessDeniedException")}, relay.ConfigFault, "AccessDeniedException", 1},
		{"ResourceNotFound", eventsv2.Fault{Answer: eventsv2.Error(404, "ResourceNotFoundException")}, relay.ConfigFault, "ResourceNotFoundException", 1},
		{"InvalidState", eventsv2.Fault{Answer: eventsv2.Error(409, "InvalidStateException")}, relay.ConfigFault, "InvalidStateException", 1},
		{"InvalidInput", eventsv2.Fault{Answer: eventsv2.Error(400, "InvalidInputException")}, relay.EventFault, "InvalidInputException", 1},
		{"Serialization", eventsv2.Fault{Answer: eventsv2.Error(400, "SerializationException")}, relay.EventFault, "SerializationException", 1},
		{"Throttling", eventsv2.Fault{Answer: eventsv2.Error(429, "ThrottlingException")}, relay.Transient, "ThrottlingException", 3},
		{"Internal", eventsv2.Fault{Answer: eventsv2.Error(500, "InternalException")}, relay.Transient, "InternalException", 3},
		{"unknown", eventsv2.Fault{Answer: eventsv2.Error(400, "BrandNewException")}, relay.Transient, "BrandNewException", 1},
		{"200 with an error", eventsv2.Fault{Answer: eventsv2.Error(200, "AccessDeniedException")}, relay.ConfigFault, "AccessDeniedException", 1},
		{"413 without a body", eventsv2.Fault{Answer: raw(413, "")}, relay.EventFault, "HTTP413", 1},
		{"413 with a page", eventsv2.Fault{Answer: raw(413, "<html>too large</html>")}, relay.EventFault, "HTTP413", 1},
		{"503 without a body", eventsv2.Fault{Answer: raw(503, "")}, relay.Transient, "HTTP503", 3},
		{"502 with a page", eventsv2.Fault{Answer: raw(502, "<html>bad gateway</html>")}, relay.Transient, "HTTP502", 3},
		{"403 with a page", eventsv2.Fault{Answer: raw(403, "<html>")}, relay.Transient, "HTTP403", 1},
		{"a page", eventsv2.Fault{Answer: raw(200, "<html>")}, relay.Transient, "HTTP200", 1},
		{"the connection cut", eventsv2.Fault{Drop: true}, relay.Transient, "Reset", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bus := newBus()
			bus.Script = func(int, eventsv2.Request) eventsv2.Fault { return tt.fault }
			results, err := newPublisher(bus).Publish(t.Context(), entries(3))
			require.Nil(t, results)
			ce := callError(t, err)
			require.Equal(t, tt.class, ce.Class)
			require.Equal(t, tt.code, ce.Code)
			require.Equal(t, tt.requests > 1, ce.Retried)
			require.Len(t, bus.Requests("PutEvents"), tt.requests)
		})
	}
}

// However wrong an answer is, nothing counts as published that does not say so at
// its own index.
func TestHostileAnswers(t *testing.T) {
	n := func(m cbor.Map) cbor.List { return m["Entries"].(cbor.List) }
	encoded := cbor.Encode
	for _, tt := range []struct {
		name    string
		rewrite func(cbor.Map) []byte
		results int // -1: the call has failed
		classes []relay.Class
	}{
		{"as it should be", func(m cbor.Map) []byte { return encoded(m) }, 3, []relay.Class{relay.Accepted, relay.Accepted, relay.Accepted}},
		{"a wrong count of failures", func(m cbor.Map) []byte { m["FailedEntryCount"] = cbor.Uint(3); return encoded(m) }, 3, []relay.Class{relay.Accepted, relay.Accepted, relay.Accepted}},
		{"empty", func(cbor.Map) []byte { return nil }, 0, nil},
		{"an empty map", func(cbor.Map) []byte { return encoded(cbor.Map{}) }, 0, nil},
		{"truncated", func(m cbor.Map) []byte { b := encoded(m); return b[:len(b)-7] }, -1, nil},
		{"one byte", func(m cbor.Map) []byte { return encoded(m)[:1] }, -1, nil},
		{"a list", func(m cbor.Map) []byte { return encoded(n(m)) }, -1, nil},
		{"a length of 2^63", func(cbor.Map) []byte { return []byte{0xbb, 0x80, 0, 0, 0, 0, 0, 0, 0} }, -2, nil},
		{"a list of 2^40", func(cbor.Map) []byte { return append([]byte("\xa1\x67Entries"), 0x9b, 0, 0, 1, 0, 0, 0, 0, 0) }, -1, nil},
		{"very deep", func(cbor.Map) []byte {
			return append([]byte("\xa1\x67Entries"), bytes.Repeat([]byte{0x81}, 1_000_000)...)
		}, -1, nil},
		{"very long", func(cbor.Map) []byte { return encoded(cbor.Map{"Entries": cbor.Slice(make([]byte, 5<<20))}) }, -1, nil},
		{"Entries is a map", func(m cbor.Map) []byte { return encoded(cbor.Map{"Entries": cbor.Map{"0": n(m)[0]}}) }, -1, nil},
		{"Entries is a text", func(cbor.Map) []byte { return encoded(cbor.Map{"Entries": cbor.String("PUBLISHED")}) }, -1, nil},
		{"too few", func(m cbor.Map) []byte { m["Entries"] = n(m)[:2]; return encoded(m) }, 2, nil},
		{"too many", func(m cbor.Map) []byte { m["Entries"] = append(n(m), n(m)[0]); return encoded(m) }, 4, nil},
		{"an entry of another type", func(m cbor.Map) []byte { n(m)[1] = cbor.String("PUBLISHED"); return encoded(m) }, 3, []relay.Class{relay.Accepted, relay.Transient, relay.Accepted}},
		{"no entry", func(m cbor.Map) []byte { n(m)[1] = &cbor.Nil{}; return encoded(m) }, 3, []relay.Class{relay.Accepted, relay.Transient, relay.Accepted}},
		{"a success of another type", func(m cbor.Map) []byte { n(m)[1].(cbor.Map)["SuccessCode"] = cbor.Uint(1); return encoded(m) }, 3, []relay.Class{relay.Accepted, relay.Transient, relay.Accepted}},
		{"a success of the future", func(m cbor.Map) []byte { n(m)[1].(cbor.Map)["SuccessCode"] = cbor.String("QUEUED"); return encoded(m) }, 3, []relay.Class{relay.Accepted, relay.Transient, relay.Accepted}},
		{"an id alone", func(m cbor.Map) []byte { delete(n(m)[1].(cbor.Map), "SuccessCode"); return encoded(m) }, 3, []relay.Class{relay.Accepted, relay.Transient, relay.Accepted}},
		{"a success and an error", func(m cbor.Map) []byte {
			n(m)[1].(cbor.Map)["ErrorCode"] = cbor.String("InvalidInput")
			return encoded(m)
		}, 3, []relay.Class{relay.Accepted, relay.EventFault, relay.Accepted}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bus := newBus()
			bus.Script = func(int, eventsv2.Request) eventsv2.Fault { return eventsv2.Fault{Rewrite: tt.rewrite} }
			results, err := newPublisher(bus).Publish(t.Context(), entries(3))
			if tt.results < 0 {
				if err == nil {
					require.Equal(t, -2, tt.results)
					require.Empty(t, results)
					return
				}
				require.Equal(t, relay.Transient, callError(t, err).Class)
				require.NotContains(t, err.Error(), "é")
				return
			}
			require.NoError(t, err)
			require.Len(t, results, tt.results)
			for i, want := range tt.classes {
				require.Equal(t, want, results[i].Class, i)
			}
		})
	}
}

// Over a real connection: an answer that is compressed because the HTTP client asked
// for it is read, and one that is compressed unasked is a fault that loses nothing.
func TestCompressedAnswers(t *testing.T) {
	for _, tt := range []struct {
		name, encoding string
		asked          bool
	}{{"asked", "gzip", true}, {"another encoding", "deflate", false}, {"not said", "", false}} {
		t.Run(tt.name, func(t *testing.T) {
			bus := newBus()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				recorded := httptest.NewRecorder()
				bus.ServeHTTP(recorded, r)
				var b bytes.Buffer
				z := gzip.NewWriter(&b)
				_, _ = z.Write(recorded.Body.Bytes())
				_ = z.Close()
				if tt.encoding != "" {
					w.Header().Set("Content-Encoding", tt.encoding)
				}
				_, _ = w.Write(b.Bytes())
			}))
			defer server.Close()
			results, err := custombus.New(config(nil), testARN, func(o *custombus.Options) { o.BaseEndpoint, o.SkipBusCheck = server.URL, true }).Publish(t.Context(), entries(1))
			require.Len(t, bus.Taken(), 1)
			if tt.asked {
				require.NoError(t, err)
				require.Equal(t, relay.Accepted, results[0].Class)
				return
			}
			require.Equal(t, relay.Transient, callError(t, err).Class)
		})
	}
}

func TestCredentialsThatCannotBeHad(t *testing.T) {
	bus := newBus()
	cfg := config(bus)
	cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, errNoRole })
	_, err := custombus.New(cfg, testARN).Publish(t.Context(), entries(1))
	ce := callError(t, err)
	require.Equal(t, relay.ConfigFault, ce.Class)
	require.Equal(t, "NoCredentials", ce.Code)
	require.ErrorIs(t, err, errNoRole)
	require.Empty(t, bus.Requests("PutEvents"))
}

// A clock that is wrong is set right by the Date of the answers.
func TestClockThatIsWrong(t *testing.T) {
	bus, attempts := newBus(), 0
	ahead := func(r *http.Request) (*http.Response, error) {
		attempts++
		w := httptest.NewRecorder()
		at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		require.NoError(t, err)
		server := time.Now().Add(time.Hour)
		w.Header().Set("Date", server.UTC().Format(http.TimeFormat))
		if server.Sub(at) > 5*time.Minute {
			eventsv2.Error(403, "RequestTimeTooSkewed")(w)
		} else {
			eventsv2.Raw(200, cbor.Encode(cbor.Map{"Entries": cbor.List{cbor.Map{"SuccessCode": cbor.String("PUBLISHED")}}}))(w)
		}
		return w.Result(), nil
	}
	p := custombus.New(config(smithyhttp.ClientDoFunc(ahead)), bus.ARN, func(o *custombus.Options) { o.SkipBusCheck = true })
	for range 2 {
		results, err := p.Publish(t.Context(), entries(1))
		require.NoError(t, err)
		require.Equal(t, relay.Accepted, results[0].Class)
	}
	require.Equal(t, 3, attempts, "the second call knows the time")
}

// What each state of a bus means for a call to it, and for a question after it.
func TestBusStates(t *testing.T) {
	for _, tt := range []struct {
		state, code string
		class       relay.Class
		published   bool
		absent      bool
	}{
		{state: "ACTIVE", published: true}, {state: "UPDATING", published: true}, {state: "UPDATE_FAILED", published: true},
		{state: "DELETE_FAILED", published: true}, {state: "BRAND_NEW", published: true}, {state: "", published: true},
		{state: "CREATING", code: "BusCreating", class: relay.Transient},
		{state: "CREATE_FAILED", code: "BusCreateFailed", class: relay.ConfigFault, absent: true},
		{state: "DELETING", code: "BusDeleting", class: relay.ConfigFault, absent: true},
	} {
		t.Run(tt.state, func(t *testing.T) {
			bus, state := newBus(), tt.state
			bus.State = func() string { return state }
			p := newPublisher(bus)
			err := p.CheckBus(t.Context(), "")
			_, failed := p.Publish(t.Context(), entries(1))
			if tt.published {
				require.NoError(t, err)
				require.NoError(t, failed)
				return
			}
			require.Equal(t, tt.absent, errors.Is(err, relay.ErrNoSuchBus))
			require.NotErrorIs(t, err, relay.ErrBusUnchecked)
			ce := callError(t, failed)
			require.Equal(t, tt.class, ce.Class)
			require.Equal(t, tt.code, ce.Code)
			require.Empty(t, bus.Requests("PutEvents"))
			state = "ACTIVE"
			_, err = p.Publish(t.Context(), entries(1))
			require.NoError(t, err, "it is looked at again")
			require.Len(t, bus.Requests("PutEvents"), 1)
		})
	}
}

// A bus that cannot be looked at is published to, with one warning.
func TestBusThatCannotBeLookedAt(t *testing.T) {
	for _, tt := range []struct {
		name      string
		status    int
		code      string
		unchecked bool // asking again is no use
		held      bool
	}{
		{"absent", 404, "ResourceNotFoundException", false, true},
		{"not permitted", 403, "AccessDeniedException", true, false},
		{"refused", 400, "InvalidInputException", true, false},
		{"broken", 500, "InternalException", false, false},
		{"throttled", 429, "ThrottlingException", false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bus, asked := newBus(), 0
			client := smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
				if strings.HasSuffix(r.URL.Path, "/DescribeEventBus") {
					asked++
					w := httptest.NewRecorder()
					eventsv2.Error(tt.status, tt.code)(w)
					return w.Result(), nil
				}
				return bus.Do(r)
			})
			var log bytes.Buffer
			p := custombus.New(config(client), testARN, func(o *custombus.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
			for range 2 {
				_, err := p.Publish(t.Context(), entries(1))
				if tt.held {
					require.Equal(t, "NoSuchBus", callError(t, err).Code)
					require.Equal(t, relay.ConfigFault, callError(t, err).Class)
					require.ErrorIs(t, err, relay.ErrNoSuchBus)
					continue
				}
				require.NoError(t, err)
				require.Equal(t, 1, strings.Count(log.String(), "\n"), log.String())
				require.Contains(t, log.String(), tt.code)
			}
			asked = 0
			err := p.CheckBus(t.Context(), testARN)
			require.Error(t, err)
			require.Equal(t, tt.held, errors.Is(err, relay.ErrNoSuchBus))
			require.Equal(t, tt.unchecked, errors.Is(err, relay.ErrBusUnchecked))
			require.NotZero(t, asked)
		})
	}
	require.ErrorIs(t, newPublisher(newBus()).CheckBus(t.Context(), "orders"), relay.ErrNoSuchBus)
}

// A look that panics is over: the next call does not wait for its answer.
func TestALookAtABusThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := newBus()
		p := custombus.New(config(smithyhttp.ClientDoFunc(func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/DescribeEventBus") {
				panic("the client")
			}
			return bus.Do(r)
		})), testARN)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.Panics(t, func() { _, _ = p.Publish(ctx, entries(1)) })
		begin := time.Now()
		_, err := p.Publish(ctx, entries(1))
		require.NoError(t, err)
		require.Zero(t, time.Since(begin))
	})
}

func TestSkippedBusCheck(t *testing.T) {
	bus := newBus()
	_, err := newPublisher(bus, func(o *custombus.Options) { o.SkipBusCheck = true }).Publish(t.Context(), entries(1))
	require.NoError(t, err)
	require.Empty(t, bus.Requests("DescribeEventBus"))
	require.Len(t, bus.Requests("PutEvents"), 1)
}
