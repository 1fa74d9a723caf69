package relay_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

func TestWireRequest(t *testing.T) {
	b := newWireBus(t)
	h := newHandler(t, relay.NewEventBridge(b.client(), "orders"), relay.Block, func(o *relay.Options) {
		o.Route = func(e *relay.Entry) error {
			if e.EventID == "event-2" {
				e.Bus, e.Source, e.DetailType = "arn:aws:events:eu-west-1:123456789012:event-bus/other", "other", "Other"
				e.Resources = []string{"arn:one", "arn:two"}
				e.TraceHeader = ""
			}
			return nil
		}
	})
	trace := "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	_, err := h.Invoke(t.Context(), batch(testRecord{sequence: 1, trace: trace}, testRecord{sequence: 2, trace: trace}))
	require.NoError(t, err)
	require.Len(t, b.requests, 2, "one call per bus")
	one, two := b.requests[0].Entries[0], b.requests[1].Entries[0]
	for _, e := range []*wireEntry{&one, &two} {
		require.InDelta(t, time.Now().Unix(), e.Time, 60, "Unix seconds")
		e.Time = 0
	}
	require.Equal(t, wireEntry{
		Source: "userService", DetailType: "User.Created", EventBusName: "orders", Detail: one.Detail,
		TraceHeader: "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1",
	}, one)
	require.Equal(t, "event-1", one.id())
	require.Equal(t, wireEntry{
		Source: "other", DetailType: "Other", EventBusName: "arn:aws:events:eu-west-1:123456789012:event-bus/other", Detail: two.Detail,
		Resources: []string{"arn:one", "arn:two"},
	}, two)
	require.Equal(t, []string{"orders", "arn:aws:events:eu-west-1:123456789012:event-bus/other"}, b.described)
}

func TestWireEndpointID(t *testing.T) {
	b := newWireBus(t)
	h := newHandler(t, relay.NewEventBridge(b.client(), "orders", func(o *relay.EventBridgeOptions) { o.EndpointID = "abcde.veo" }), relay.Block)
	_, err := h.Invoke(t.Context(), events(1, 1))
	require.NoError(t, err)
	require.Equal(t, "abcde.veo", b.requests[0].EndpointID)
	require.Empty(t, b.described, "a bus behind an endpoint cannot be looked at")
}

func TestWireFullBatch(t *testing.T) {
	b := newWireBus(t)
	h := newHandler(t, relay.NewEventBridge(b.client(), "orders"), relay.Block)
	_, err := h.Invoke(t.Context(), events(1, 100))
	require.NoError(t, err)
	require.Equal(t, slices.Repeat([]int{10}, 10), b.sizes())
	for i, id := range b.accepted {
		require.Equal(t, eventID(i+1), id)
	}
}

