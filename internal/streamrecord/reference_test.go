package streamrecord

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// The reference is a second decoder with the same rules, written for clarity on
// top of encoding/json. Nothing of the first is used in it.

// pair is one member of a JSON object. The key is "" if it is not valid.
type pair struct {
	key   string
	ok    bool
	value json.RawMessage
}

// pairsOf splits an object into its members, in order, duplicates included.
func pairsOf(raw []byte) ([]pair, bool) {
	if !json.Valid(raw) || raw[0] != '{' {
		return nil, false
	}
	ms := []pair{}
	for p := spaces(raw, 1); raw[p] != '}'; {
		end := frame(raw, p)
		key, ok := plainString(raw[p:end])
		p = spaces(raw, spaces(raw, end)+1)
		end = frame(raw, p)
		ms = append(ms, pair{key, ok, raw[p:end]})
		if p = spaces(raw, end); raw[p] == ',' {
			p = spaces(raw, p+1)
		}
	}
	return ms, true
}

// valueOf returns the value of the first member named key, nil if there is
// none.
func valueOf(ms []pair, key string) json.RawMessage {
	for _, m := range ms {
		if m.ok && m.key == key {
			return m.value
		}
	}
	return nil
}

// twice reports whether one of the members with these names is there twice.
func twice(ms []pair, keys ...string) bool {
	for _, key := range keys {
		n := 0
		for _, m := range ms {
			if m.ok && m.key == key {
				n++
			}
		}
		if n > 1 {
			return true
		}
	}
	return false
}

// frame returns the end of the value at src[p:] by brackets and strings alone,
// -1 if there is none.
func frame(src []byte, p int) int {
	depth, start := 0, p
	for ; p < len(src); p++ {
		if depth == 0 && p > start && strings.IndexByte(`"{}[],:`+" \t\r\n", src[p]) >= 0 {
			return p
		}
		switch src[p] {
		case '"':
			for p++; p < len(src) && src[p] != '"'; p++ {
				if src[p] == '\\' {
					p++
				}
			}
			if p >= len(src) {
				return -1
			}
		case '{', '[':
			depth++
			continue
		case '}', ']':
			if depth--; depth < 0 {
				return -1
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return -1
			}
			continue
		default:
			continue
		}
		if depth == 0 {
			return p + 1
		}
	}
	return -1
}

func spaces(src []byte, p int) int {
	for p < len(src) && strings.IndexByte(" \t\r\n", src[p]) >= 0 {
		p++
	}
	return p
}

func decodePlain(cfg Config, src []byte) (*Batch, error) {
	b, inner, err := plainInvocation(cfg, src)
	if inner == nil {
		return b, err
	}
	payload := []byte(inner)
	if s, ok := plainString(inner); ok {
		payload = []byte(s)
	}
	b, inner, err = plainInvocation(cfg, payload)
	if inner != nil {
		return nil, &FormatError{Problem: "an on-failure record in another one"}
	}
	if b != nil {
		b.OnFailure = true
	}
	return b, err
}

// plainInvocation returns the batch, or what an on-failure record has as the
// payload.
func plainInvocation(cfg Config, src []byte) (*Batch, json.RawMessage, error) {
	bad := func(p int, problem string) (*Batch, json.RawMessage, error) {
		return nil, nil, &FormatError{Offset: p, Problem: problem}
	}
	seen := map[string]bool{}
	var inner json.RawMessage
	b := &Batch{}
	found := false
	p := spaces(src, 0)
	if p == len(src) || src[p] != '{' {
		return bad(p, "want an object")
	}
	p = spaces(src, p+1)
	for n := 0; p == len(src) || src[p] != '}' || n > 0; n++ {
		if p == len(src) || src[p] != '"' {
			return bad(p, "want a key")
		}
		e := frame(src, p)
		if e < 0 {
			return bad(p, "want a key")
		}
		key, _ := plainString(src[p:e])
		p = spaces(src, e)
		if p == len(src) || src[p] != ':' {
			return bad(p, "want a colon")
		}
		p = spaces(src, p+1)
		v := p
		known := key == "Records" || key == "window" || key == "state" || key == "payload"
		if known && seen[key] {
			return bad(p, "want each member once")
		}
		seen[key] = true
		if key == "Records" && p < len(src) && src[p] == '[' {
			found = true
			b.Records = nil
			p = spaces(src, p+1)
			for p < len(src) && (src[p] != ']' || len(b.Records) > 0) {
				e := frame(src, p)
				if e < 0 {
					return bad(p, "want a record")
				}
				b.Records = append(b.Records, plainRecord(cfg, src[p:e]))
				p = spaces(src, e)
				if p < len(src) && src[p] == ']' {
					break
				}
				if p == len(src) || src[p] != ',' {
					return bad(p, "want a comma")
				}
				p = spaces(src, p+1)
			}
			if p == len(src) {
				return bad(p, "unexpected end")
			}
			p++
		} else {
			if p = frame(src, p); p < 0 {
				return bad(v, "want a value")
			}
			value := src[v:p]
			switch key {
			case "payload":
				inner = value
			case "window":
				b.Window = string(value) != "null"
			case "state":
				b.State = value
			}
		}
		p = spaces(src, p)
		if p < len(src) && src[p] == '}' {
			break
		}
		if p == len(src) || src[p] != ',' {
			return bad(p, "want a comma")
		}
		p = spaces(src, p+1)
	}
	if p = spaces(src, p+1); p != len(src) {
		return bad(p, "data after the event")
	}
	if _, isText := plainString(inner); !found && (isText || inner != nil && inner[0] == '{') {
		return nil, inner, nil
	}
	if !found {
		return bad(p, `no "Records" array`)
	}
	for i := range b.Records {
		r := &b.Records[i]
		switch {
		case r.Fault == nil:
		case r.Fault.Code == viewCode:
			return nil, nil, &StreamViewError{ViewType: r.Fault.Message, StreamARN: r.StreamARN, SequenceNumber: r.SequenceNumber}
		case r.Fault.Code == sourceCode:
			return nil, nil, &SourceError{Source: r.Fault.Message, ARN: r.StreamARN}
		}
	}
	return b, nil, nil
}

