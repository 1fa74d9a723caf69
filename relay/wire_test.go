package relay

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"
)

// wireEntry is an entry of a PutEvents request as it is on the wire.
type wireEntry struct {
	Source, DetailType, Detail, EventBusName, TraceHeader string
	Resources                                             []string
	Time                                                  float64
}

func (e wireEntry) id() string {
	var d struct{ Headers struct{ EventID string } }
	if json.Unmarshal([]byte(e.Detail), &d) != nil {
		return "?"
	}
	return d.Headers.EventID
}

// wireRequest is a PutEvents request.
type wireRequest struct {
	Entries    []wireEntry
	EndpointID string `json:"EndpointId"`
}

// wireAnswer is what the server does with a request. The zero value accepts
// every entry.
type wireAnswer struct {
	status int
	body   string
	header http.Header
	codes  map[int]string // error code by index; the others are accepted
	drop   bool           // accept, and close the connection without an answer
	entry  func(i int) map[string]any
	count  func(n int) int // number of results
}

// wireBus is an HTTP server on loopback that speaks the protocol of PutEvents,
// AWS JSON 1.1, as the SDK's client does, and answers by a script.
type wireBus struct {
	*httptest.Server
	answer   func(n int, r wireRequest) wireAnswer // n counts HTTP requests, from 0
	describe func(name string) (status int, body string)

	mu        sync.Mutex
	requests  []wireRequest
	accepted  []string
	described []string
	faults    []string // what was wrong with the requests
}

func newWireBus(t testing.TB) *wireBus {
	b := &wireBus{}
	b.Server = httptest.NewServer(b)
	t.Cleanup(func() {
		b.Close()
		require.Empty(t, b.faults, "requests that AWS would not understand")
	})
	return b
}

func (b *wireBus) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	target := req.Header.Get("X-Amz-Target")
	b.mu.Lock()
	if err != nil || req.Method != http.MethodPost || req.Header.Get("Content-Type") != "application/x-amz-json-1.1" ||
		req.Header.Get("Authorization") == "" {
		b.faults = append(b.faults, fmt.Sprintf("%s %s %v %v", req.Method, target, req.Header, err))
	}
	b.mu.Unlock()
	switch target {
	case "AWSEvents.PutEvents":
		b.put(w, body)
	case "AWSEvents.DescribeEventBus":
		var in struct{ Name string }
		_ = json.Unmarshal(body, &in)
		b.mu.Lock()
		b.described = append(b.described, in.Name)
		b.mu.Unlock()
		status, out := http.StatusOK, fmt.Sprintf(`{"Name":%q}`, in.Name)
		if b.describe != nil {
			status, out = b.describe(in.Name)
		}
		write(w, status, out)
	default:
		write(w, http.StatusBadRequest, `{"__type":"UnknownOperationException"}`)
	}
}

func write(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

func (b *wireBus) put(w http.ResponseWriter, body []byte) {
	var r wireRequest
	err := json.Unmarshal(body, &r)
	b.mu.Lock()
	if err != nil || len(r.Entries) < 1 || len(r.Entries) > 10 {
		b.faults = append(b.faults, fmt.Sprintf("%d entries: %v", len(r.Entries), err))
	}
	n := len(b.requests)
	b.requests = append(b.requests, r)
	b.mu.Unlock()
	a := wireAnswer{}
	if b.answer != nil {
		a = b.answer(n, r)
	}
	if a.status != 0 {
		for k, v := range a.header {
			w.Header()[k] = v
		}
		write(w, a.status, a.body)
		return
	}
	entries := make([]map[string]any, len(r.Entries))
	b.mu.Lock()
	for i, e := range r.Entries {
		if code, ok := a.codes[i]; ok {
			entries[i] = map[string]any{"ErrorCode": code, "ErrorMessage": "about " + e.Detail}
			continue
		}
		entries[i] = map[string]any{"EventId": fmt.Sprintf("bus-%d-%d", n, i)}
		if a.entry != nil {
			if entries[i] = a.entry(i); entries[i]["EventId"] == nil {
				continue
			}
		}
		b.accepted = append(b.accepted, e.id())
	}
	b.mu.Unlock()
	if a.drop {
		panic(http.ErrAbortHandler)
	}
	if a.count != nil {
		for k := a.count(len(entries)); len(entries) != k; {
			if len(entries) > k {
				entries = entries[:k]
			} else {
				entries = append(entries, map[string]any{"EventId": "one too many"})
			}
		}
	}
	out, _ := json.Marshal(map[string]any{"FailedEntryCount": 0, "Entries": entries}) // the count lies on purpose
	write(w, http.StatusOK, string(out))
}

func (b *wireBus) sizes() []int {
	var n []int
	for _, r := range b.requests {
		n = append(n, len(r.Entries))
	}
	return n
}

// client is the SDK's client with its own retries, which do not wait.
func (b *wireBus) client(optFns ...func(*eventbridge.Options)) *eventbridge.Client {
	return eventbridge.New(eventbridge.Options{
		Region:       "eu-west-1",
		BaseEndpoint: aws.String(b.URL),
		HTTPClient:   b.Server.Client(),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}, nil
		}),
		Retryer: retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	}, optFns...)
}

