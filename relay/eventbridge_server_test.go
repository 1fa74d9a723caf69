package relay_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
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