// Codes of what makes a whole batch an error.
const (
	viewCode   = "view"
	sourceCode = "source"
)

func plainRecord(cfg Config, raw []byte) (r Record) {
	r.Raw = raw
	fault := func(code, format string, args ...any) {
		if r.Fault == nil {
			r.Kind, r.Detail, r.Fault = Undecodable, nil, &Fault{code, fmt.Sprintf(format, args...)}
		}
	}
	ms, ok := pairsOf(raw)
	if !ok {
		fault(BadRecord, "not a JSON object")
		return r
	}
	text := func(ms []pair, key string) string {
		raw := valueOf(ms, key)
		if raw == nil || string(raw) == "null" {
			return ""
		}
		s, ok := plainString(raw)
		if !ok {
			fault(BadRecord, "%s is not a string", key)
		}
		return s
	}
	object := func(ms []pair, key string) ([]pair, bool) {
		raw := valueOf(ms, key)
		if raw == nil || string(raw) == "null" {
			return nil, false
		}
		o, ok := pairsOf(raw)
		if !ok {
			fault(BadRecord, "%s is not an object", key)
		}
		return o, ok
	}
	for _, key := range []string{"eventSource", "EventSource"} {
		for _, m := range ms {
			if source, ok := plainString(m.value); ok && m.ok && m.key == key && source != "" && source != "aws:dynamodb" {
				r.StreamARN, _ = plainString(valueOf(ms, "eventSourceARN"))
				fault(sourceCode, "%s", source)
				return r
			} else if m.ok && m.key == key {
				break // of two, the first is read
			}
		}
	}
	user, _ := pairsOf(valueOf(ms, "userIdentity"))
	change, _ := pairsOf(valueOf(ms, "dynamodb"))
	if twice(ms, "eventID", "eventName", "eventVersion", "eventSource", "EventSource", "awsRegion", "dynamodb", "userIdentity", "eventSourceARN") ||
		twice(user, "type", "principalId") ||
		twice(change, "ApproximateCreationDateTime", "Keys", "NewImage", "OldImage", "SequenceNumber", "SizeBytes", "StreamViewType") {
		fault(DuplicateMember, "of the record")
	}
	name := text(ms, "eventName")
	text(ms, "eventSource")
	text(ms, "EventSource")
	r.StreamARN, r.AWSRegion = text(ms, "eventSourceARN"), text(ms, "awsRegion")
	object(ms, "userIdentity")
	kind, principal := text(user, "type"), text(user, "principalId")
	service := kind == "Service" && principal == "dynamodb.amazonaws.com"
	object(ms, "dynamodb")
	r.SequenceNumber = text(change, "SequenceNumber")
	if k := valueOf(change, "Keys"); k != nil && k[0] == '{' {
		r.Keys = k
	}
	r.CreatedAt = plainTime(valueOf(change, "ApproximateCreationDateTime"))
	view := text(change, "StreamViewType")
	image, present := object(change, "NewImage")
	switch {
	case r.Fault != nil:
	case name != "INSERT" && name != "MODIFY" && name != "REMOVE":
		fault(BadRecord, "eventName is missing or unknown")
	case view == "KEYS_ONLY" || view == "OLD_IMAGE":
		fault(viewCode, "%s", view)
	case name == "MODIFY":
		r.Kind = Modify
	case name == "REMOVE" && service:
		r.Kind = ServiceRemove
	case name == "REMOVE":
		r.Kind = Remove
	case !present:
		fault(MissingNewImage, "dynamodb.NewImage is missing")
	default:
		plainImage(cfg, &r, image, fault)
	}
	return r
}

