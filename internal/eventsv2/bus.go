// Package eventsv2 plays the Custom Event Bus of Amazon EventBridge (EventBridgeV2)
// for tests: it reads requests strictly, as the API's model says, checks their
// signature, keeps event groups and the window of deduplication, and answers.
// AWS's own client for Python understands it.
package eventsv2

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/encoding/cbor"
)

// window is how long the bus knows a deduplication id
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-ordering.html).
const window = 300 * time.Second

// Bus is one bus, an http.Handler. It is safe for concurrent use once its fields
// are set.
type Bus struct {
	// ARN of the bus. Another one is not found.
	ARN string
	// Credentials that requests must be signed with.
	Credentials aws.Credentials
	// State that DescribeEventBus says. Zero means ACTIVE.
	State func() string
	// Script decides about each PutEvents call, which are counted from 0. Zero means
	// that everything is done as it should be.
	Script func(call int, r Request) Fault

	mu       sync.Mutex // guards what follows
	requests []Request
	calls    int
	taken    []Taken
	known    map[[2]string]time.Time // when a group's deduplication id was taken
}

// Fault is what goes wrong with a PutEvents call. The zero Fault is nothing.
type Fault struct {
	Codes   map[int]string            // entries that are refused, by index
	Answer  func(http.ResponseWriter) // instead of everything else; nothing is taken
	Rewrite func(cbor.Map) []byte     // the body of the answer, when the bus has done its part
	Drop    bool                      // the connection is cut when the bus has done its part
	Hang    bool                      // nothing happens until the request ends
}

// Request is a request that the bus has read.
type Request struct {
	Operation, Path, Host string
	Scope                 string // of the signature: date/region/service/aws4_request, without the date
	Header                http.Header
	Body                  cbor.Map
	Entries               []Entry
}

// Entry is an entry of a PutEvents call.
type Entry struct {
	Source, DetailType, Detail string
	Resources                  []string
	Time                       time.Time
	Group, Token               string
}

// Taken is an entry that the bus has taken, which a subscriber gets in this order.
type Taken struct {
	Entry
	Call int
}

// Requests returns every request, in the order in which they came.
func (b *Bus) Requests(operation string) []Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Request
	for _, r := range b.requests {
		if r.Operation == operation {
			out = append(out, r)
		}
	}
	return out
}

// Taken returns what a subscriber of the type FIFO gets.
func (b *Bus) Taken() []Taken {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Taken(nil), b.taken...)
}

// Do handles a request without a network, as an HTTP client does: so a test can
// run in a bubble of testing/synctest.
func (b *Bus) Do(r *http.Request) (*http.Response, error) { return roundTrip(b, r) }

// ServeHTTP answers a request.
func (b *Bus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req, fault := read(r, b.Credentials)
	if fault != nil {
		fault.write(w)
		return
	}
	b.mu.Lock()
	b.requests = append(b.requests, *req)
	b.mu.Unlock()
	switch arn, _ := req.Body["EventBusArn"].(cbor.String); {
	case string(arn) != b.ARN:
		apiError{404, "ResourceNotFoundException", "no bus of this ARN"}.write(w)
	case req.Operation == "DescribeEventBus":
		state := "ACTIVE"
		if b.State != nil {
			state = b.State()
		}
		answer(w, 200, cbor.Encode(cbor.Map{"EventBusArn": arn, "State": cbor.String(state), "Name": cbor.String("orders")}))
	default:
		b.put(w, r, req)
	}
}

func (b *Bus) put(w http.ResponseWriter, r *http.Request, req *Request) {
	b.mu.Lock()
	call := b.calls
	b.calls++
	b.mu.Unlock()
	var f Fault
	if b.Script != nil {
		f = b.Script(call, *req)
	}
	switch {
	case f.Hang:
		<-r.Context().Done()
		return
	case f.Answer != nil:
		f.Answer(w)
		return
	}
	result := b.take(call, req.Entries, f.Codes)
	switch {
	case f.Drop:
		panic(http.ErrAbortHandler)
	case f.Rewrite != nil:
		answer(w, 200, f.Rewrite(result))
	default:
		answer(w, 200, cbor.Encode(result))
	}
}

// take takes the entries: each on its own, in their order.
func (b *Bus) take(call int, entries []Entry, codes map[int]string) cbor.Map {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil {
		b.known = map[[2]string]time.Time{}
	}
	var results cbor.List
	failed := 0
	for i, e := range entries {
		if code, refused := codes[i]; refused {
			failed++
			results = append(results, cbor.Map{"ErrorCode": cbor.String(code), "ErrorMessage": cbor.String("about the entry: " + e.Detail)})
			continue
		}
		key := [2]string{e.Group, e.Token}
		at, seen := b.known[key]
		code := "PUBLISHED"
		if e.Token != "" && seen && time.Since(at) < window {
			code = "DEDUPLICATED"
		} else {
			b.known[key] = time.Now()
			b.taken = append(b.taken, Taken{e, call})
		}
		results = append(results, cbor.Map{
			"SuccessCode": cbor.String(code), "EventId": cbor.String(fmt.Sprintf("event-%d", len(b.taken))),
			"SequenceNumber": cbor.String(fmt.Sprintf("%020d", len(b.taken))),
		})
	}
	return cbor.Map{"FailedEntryCount": cbor.Uint(failed), "Entries": results}
}

// answer writes an answer of the protocol.
func answer(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	w.Header().Set("Content-Type", "application/cbor")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// apiError is an error of the API.
type apiError struct {
	status        int
	code, message string
}

func (e apiError) write(w http.ResponseWriter) {
	answer(w, e.status, cbor.Encode(cbor.Map{"__type": cbor.String("com.amazonaws.eventsv2#" + e.code), "Message": cbor.String(e.message)}))
}

// Error answers with an error of the API; it is for [Fault].Answer.
func Error(status int, code string) func(http.ResponseWriter) {
	return apiError{status, code, strings.Repeat("words of the service ", 3)}.write
}

// Raw answers with any body; it is for [Fault].Answer.
func Raw(status int, body []byte) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { answer(w, status, body) }
}
