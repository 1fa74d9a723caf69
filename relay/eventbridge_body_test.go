package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/smithy-go/middleware"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// wire is an HTTP client that keeps what it is sent, and answers with success
// after it has failed the first requests.
type wire struct {
	failures int
	requests []*http.Request
	bodies   [][]byte
}

func (w *wire) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	w.requests, w.bodies = append(w.requests, r), append(w.bodies, body)
	status, text := 200, `{"FailedEntryCount":0,"Entries":[`+strings.TrimSuffix(strings.Repeat(`{"EventId":"id"},`, bytes.Count(body, []byte(`"DetailType"`))), ",")+`]}`
	if len(w.bodies) <= w.failures {
		status, text = 500, `{"__type":"InternalException"}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}, nil
}

func (w *wire) client(optFns ...func(*eventbridge.Options)) *eventbridge.Client {
	return eventbridge.New(eventbridge.Options{
		Region: "eu-west-1", HTTPClient: w,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}, nil
		}),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	}, optFns...)
}

// wrapped is a client that is not the SDK's own, as far as the relay sees.
type wrapped struct{ *eventbridge.Client }

func noCheck(o *relay.EventBridgeOptions) { o.SkipBusCheck = true }

// bothBodies returns the body of our own and the one that the SDK writes for the
// same entries, with their requests. CI has it done with the newest SDK too.
func bothBodies(t testing.TB, entries []relay.Entry, optFns ...func(*relay.EventBridgeOptions)) (ours, theirs []byte, requests [2]*http.Request) {
	own, sdk, log := &wire{}, &wire{}, &logRecorder{}
	optFns = append(optFns, noCheck, logTo(log))
	_, err := relay.NewEventBridge(own.client(), "orders", optFns...).Publish(t.Context(), entries)
	require.NoError(t, err)
	_, err = relay.NewEventBridge(wrapped{sdk.client()}, "orders", optFns...).Publish(t.Context(), entries)
	require.NoError(t, err)
	require.Zero(t, log.count("WARN"), "the body is not ours: the SDK is made in another way")
	return own.bodies[0], sdk.bodies[0], [2]*http.Request{own.requests[0], sdk.requests[0]}
}

// sameJSON compares two texts as JSON, with every number as it is written.
func sameJSON(t testing.TB, want, got []byte) {
	t.Helper()
	decode := func(text []byte) (v any) {
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		require.NoError(t, dec.Decode(&v), "%s", text)
		return v
	}
	require.Equal(t, decode(want), decode(got))
}

// The body that the relay writes is the one that the SDK writes.
func TestBodyIsTheSDKs(t *testing.T) {
	all := make([]byte, 0, 0x80)
	for c := range byte(0x80) {
		all = append(all, c)
	}
	quoted, err := json.Marshal(string(all) + "\u2028é😀<>&")
	require.NoError(t, err)
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	for name, entries := range map[string][]relay.Entry{
		"plain":          {{Source: "s", DetailType: "d", Time: at, Detail: []byte(`{"a":1}`)}},
		"two":            {{Source: "s", DetailType: "d", Detail: []byte(`{}`)}, {Source: "t", DetailType: "e", Bus: "other", Detail: []byte(`{"b":[]}`)}},
		"every escape":   {{Source: string(all), DetailType: `"\` + "\u2028", Bus: "ü", Detail: []byte(`{"x":` + string(quoted) + `}`), TraceHeader: "Root=1-2"}},
		"resources":      {{Source: "s", DetailType: "d", Resources: []string{"arn:1", `a"b`}, Detail: []byte(`{}`)}},
		"no resources":   {{Source: "s", DetailType: "d", Resources: []string{}, Detail: []byte(`{}`)}},
		"milliseconds":   {{Source: "s", DetailType: "d", Time: at.Add(123 * time.Millisecond), Detail: []byte(`{}`)}},
		"tens":           {{Source: "s", DetailType: "d", Time: at.Add(120 * time.Millisecond), Detail: []byte(`{}`)}},
		"one":            {{Source: "s", DetailType: "d", Time: at.Add(1 * time.Millisecond), Detail: []byte(`{}`)}},
		"microseconds":   {{Source: "s", DetailType: "d", Time: at.Add(1999 * time.Microsecond), Detail: []byte(`{}`)}},
		"before 1970":    {{Source: "s", DetailType: "d", Time: time.UnixMilli(-1500), Detail: []byte(`{}`)}},
		"just before":    {{Source: "s", DetailType: "d", Time: time.UnixMicro(-1500), Detail: []byte(`{}`)}},
		"1970":           {{Source: "s", DetailType: "d", Time: time.Unix(0, 0), Detail: []byte(`{}`)}},
		"no UTF-8":       {{Source: "s\xff", DetailType: "\xe2\x82", Detail: []byte("{\"a\":\"\xc3\"}")}},
		"empty":          {{}},
		"large":          {{Source: "s", DetailType: "d", Detail: []byte(`{"a":"` + strings.Repeat(`\"`, 200_000) + `"}`)}},
		"a lone newline": {{Source: "s", DetailType: "d", Detail: []byte("{\n}")}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, endpoint := range []string{"", "abcde.veo"} {
				ours, theirs, requests := bothBodies(t, entries, func(o *relay.EventBridgeOptions) { o.EndpointID = endpoint })
				sameJSON(t, theirs, ours)
				for _, header := range []string{"Content-Type", "X-Amz-Target"} {
					require.NotEmpty(t, requests[0].Header.Get(header))
					require.Equal(t, requests[1].Header.Get(header), requests[0].Header.Get(header))
				}
				require.Equal(t, requests[1].URL.String(), requests[0].URL.String())
				require.Equal(t, requests[1].Method, requests[0].Method)
				require.EqualValues(t, len(ours), requests[0].ContentLength)
			}
		})
	}
}