func plainImage(cfg Config, r *Record, image []pair, fault func(code, format string, args ...any)) {
	if cfg.Marker != "" && valueOf(image, cfg.Marker) == nil {
		r.Kind = NotEvent
		if id := plainEventID(cfg, image); id != "" {
			r.EventID = id
		}
		return
	}
	if twice(image, cfg.Event) || cfg.Marker != "" && twice(image, cfg.Marker) {
		fault(DuplicateMember, "of the image")
	}
	if event, _ := pairsOf(valueOf(image, cfg.Event)); len(event) == 1 && event[0].key == "M" {
		parts, _ := pairsOf(event[0].value)
		headers, _ := pairsOf(valueOf(parts, "headers"))
		if twice(parts, "headers", "payload") {
			fault(DuplicateMember, "of the event")
		}
		if len(headers) == 1 && headers[0].key == "M" {
			headers, _ := pairsOf(headers[0].value)
			if twice(headers, "eventId", "correlationId", "eventName", "createdBy", "source", "region", "timestamp", "causationId", "aggregateId",
				"sequence", "traceparent", "schemaVersion") {
				fault(DuplicateMember, "of the headers")
			}
		}
	}
	if cfg.Marker != "" {
		ms, ok := pairsOf(valueOf(image, cfg.Marker))
		s := ""
		if ok && len(ms) == 1 && ms[0].key == "S" {
			s, _ = plainString(ms[0].value)
		}
		if s != cfg.MarkerValue {
			fault(UnknownFormat, "marker attribute %q has an unknown value", cfg.Marker)
			return
		}
	}
	event := valueOf(image, cfg.Event)
	if event == nil {
		fault(MissingEvent, "attribute %q is missing", cfg.Event)
		return
	}
	ms, ok := pairsOf(event)
	if !ok || len(ms) != 1 || ms[0].key != "M" {
		fault(UnsupportedType, "attribute %q is not a map", cfg.Event)
		return
	}
	parts, ok := pairsOf(ms[0].value)
	if !ok {
		fault(UnsupportedType, "attribute %q is not a map", cfg.Event)
		return
	}
	var out []string
	emit := func(m pair) {
		s, code := plainValue(m.value)
		if code != "" {
			fault(code, "event.%s", m.key)
		}
		out = append(out, plainQuote(m.key)+":"+s)
	}
	seen := map[string]bool{}
	for _, m := range parts {
		if !m.ok {
			fault(BadString, "a key of the event")
		}
		seen[m.key] = true
		form, _ := pairsOf(m.value)
		switch {
		case m.key == "headers":
			if len(form) != 1 || form[0].key != "M" {
				fault(BadHeader, "headers is not a map")
				return
			}
			hs, ok := pairsOf(form[0].value)
			if !ok {
				fault(BadHeader, "headers is not a map")
				return
			}
			plainHeaders(r, hs, fault)
			emit(m)
		case m.key == "payload" && len(form) == 1 && form[0].key == "S":
			s, ok := plainString(form[0].value)
			if !ok {
				fault(BadString, "payload")
			} else if !json.Valid([]byte(s)) || loneSurrogate(s) {
				fault(BadPayload, "payload is not JSON text")
			}
			out = append(out, `"payload":`+s)
		default:
			emit(m)
		}
	}
	if !seen["headers"] {
		fault(MissingHeader, "headers is missing")
	}
	if !seen["payload"] {
		fault(MissingPayload, "payload is missing")
	}
	if r.Fault == nil {
		r.Kind = Event
		r.Detail = []byte("{" + strings.Join(out, ",") + "}")
		if !json.Valid(r.Detail) {
			fault(TooDeep, "event")
		}
	}
}

// plainEventID returns the event id of an item that is not marked as an event.
func plainEventID(cfg Config, image []pair) string {
	v := valueOf(image, cfg.Event)
	for _, key := range []string{"M", "headers", "M", "eventId", "S"} {
		ms, _ := pairsOf(v)
		v = valueOf(ms, key)
	}
	s, _ := plainString(v)
	return s
}

func plainHeaders(r *Record, hs []pair, fault func(code, format string, args ...any)) {
	get := func(key, tag string) string {
		if ms, ok := pairsOf(valueOf(hs, key)); ok && len(ms) == 1 && ms[0].key == tag {
			s, _ := plainString(ms[0].value)
			return s
		}
		return ""
	}
	require := func(key, value string) {
		if valueOf(hs, key) == nil {
			fault(MissingHeader, "headers.%s is missing", key)
		} else if value == "" {
			fault(BadHeader, "headers.%s is not a string", key)
		}
	}
	r.EventID, r.EventName, r.Source = get("eventId", "S"), get("eventName", "S"), get("source", "S")
	r.Region, r.AggregateID, r.TraceParent = get("region", "S"), get("aggregateId", "S"), get("traceparent", "S")
	require("eventId", r.EventID)
	require("eventName", r.EventName)
	require("source", r.Source)
	r.Sequence, _ = plainInt(get("sequence", "N"))
	stamp := get("timestamp", "N")
	if stamp == "" {
		stamp = get("timestamp", "S")
	}
	ms, ok := plainInt(stamp)
	switch t := time.UnixMilli(ms); {
	case valueOf(hs, "timestamp") == nil:
		fault(MissingHeader, "headers.timestamp is missing")
	case !ok:
		fault(BadHeader, "headers.timestamp is not a number of milliseconds")
	case t.Before(envelope.MinTimestamp) || !t.Before(envelope.MaxTimestamp):
		fault(BadHeader, "headers.timestamp is out of range")
	default:
		r.Timestamp = ms
	}
}