// Each kind of answer, and what must become of a batch of three events that the
// bus has answered so until it accepts everything.
func TestWireFaults(t *testing.T) {
	all := func(code string) map[int]string { return map[int]string{0: code, 1: code, 2: code} }
	var split []int // a call that is refused as a whole is sent again in parts
	fault := func(status int, code string) wireAnswer {
		return wireAnswer{status: status, body: fmt.Sprintf(`{"__type":%q,"message":"about %s"}`, code, testSecret)}
	}
	for _, tt := range []struct {
		name     string
		answer   wireAnswer
		times    int         // how often the server answers so, 0 for always
		requests []int       // entries of each
		class    relay.Class // of the error; with code "" there is none
		code     string
		dead     []string
	}{
		{name: "entry InternalFailure once", answer: wireAnswer{codes: map[int]string{1: "InternalFailure"}}, times: 1, requests: []int{3, 1}},
		{name: "entry ThrottlingException twice", answer: wireAnswer{codes: map[int]string{0: "ThrottlingException"}}, times: 2, requests: []int{3, 1, 1}},
		{name: "entry unknown code once", answer: wireAnswer{codes: map[int]string{2: "BrandNew"}}, times: 1, requests: []int{3, 1}},
		{name: "entry InternalFailure always", answer: wireAnswer{codes: all("InternalFailure")}, requests: []int{3, 3, 3, 3}, code: "InternalFailure"},
		{name: "entry unknown code always", answer: wireAnswer{codes: all("BrandNew")}, requests: []int{3, 3, 3, 3}, code: "BrandNew"},
		{name: "entry MalformedDetail among good ones", answer: wireAnswer{codes: map[int]string{1: "MalformedDetail"}}, requests: []int{3}, dead: []string{"event-2"}},
		{name: "entry InvalidArgument among good ones", answer: wireAnswer{codes: map[int]string{0: "InvalidArgument"}}, requests: []int{3}, dead: []string{"event-1"}},
		{name: "entry RedactionFailure among good ones", answer: wireAnswer{codes: map[int]string{2: "RedactionFailure"}}, requests: []int{3}, dead: []string{"event-3"}},
		{name: "every entry invalid", answer: wireAnswer{codes: all("InvalidArgument")}, requests: []int{3}, class: relay.ConfigFault, code: "InvalidArgument"},
		{name: "entry AccessDeniedException", answer: wireAnswer{codes: all("AccessDeniedException")}, requests: []int{3}, class: relay.ConfigFault, code: "AccessDeniedException"},
		{name: "one entry NotAuthorizedForSourceException", answer: wireAnswer{codes: map[int]string{1: "NotAuthorizedForSourceException"}}, requests: []int{3}, class: relay.ConfigFault, code: "NotAuthorizedForSourceException"},
		{name: "one entry NotAuthorizedForDetailTypeException", answer: wireAnswer{codes: map[int]string{1: "NotAuthorizedForDetailTypeException"}}, requests: []int{3}, class: relay.ConfigFault, code: "NotAuthorizedForDetailTypeException"},
		{name: "entry InvalidAccountIdException", answer: wireAnswer{codes: all("InvalidAccountIdException")}, requests: []int{3}, class: relay.ConfigFault, code: "InvalidAccountIdException"},
		{name: "entry ResourceNotFoundException", answer: wireAnswer{codes: all("ResourceNotFoundException")}, requests: []int{3}, class: relay.ConfigFault, code: "ResourceNotFoundException"},
		{name: "result with neither id nor code once", answer: wireAnswer{entry: func(i int) map[string]any { return map[string]any{} }}, times: 1, requests: []int{3, 3}},
		{name: "result with neither id nor code always", answer: wireAnswer{entry: func(i int) map[string]any { return map[string]any{} }}, requests: []int{3, 3, 3, 3}, code: "NoResult"},
		{name: "result with both id and code", answer: wireAnswer{entry: func(i int) map[string]any {
			return map[string]any{"EventId": "x", "ErrorCode": "InternalFailure"}
		}}, requests: []int{3, 3, 3, 3}, code: "InternalFailure"},
		{name: "too few results once", answer: wireAnswer{count: func(n int) int { return n - 1 }}, times: 1, requests: []int{3, 3}},
		{name: "too many results always", answer: wireAnswer{count: func(n int) int { return n + 1 }}, requests: []int{3, 3, 3, 3}, code: "ResultCount"},
		{name: "no results always", answer: wireAnswer{count: func(n int) int { return 0 }}, requests: []int{3, 3, 3, 3}, code: "ResultCount"},
		{name: "empty 200", answer: wireAnswer{status: 200}, requests: []int{3, 3, 3, 3}, code: "ResultCount"},
		{name: "garbage 200", answer: wireAnswer{status: 200, body: "<html>" + testSecret}, requests: []int{3, 3}, code: "HTTP200"},
		{name: "500 twice: the SDK's business", answer: fault(500, "InternalException"), times: 2, requests: []int{3, 3, 3}},
		{name: "500 always is not multiplied", answer: fault(500, "InternalException"), requests: []int{3, 3, 3}, code: "InternalException"},
		{name: "503 without a body always", answer: wireAnswer{status: 503}, requests: []int{3, 3, 3}, code: "HTTP503"},
		{name: "call ThrottlingException always", answer: fault(400, "ThrottlingException"), requests: []int{3, 3, 3}, code: "ThrottlingException"},
		{name: "call unknown 400 is repeated once", answer: fault(400, "BrandNewException"), requests: []int{3, 3}, code: "BrandNewException"},
		{name: "call AccessDeniedException", answer: fault(400, "AccessDeniedException"), requests: []int{3}, class: relay.ConfigFault, code: "AccessDeniedException"},
		{name: "call UnrecognizedClientException", answer: fault(403, "UnrecognizedClientException"), requests: []int{3}, class: relay.ConfigFault, code: "UnrecognizedClientException"},
		{name: "call ResourceNotFoundException", answer: fault(400, "ResourceNotFoundException"), requests: []int{3}, class: relay.ConfigFault, code: "ResourceNotFoundException"},
		{name: "call ValidationException always", answer: fault(400, "ValidationException"), requests: split, class: relay.ConfigFault, code: "ValidationException"},
		{name: "413 with an empty body always", answer: wireAnswer{status: 413}, requests: split, class: relay.ConfigFault, code: "HTTP413"},
		{name: "413 with a page always", answer: wireAnswer{status: 413, body: "<html>too large</html>"}, requests: split, class: relay.ConfigFault, code: "HTTP413"},
		{name: "connection dropped after acceptance", answer: wireAnswer{drop: true}, times: 1, requests: []int{3, 3}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newWireBus(t)
			b.answer = func(n int, _ wireRequest) wireAnswer {
				if tt.times == 0 || n < tt.times {
					return tt.answer
				}
				return wireAnswer{}
			}
			sink := &recordingSink{}
			h := newHandler(t, relay.NewEventBridge(b.client(), "orders"), sink)
			_, err := h.Invoke(t.Context(), events(1, 3))
			if tt.requests != nil {
				require.Equal(t, tt.requests, b.sizes())
			} else {
				require.Equal(t, 3, b.sizes()[0])
				require.Equal(t, 1, slices.Min(b.sizes()))
				require.LessOrEqual(t, len(b.requests), 5, "as many as it takes to have each of three alone")
			}
			require.Equal(t, tt.dead, sink.ids())
			if tt.code == "" {
				require.NoError(t, err)
				return
			}
			u := unpublishedIn(t, err)
			require.Equal(t, tt.class, u.Class)
			require.Equal(t, tt.code, u.Code)
			require.NotContains(t, err.Error(), testSecret)
		})
	}
}

