package wirefault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"syscall"
)

// Transport is an http.RoundTripper that breaks calls by a script. It is safe
// for concurrent use.
type Transport struct {
	Ledger

	next   http.RoundTripper
	script Script
	count  counter
}

var _ http.RoundTripper = (*Transport)(nil)

// NewTransport returns a transport that sends what it lets through by next; nil
// means http.DefaultTransport. A nil script breaks nothing.
func NewTransport(next http.RoundTripper, s Script) *Transport {
	if next == nil {
		next = http.DefaultTransport
	}
	if s == nil {
		s = func(Call) Fault { return Fault{} }
	}
	return &Transport{next: next, script: s}
}

// Client returns an HTTP client that uses the transport, for the option
// HTTPClient of an SDK client.
func (t *Transport) Client() *http.Client { return &http.Client{Transport: t} }

// exchange is one call on its way.
type exchange struct {
	Request
	events   putEventsRequest // of PutEvents
	accepted []Accepted
}

// RoundTrip sends the request as the script says. A dropped connection is an
// error as the net package gives it.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	x := &exchange{}
	x.Call.Operation = operation(req)
	x.Call.N = t.count.next(x.Call.Operation)
	if x.Call.Operation == PutEvents {
		if x.events, err = parsePutEvents(req.Header.Get("Content-Type"), body); err != nil {
			return nil, err
		}
		x.Call.EventIDs = x.events.eventIDs()
	}
	x.Fault = t.script(x.Call)
	defer func() { t.add(x.Request, x.accepted) }()

	switch {
	case x.Fault.Drop == DropBefore:
		return nil, dropped()
	case x.Fault.Status != 0:
		return refusal(req, x.Fault), nil
	}
	resp, err := t.forward(req, body, x)
	if err != nil {
		return nil, err
	}
	if x.Fault.Drop == DropAfter {
		resp.Body.Close()
		return nil, dropped()
	}
	return resp, nil
}

// forward asks the server and keeps the ledger.
func (t *Transport) forward(req *http.Request, body []byte, x *exchange) (*http.Response, error) {
	if x.Call.Operation != PutEvents {
		resp, err := t.send(req, body, x)
		if err != nil || x.Fault.Drop != DropAfter {
			return resp, err
		}
		// Not before the whole answer is here is the server known to have done
		// all of it.
		_, err = io.Copy(io.Discard, resp.Body)
		return resp, err
	}
	body, left, err := x.events.without(x.Fault.Entries)
	if err != nil {
		return nil, fmt.Errorf("wirefault: %w", err)
	}
	if len(left) == 0 && len(x.events.entries) > 0 {
		return response(req, http.StatusOK, x.events.splice(putEventsResponse{}, nil, x.Fault)), nil
	}
	resp, err := t.send(req, body, x)
	if err != nil || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil {
		return nil, err
	}
	var answer putEventsResponse
	if err := json.Unmarshal(text, &answer); err != nil {
		return nil, fmt.Errorf("wirefault: the server's answer to PutEvents: %w", err)
	}
	x.accepted = x.events.accepted(x.Call.N, answer, left)
	return response(req, http.StatusOK, x.events.splice(answer, left, x.Fault)), nil
}

func (t *Transport) send(req *http.Request, body []byte, x *exchange) (*http.Response, error) {
	out := req.Clone(req.Context())
	out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	out.Header.Set("Content-Length", strconv.Itoa(len(body)))
	x.Forwarded = true
	resp, err := t.next.RoundTrip(out)
	if err == nil {
		x.Status = resp.StatusCode
	}
	return resp, err
}

func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil {
		return nil, nil
	}
	defer req.Body.Close()
	return io.ReadAll(req.Body)
}

// operation reads the name of the AWS operation: the end of X-Amz-Target in AWS
// JSON, of the path in RPC v2 CBOR.
func operation(req *http.Request) string {
	if target := req.Header.Get("X-Amz-Target"); target != "" {
		return target[strings.LastIndexByte(target, '.')+1:]
	}
	return req.URL.Path[strings.LastIndexByte(req.URL.Path, '/')+1:]
}

// dropped is what reading from a connection gives that the other side has reset.
func dropped() error {
	return &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
}

// refusal is the answer with an AWS error.
func refusal(req *http.Request, f Fault) *http.Response {
	resp := response(req, f.Status, map[string]string{"__type": f.Code, "message": f.Message})
	resp.Header.Set("X-Amzn-Errortype", f.Code)
	return resp
}

// response is an answer with the JSON of v as its body.
func response(req *http.Request, status int, v any) *http.Response {
	body, _ := json.Marshal(v) // strings and numbers, which cannot fail
	header := http.Header{
		"X-Amzn-Requestid": {"00000000-0000-4000-8000-000000000000"},
		"Content-Type":     {"application/x-amz-json-1.1"}, "Content-Length": {strconv.Itoa(len(body))},
	}
	return &http.Response{
		Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
		Request: req,
	}
}
