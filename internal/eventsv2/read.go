package eventsv2

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go/encoding/cbor"
)

const prefix = "/service/AWSEventsV2/operation/"

// read reads a request, and refuses what is not as protocol and model have it
// (https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html).
func read(r *http.Request, credentials aws.Credentials) (*Request, *apiError) {
	invalid := func(format string, args ...any) (*Request, *apiError) {
		return nil, &apiError{http.StatusBadRequest, "InvalidInputException", fmt.Sprintf(format, args...)}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return invalid("body: %v", err)
	}
	operation, ok := strings.CutPrefix(r.URL.Path, prefix)
	switch {
	case r.Method != http.MethodPost || !ok || operation != "PutEvents" && operation != "DescribeEventBus":
		return nil, &apiError{http.StatusNotFound, "UnknownOperationException", r.URL.Path}
	case r.Header.Get("Smithy-Protocol") != "rpc-v2-cbor" || r.Header.Get("Content-Type") != "application/cbor" || r.Header.Get("Accept") != "application/cbor":
		return invalid("headers of the protocol: %v", r.Header)
	case r.ContentLength != int64(len(body)):
		return invalid("content length %d of %d bytes", r.ContentLength, len(body))
	}
	scope, err := verify(r, body, credentials)
	if err != nil {
		return nil, &apiError{http.StatusForbidden, "InvalidSignatureException", err.Error()}
	}
	value, err := cbor.Decode(body)
	m, isMap := value.(cbor.Map)
	if err != nil || !isMap {
		return nil, &apiError{http.StatusBadRequest, "SerializationException", "the body is no map"}
	}
	req := &Request{Operation: operation, Path: r.URL.Path, Host: r.Host, Scope: scope, Header: r.Header.Clone(), Body: m}
	if operation == "PutEvents" {
		if req.Entries, err = readEntries(m); err != nil {
			return invalid("%v", err)
		}
	}
	return req, nil
}

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^,]+/aws4_request), ?SignedHeaders=([^,]+), ?Signature=[0-9a-f]{64}$`)

// verify signs the request once more, with the headers that it says are signed, and
// compares.
func verify(r *http.Request, body []byte, credentials aws.Credentials) (scope string, err error) {
	given := r.Header.Get("Authorization")
	m := authorization.FindStringSubmatch(given)
	if m == nil {
		return "", fmt.Errorf("authorization %q", given)
	}
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || time.Since(at).Abs() > 5*time.Minute {
		return "", fmt.Errorf("signed at %q", r.Header.Get("X-Amz-Date"))
	}
	again := httptest.NewRequest(r.Method, "http://"+r.Host+r.URL.RequestURI(), bytes.NewReader(body))
	again.ContentLength = 0 // signed only if it is among the headers
	for _, name := range strings.Split(m[4], ";") {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = r.ContentLength
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	parts := strings.Split(m[3], "/")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(r.Context(), credentials, again, hex.EncodeToString(sum[:]), parts[1], parts[0], at); err != nil {
		return "", err
	}
	canonical := func(s string) string { return strings.ReplaceAll(s, ", ", ",") }
	if canonical(again.Header.Get("Authorization")) != canonical(given) {
		return "", fmt.Errorf("the signature does not match")
	}
	return m[3], nil
}

// readEntries reads the entries by the model
// (https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_PutEventsRequestEntry.html).
func readEntries(m cbor.Map) ([]Entry, error) {
	list, _ := m["Entries"].(cbor.List)
	if n := len(list); n < 1 || n > 100 {
		return nil, fmt.Errorf("%d entries", n)
	}
	entries := make([]Entry, len(list))
	for i := range list {
		fields, ok := list[i].(cbor.Map)
		if !ok {
			return nil, fmt.Errorf("entry %d is a %T", i, list[i])
		}
		if err := entries[i].read(fields); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
	}
	return entries, nil
}

func (e *Entry) read(m cbor.Map) error {
	metadata, resources := cbor.Map{}, cbor.List{}
	for member, value := range m {
		ok := false
		switch member {
		case "Source", "DetailType", "Detail":
			_, ok = value.(cbor.String)
		case "Resources":
			resources, ok = value.(cbor.List)
		case "SystemMetadata":
			metadata, ok = value.(cbor.Map)
		case "Time":
			var err error
			e.Time, err = cbor.AsTime(value)
			ok = err == nil
		}
		if !ok {
			return fmt.Errorf("member %s is a %T", member, value)
		}
	}
	for _, f := range []struct {
		in          cbor.Map
		member      string
		least, most int
		to          *string
	}{
		{m, "Source", 1, 256, &e.Source}, {m, "DetailType", 1, 128, &e.DetailType}, {m, "Detail", 0, 1 << 30, &e.Detail},
		{metadata, "EventGroupId", 1, 128, &e.Group}, {metadata, "DeduplicationId", 1, 128, &e.Token},
	} {
		value, present := f.in[f.member]
		s, ok := value.(cbor.String)
		*f.to = string(s)
		n := utf8.RuneCountInString(*f.to)
		if present && !ok || !present && (f.member == "Source" || f.member == "DetailType") || present && (n < f.least || n > f.most || !utf8.ValidString(*f.to)) {
			return fmt.Errorf("%s of %d characters", f.member, n)
		}
	}
	for _, r := range resources {
		s, ok := r.(cbor.String)
		if !ok || utf8.RuneCountInString(string(s)) > 2048 || len(resources) > 100 {
			return fmt.Errorf("resource %T of %d", r, len(resources))
		}
		e.Resources = append(e.Resources, string(s))
	}
	switch {
	case strings.HasPrefix(e.Source, "aws."):
		return fmt.Errorf("the source is one of AWS")
	case e.Token != "" && strings.TrimSpace(e.Token) == "":
		return fmt.Errorf("blank deduplication id")
	case e.Detail != "" && !json.Valid([]byte(e.Detail)):
		return fmt.Errorf("detail is not JSON")
	}
	return nil
}

// roundTrip handles a request in the caller's goroutine. A handler that cuts the
// connection, or waits for the end of the request, is an error as of a network.
func roundTrip(h http.Handler, r *http.Request) (resp *http.Response, err error) {
	defer func() {
		if v := recover(); v != nil {
			resp, err = nil, io.ErrUnexpectedEOF
		}
	}()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	if r.Host == "" {
		r.Host = r.URL.Host
	}
	w := httptest.NewRecorder()
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	h.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}
