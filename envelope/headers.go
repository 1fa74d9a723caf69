package envelope

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/header"
)

// The range of timestamps that are accepted: [MinTimestamp, MaxTimestamp).
// It is wide enough for every real event and narrow enough to catch a zero
// time.Time, seconds taken for milliseconds, and microseconds.
var (
	MinTimestamp = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	MaxTimestamp = time.Date(2100, time.January, 1, 0, 0, 0, 0, time.UTC)
)

// Limits on headers, in characters. EventBridge states 128 for a detail-type
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html);
// for a source, the classic API states none, while EventBridge Pipes and the
// newer bus API state 256, and the safe side is taken. AWS does not say what a
// character is, so a character outside the Basic Multilingual Plane counts two,
// as in UTF-16.
const (
	MaxEventName = 128
	MaxSource    = 256
)

// Headers say what happened, to whom and on whose behalf. In JSON the first
// seven are always present; the optional ones are left out when empty.
type Headers struct {
	EventID       string    // eventId: unique; what consumers dedupe on. One of your own needs a Timestamp of your own: see New
	CorrelationID string    // correlationId: one per business process
	EventName     string    // eventName: what happened; EventBridge's detail-type
	CreatedBy     string    // createdBy: the actor; a writer fills in its source
	Source        string    // source: the producing service; a writer fills in its own
	Region        string    // region: where it was written; a writer fills in its own
	Timestamp     time.Time // timestamp: Unix milliseconds on the wire; finer parts are lost

	CausationID   string // causationId: eventId of the event that led to this one
	AggregateID   string // aggregateId: the entity the event is about; with Sequence or not at all
	Sequence      int64  // sequence: position within the aggregate, from 1; 0 means none
	TraceParent   string // traceparent: W3C trace context
	SchemaVersion string // schemaVersion: version of the payload's schema

	// Extensions are the producer's own headers: any JSON value under a name
	// that is not one of the above. See SetExtension and Extension.
	Extensions map[string]json.RawMessage
}

// SetExtension sets a header of your own to the JSON form of value. If
// json.Marshal refuses the value, then New, Validate and writers return an error
// that names the header. It writes to the map Extensions, which copies of h
// share.
func (h *Headers) SetExtension(name string, value any) {
	raw, err := json.Marshal(value)
	if err != nil {
		raw = nil
	}
	if h.Extensions == nil {
		h.Extensions = map[string]json.RawMessage{}
	}
	h.Extensions[name] = raw
}

// Extension decodes a header of the producer's own. It returns false, and the
// zero value, if there is none or it does not become a T.
func Extension[T any](h Headers, name string) (T, bool) {
	var v T
	raw, ok := h.Extensions[name]
	if !ok || json.Unmarshal(raw, &v) != nil {
		var zero T
		return zero, false
	}
	return v, true
}

// Validate returns an error if the headers cannot be written: a [*FieldError]
// that names the first one at fault. Source, Region and CreatedBy may be empty,
// for a writer fills them in.
func (h Headers) Validate() error {
	fields := (*header.Fields)(&h)
	for i, row := range header.Table {
		if text := fields.Text(i); text != nil && !utf8.ValidString(*text) {
			return h.fieldError("headers."+row.Name, "not valid UTF-8")
		}
	}
	switch {
	case h.EventID == "":
		return h.fieldError("headers.eventId", "missing")
	case h.CorrelationID == "":
		return h.fieldError("headers.correlationId", "missing; an event that starts a process has its own eventId there")
	case h.EventName == "":
		return h.fieldError("headers.eventName", "missing")
	}
	if n := characters(h.EventName); n > MaxEventName {
		return h.fieldError("headers.eventName", fmt.Sprintf("%d characters, EventBridge takes at most %d as detail-type", n, MaxEventName))
	}
	if n := characters(h.Source); n > MaxSource {
		return h.fieldError("headers.source", fmt.Sprintf("%d characters, EventBridge takes at most %d", n, MaxSource))
	}
	if strings.HasPrefix(h.Source, "aws.") {
		return h.fieldError("headers.source", `begins with "aws.", which EventBridge keeps for AWS services`)
	}
	if h.Timestamp.Before(MinTimestamp) || !h.Timestamp.Before(MaxTimestamp) {
		return h.fieldError("headers.timestamp", fmt.Sprintf("%s is outside [%s, %s)",
			h.Timestamp.UTC().Format(time.RFC3339), MinTimestamp.Format(time.DateOnly), MaxTimestamp.Format(time.DateOnly)))
	}
	switch {
	case h.Sequence < 0:
		return h.fieldError("headers.sequence", fmt.Sprintf("%d is negative; sequences start at 1", h.Sequence))
	case h.Sequence == 0 && h.AggregateID != "":
		return h.fieldError("headers.sequence", "missing; aggregateId and sequence come together or not at all")
	case h.Sequence > 0 && h.AggregateID == "":
		return h.fieldError("headers.aggregateId", "missing; aggregateId and sequence come together or not at all")
	}
	if h.TraceParent != "" {
		if _, ok := ParseTraceParent(h.TraceParent); !ok {
			return h.fieldError("headers.traceparent", "not a W3C trace context (version-traceid-parentid-flags, lower-case hex)")
		}
	}
	return h.validateExtensions()
}

func (h Headers) validateExtensions() error {
	worst := ""
	var problem string
	for name, raw := range h.Extensions {
		p := ""
		switch {
		case name == "":
			p = "a header needs a name"
		case !utf8.ValidString(name):
			p = "name is not valid UTF-8"
		case header.Named(name) >= 0:
			p = "an extension cannot have the name of a header of the outbox"
		case len(raw) == 0:
			p = "no value, or one that json.Marshal refused"
		case !json.Valid(raw):
			p = notJSON(raw)
		}
		// the same event always gets the same error, whatever the map's order
		if p != "" && (problem == "" || name < worst) {
			worst, problem = name, p
		}
	}
	if problem != "" {
		return h.fieldError(extensionPath(worst), problem)
	}
	return nil
}

// characters counts UTF-16 code units.
func characters(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// FieldError says which part of which event cannot be right, and why. It
// never holds a value of the payload.
type FieldError struct {
	EventID   string // as far as it is known
	EventName string
	Field     string // "headers.source", "payload.lines[3].price"; "" for the event as a whole
	Problem   string

	// Err is the cause where there is one, such as an error of encoding/json or
	// of a type's own UnmarshalJSON. Its text can hold values of the payload,
	// so it is not in the text of the FieldError.
	Err error
}

func (e *FieldError) Error() string {
	text := "envelope: "
	if name := nameOf(e.EventID, e.EventName); name != "" {
		text += "event " + name + ": "
	}
	if e.Field != "" {
		text += e.Field + ": "
	}
	return text + e.Problem
}

func (e *FieldError) Unwrap() error { return e.Err }

func (h Headers) fieldError(field, problem string) error {
	return &FieldError{EventID: h.EventID, EventName: h.EventName, Field: field, Problem: problem}
}

// nameOf names an event for a person, by what is known of it.
func nameOf(id, name string) string {
	switch {
	case id == "" && name == "":
		return ""
	case id == "":
		return strconv.Quote(shortened(name))
	case name == "":
		return strconv.Quote(shortened(id))
	}
	return fmt.Sprintf("%q (%q)", shortened(id), shortened(name))
}

// shortened bounds what an error says of a name that can be anything.
func shortened(name string) string {
	if len(name) <= MaxEventName {
		return name
	}
	return strings.ToValidUTF8(name[:MaxEventName], "") + "…"
}