func TestWireRequest(t *testing.T) {
	b := newWireBus(t)
	h := newTestHandler(t, NewEventBridge(b.client(), "orders"), Block, func(o *Options) {
		o.Route = func(e *Entry) error {
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
	h := newTestHandler(t, NewEventBridge(b.client(), "orders", func(o *EventBridgeOptions) { o.EndpointID = "abcde.veo" }), Block)
	_, err := h.Invoke(t.Context(), events(1, 1))
	require.NoError(t, err)
	require.Equal(t, "abcde.veo", b.requests[0].EndpointID)
	require.Empty(t, b.described, "a bus behind an endpoint cannot be looked at")
}

func TestWireFullBatch(t *testing.T) {
	b := newWireBus(t)
	h := newTestHandler(t, NewEventBridge(b.client(), "orders"), Block)
	_, err := h.Invoke(t.Context(), events(1, 100))
	require.NoError(t, err)
	require.Equal(t, slices.Repeat([]int{10}, 10), b.sizes())
	for i, id := range b.accepted {
		require.Equal(t, eventID(i+1), id)
	}
}

// wireCase is one kind of answer, and what must become of a batch of three
// events that the bus has answered so until it accepts everything.
func TestWireFaults(t *testing.T) {
	all := func(code string) map[int]string { return map[int]string{0: code, 1: code, 2: code} }
	fault := func(status int, code string) wireAnswer {
		return wireAnswer{status: status, body: fmt.Sprintf(`{"__type":%q,"message":"about %s"}`, code, testSecret)}
	}
	for _, tt := range []struct {
		name     string
		answer   wireAnswer
		times    int // how often the server answers so, 0 for ever
		requests []int
		class    Class // of the error; with code "" there is none
		code     string
		dead     []string
	}{
		{name: "entry InternalFailure once", answer: wireAnswer{codes: map[int]string{1: "InternalFailure"}}, times: 1, requests: []int{3, 1}},
		{name: "entry ThrottlingException twice", answer: wireAnswer{codes: map[int]string{0: "ThrottlingException"}}, times: 2, requests: []int{3, 1, 1}},
		{name: "entry unknown code once", answer: wireAnswer{codes: map[int]string{2: "BrandNew"}}, times: 1, requests: []int{3, 1}},
		{name: "entry InternalFailure for ever", answer: wireAnswer{codes: all("InternalFailure")}, requests: []int{3, 3, 3, 3}, code: "InternalFailure"},
		{name: "entry unknown code for ever", answer: wireAnswer{codes: all("BrandNew")}, requests: []int{3, 3, 3, 3}, code: "BrandNew"},
		{name: "entry MalformedDetail among good ones", answer: wireAnswer{codes: map[int]string{1: "MalformedDetail"}}, requests: []int{3}, dead: []string{"event-2"}},
		{name: "entry InvalidArgument among good ones", answer: wireAnswer{codes: map[int]string{0: "InvalidArgument"}}, requests: []int{3}, dead: []string{"event-1"}},
		{name: "entry RedactionFailure among good ones", answer: wireAnswer{codes: map[int]string{2: "RedactionFailure"}}, requests: []int{3}, dead: []string{"event-3"}},
		{name: "every entry invalid", answer: wireAnswer{codes: all("InvalidArgument")}, requests: []int{3}, class: ConfigFault, code: "InvalidArgument"},
		{name: "entry AccessDeniedException", answer: wireAnswer{codes: all("AccessDeniedException")}, requests: []int{3}, class: ConfigFault, code: "AccessDeniedException"},
		{name: "one entry NotAuthorizedForSourceException", answer: wireAnswer{codes: map[int]string{1: "NotAuthorizedForSourceException"}}, requests: []int{3}, class: ConfigFault, code: "NotAuthorizedForSourceException"},
		{name: "one entry NotAuthorizedForDetailTypeException", answer: wireAnswer{codes: map[int]string{1: "NotAuthorizedForDetailTypeException"}}, requests: []int{3}, class: ConfigFault, code: "NotAuthorizedForDetailTypeException"},
		{name: "entry InvalidAccountIdException", answer: wireAnswer{codes: all("InvalidAccountIdException")}, requests: []int{3}, class: ConfigFault, code: "InvalidAccountIdException"},
		{name: "entry ResourceNotFoundException", answer: wireAnswer{codes: all("ResourceNotFoundException")}, requests: []int{3}, class: ConfigFault, code: "ResourceNotFoundException"},
		{name: "result with neither id nor code once", answer: wireAnswer{entry: func(i int) map[string]any { return map[string]any{} }}, times: 1, requests: []int{3, 3}},
		{name: "result with neither id nor code for ever", answer: wireAnswer{entry: func(i int) map[string]any { return map[string]any{} }}, requests: []int{3, 3, 3, 3}, code: "NoResult"},
		{name: "result with both id and code", answer: wireAnswer{entry: func(i int) map[string]any {
			return map[string]any{"EventId": "x", "ErrorCode": "InternalFailure"}
		}}, requests: []int{3, 3, 3, 3}, code: "InternalFailure"},
		{name: "too few results once", answer: wireAnswer{count: func(n int) int { return n - 1 }}, times: 1, requests: []int{3, 3}},
		{name: "too many results for ever", answer: wireAnswer{count: func(n int) int { return n + 1 }}, requests: []int{3, 3, 3, 3}, code: "ResultCount"},
		{name: "no results for ever", answer: wireAnswer{count: func(n int) int { return 0 }}, requests: []int{3, 3, 3, 3}, code: "ResultCount"},
		{name: "empty 200", answer: wireAnswer{status: 200}, requests: []int{3, 3, 3, 3}, code: "ResultCount"},
		{name: "garbage 200", answer: wireAnswer{status: 200, body: "<html>" + testSecret}, requests: []int{3, 3}, code: "HTTP200"},
		{name: "500 twice: the SDK's business", answer: fault(500, "InternalException"), times: 2, requests: []int{3, 3, 3}},
		{name: "500 for ever is not multiplied", answer: fault(500, "InternalException"), requests: []int{3, 3, 3}, code: "InternalException"},
		{name: "503 without a body for ever", answer: wireAnswer{status: 503}, requests: []int{3, 3, 3}, code: "HTTP503"},
		{name: "call ThrottlingException for ever", answer: fault(400, "ThrottlingException"), requests: []int{3, 3, 3}, code: "ThrottlingException"},
		{name: "call unknown 400 is repeated once", answer: fault(400, "BrandNewException"), requests: []int{3, 3}, code: "BrandNewException"},
		{name: "call AccessDeniedException", answer: fault(400, "AccessDeniedException"), requests: []int{3}, class: ConfigFault, code: "AccessDeniedException"},
		{name: "call UnrecognizedClientException", answer: fault(403, "UnrecognizedClientException"), requests: []int{3}, class: ConfigFault, code: "UnrecognizedClientException"},
		{name: "call ResourceNotFoundException", answer: fault(400, "ResourceNotFoundException"), requests: []int{3}, class: ConfigFault, code: "ResourceNotFoundException"},
		{name: "call ValidationException for ever", answer: fault(400, "ValidationException"), requests: []int{3, 1, 2, 1, 1}, class: ConfigFault, code: "ValidationException"},
		{name: "413 with an empty body for ever", answer: wireAnswer{status: 413}, requests: []int{3, 1, 2, 1, 1}, class: ConfigFault, code: "HTTP413"},
		{name: "413 with a page for ever", answer: wireAnswer{status: 413, body: "<html>too large</html>"}, requests: []int{3, 1, 2, 1, 1}, class: ConfigFault, code: "HTTP413"},
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
			sink := &graveyard{}
			h := newTestHandler(t, NewEventBridge(b.client(), "orders"), sink)
			_, err := h.Invoke(t.Context(), events(1, 3))
			require.Equal(t, tt.requests, b.sizes())
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

// A call that is refused as a whole is split until the culprit stands alone:
// everything else is published, in order, and the culprit is a dead letter.
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
				sink := &graveyard{}
				h := newTestHandler(t, NewEventBridge(b.client(), "orders"), sink)
				_, err := h.Invoke(t.Context(), events(1, 20))
				require.NoError(t, err)
				requireDead(t, sink, refusal.code, eventID(culprit))
				require.Equal(t, 1, sink.dead[0].Attempts)
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
	h := newTestHandler(t, NewEventBridge(client, "orders"), Block)
	_, err := h.Invoke(t.Context(), events(1, 3))
	require.Equal(t, "InternalException", unpublishedIn(t, err).Code)
	require.Equal(t, []int{3, 3}, b.sizes())
}