// A second attempt of the SDK sends the body again, whole.
func TestBodyIsReadAgain(t *testing.T) {
	w := &wire{failures: 2}
	p := relay.NewEventBridge(w.client(), "orders", noCheck)
	for range 2 { // also from a buffer that is used again
		w.bodies, w.requests = nil, nil
		results, err := p.Publish(t.Context(), []relay.Entry{{Source: "s", DetailType: "d", Detail: []byte(`{"a":1}`)}})
		require.NoError(t, err)
		require.Equal(t, relay.Accepted, results[0].Class)
		require.Len(t, w.bodies, 3)
		require.Equal(t, w.bodies[0], w.bodies[1])
		require.Equal(t, w.bodies[0], w.bodies[2])
	}
}

// What a transport reads after the call has ended is never another call's body:
// the SDK takes the stream away from it.
func TestBodyIsNotReadAfterTheCall(t *testing.T) {
	var late io.Reader
	client := (&wire{}).client(func(o *eventbridge.Options) {
		o.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
			late = r.Body // as a transport that is still sending when the answer comes
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"Entries":[{"EventId":"id"}]}`))}, nil
		})
	})
	_, err := relay.NewEventBridge(client, "orders", noCheck).Publish(t.Context(), []relay.Entry{{Source: "s", DetailType: "d", Detail: []byte(`{"a":1}`)}})
	require.NoError(t, err)
	text, _ := io.ReadAll(late)
	require.Empty(t, text)
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

// Middleware of the client sees the entries, but for the Detail.
func TestMiddlewareSeesTheEntries(t *testing.T) {
	var seen *eventbridge.PutEventsInput
	client := (&wire{}).client(func(o *eventbridge.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("look",
				func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
					seen, _ = in.Parameters.(*eventbridge.PutEventsInput)
					return next.HandleInitialize(ctx, in)
				}), middleware.Before)
		})
	})
	_, err := relay.NewEventBridge(client, "orders", noCheck).Publish(t.Context(), []relay.Entry{{Source: "s", DetailType: "d", Detail: []byte(`{"a":1}`)}})
	require.NoError(t, err)
	require.Len(t, seen.Entries, 1)
	require.Equal(t, "s", *seen.Entries[0].Source)
	require.Nil(t, seen.Entries[0].Detail)
}

// A client whose stack is not as expected gets the ordinary request, and the log
// says so once.
func TestAnSDKOfTomorrow(t *testing.T) {
	for name, change := range map[string]func(*middleware.Stack) error{
		"another name": func(stack *middleware.Stack) error {
			theirs, err := stack.Serialize.Remove("OperationSerializer")
			if err != nil {
				return err
			}
			return stack.Serialize.Add(renamed{theirs}, middleware.After)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, log := &wire{}, &logRecorder{}
			client := w.client(func(o *eventbridge.Options) { o.APIOptions = append(o.APIOptions, change) })
			p := relay.NewEventBridge(client, "orders", noCheck, logTo(log))
			for range 3 {
				results, err := p.Publish(t.Context(), []relay.Entry{{Source: "s", DetailType: "d", Detail: []byte(`{"a":1}`)}})
				require.NoError(t, err)
				require.Equal(t, relay.Accepted, results[0].Class)
			}
			require.Len(t, w.bodies, 3)
			for _, body := range w.bodies {
				require.JSONEq(t, `{"Entries":[{"Detail":"{\"a\":1}","DetailType":"d","EventBusName":"orders","Source":"s"}]}`, string(body))
			}
			require.Equal(t, 1, log.count("WARN"))
		})
	}
}

type renamed struct{ middleware.SerializeMiddleware }

func (renamed) ID() string { return "SerializerOfTomorrow" }

func FuzzBody(f *testing.F) {
	f.Add("s", "d", "bus", "arn", "trace", `{"a":"\u0000\"\\é"}`, int64(1763971200123456789))
	f.Add("", "\xff", "", "\x00", "", "{}", int64(-1))
	for i, detail := range hostileDetails(f) {
		if len(detail) < 10_000 {
			f.Add("s", "d", "", "arn", "", detail, int64(i)*1_234_567-10_000_000)
		}
	}
	f.Fuzz(func(t *testing.T, source, detailType, bus, resource, trace, detail string, nanos int64) {
		entries := []relay.Entry{
			{Source: source, DetailType: detailType, Bus: bus, Detail: []byte(detail), TraceHeader: trace, Time: time.Unix(0, nanos)},
			{Source: detail, DetailType: trace, Bus: bus, Detail: []byte(source), Resources: []string{resource, detailType}},
		}
		ours, theirs, _ := bothBodies(t, entries)
		require.True(t, utf8.Valid(ours))
		sameJSON(t, theirs, ours)
	})
}