// However a server says that a call is refused for what is in it, the call is
// split until the culprit stands alone.
func TestWireSplit(t *testing.T) {
	for _, refusal := range []struct {
		name   string
		answer wireAnswer
		code   string
	}{
		{"ValidationException", wireAnswer{status: 400, body: `{"__type":"ValidationException","message":"Total size of the entries in the request is over the limit."}`}, "ValidationException"},
		{"413 with an empty body", wireAnswer{status: 413}, "HTTP413"},
	} {
		for culprit := 1; culprit <= 10; culprit++ {
			t.Run(fmt.Sprintf("%s, culprit %d", refusal.name, culprit), func(t *testing.T) {
				b := newWireBus(t)
				b.answer = func(_ int, r wireRequest) wireAnswer {
					if slices.ContainsFunc(r.Entries, func(e wireEntry) bool { return e.id() == eventID(culprit) }) {
						return refusal.answer
					}
					return wireAnswer{}
				}
				sink := &recordingSink{}
				h := newHandler(t, relay.NewEventBridge(b.client(), "orders"), sink)
				_, err := h.Invoke(t.Context(), events(1, 20))
				require.NoError(t, err)
				requireDead(t, sink, refusal.code, eventID(culprit))
				require.Positive(t, sink.dead[0].Attempts)
				var want []string
				for i := 1; i <= 20; i++ {
					if i != culprit {
						want = append(want, eventID(i))
					}
				}
				require.Equal(t, want, b.accepted)
				require.LessOrEqual(t, len(b.requests), 10)
			})
		}
	}
}

// The SDK stops retrying early when its token bucket is empty. The relay then
// repeats a call once, and no more.
func TestWireRetryQuotaExhausted(t *testing.T) {
	b := newWireBus(t)
	b.answer = func(int, wireRequest) wireAnswer {
		return wireAnswer{status: 500, body: `{"__type":"InternalException"}`}
	}
	client := b.client(func(o *eventbridge.Options) {
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.RetryCost = 1_000_000 })
	})
	h := newHandler(t, relay.NewEventBridge(client, "orders"), relay.Block)
	_, err := h.Invoke(t.Context(), events(1, 3))
	require.Equal(t, "InternalException", unpublishedIn(t, err).Code)
	require.Equal(t, []int{3, 3}, b.sizes())
}

// The codes of calls that never had an HTTP answer.
func TestACallWithoutAnAnswer(t *testing.T) {
	one := []relay.Entry{{Detail: []byte("{}"), Source: "s", DetailType: "d"}}
	for _, tt := range []struct {
		err  error
		code string
	}{
		{context.DeadlineExceeded, "Timeout"},
		{fmt.Errorf("operation error: %w", context.Canceled), "Canceled"},
		{errors.New("something else"), "NoAnswer"},
	} {
		client := &refusingClient{before: func(context.Context) error { return tt.err }}
		_, err := relay.NewEventBridge(client, "orders").Publish(t.Context(), one)
		var ce *relay.CallError
		require.ErrorAs(t, err, &ce)
		require.Equal(t, relay.Transient, ce.Class)
		require.Equal(t, tt.code, ce.Code)
		require.ErrorIs(t, ce, tt.err)
		require.False(t, ce.Retried)
	}
}

// A client that has no credentials says so before anything is sent. That is
// reported, and blames no event.
func TestAClientWithoutCredentials(t *testing.T) {
	b, sink := newWireBus(t), &recordingSink{}
	client := b.client(func(o *eventbridge.Options) {
		o.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{}, errors.New("no role")
		})
	})
	h := newHandler(t, relay.NewEventBridge(client, "orders"), sink)
	_, err := h.Invoke(t.Context(), events(1, 3))
	require.Equal(t, 3, unpublishedIn(t, err).Unpublished)
	require.Empty(t, sink.dead)
	require.Empty(t, b.requests)
}
