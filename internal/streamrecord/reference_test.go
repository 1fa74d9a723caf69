package streamrecord_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
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

func decodePlain(cfg streamrecord.Config, src []byte) (*streamrecord.Batch, error) {
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
		return nil, &streamrecord.FormatError{Problem: "an on-failure record in another one"}
	}
	if b != nil {
		b.OnFailure = true
	}
	return b, err
}

// plainInvocation returns the batch, or what an on-failure record has as the
// payload.
func plainInvocation(cfg streamrecord.Config, src []byte) (*streamrecord.Batch, json.RawMessage, error) {
	bad := func(p int, problem string) (*streamrecord.Batch, json.RawMessage, error) {
		return nil, nil, &streamrecord.FormatError{Offset: p, Problem: problem}
	}
	seen := map[string]bool{}
	var inner json.RawMessage
	b := &streamrecord.Batch{}
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
			return nil, nil, &streamrecord.StreamViewError{ViewType: r.Fault.Message, StreamARN: r.StreamARN, SequenceNumber: r.SequenceNumber}
		case r.Fault.Code == sourceCode:
			return nil, nil, &streamrecord.SourceError{Source: r.Fault.Message, ARN: r.StreamARN}
		}
	}
	return b, nil, nil
}

// Codes of what makes a whole batch an error.
const (
	viewCode   = "view"
	sourceCode = "source"
)

func plainRecord(cfg streamrecord.Config, raw []byte) (r streamrecord.Record) {
	r.Raw = raw
	fault := func(code, format string, args ...any) {
		if r.Fault == nil {
			r.Kind, r.Detail, r.Fault = streamrecord.Undecodable, nil, &streamrecord.Fault{code, fmt.Sprintf(format, args...)}
		}
	}
	ms, ok := pairsOf(raw)
	if !ok {
		fault(streamrecord.BadRecord, "not a JSON object")
		return r
	}
	text := func(ms []pair, key string) string {
		raw := valueOf(ms, key)
		if raw == nil || string(raw) == "null" {
			return ""
		}
		s, ok := plainString(raw)
		if !ok {
			fault(streamrecord.BadRecord, "%s is not a string", key)
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
			fault(streamrecord.BadRecord, "%s is not an object", key)
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
		fault(streamrecord.DuplicateMember, "of the record")
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
		fault(streamrecord.BadRecord, "eventName is missing or unknown")
	case view == "KEYS_ONLY" || view == "OLD_IMAGE":
		fault(viewCode, "%s", view)
	case name == "MODIFY":
		r.Kind = streamrecord.Modify
	case name == "REMOVE" && service:
		r.Kind = streamrecord.ServiceRemove
	case name == "REMOVE":
		r.Kind = streamrecord.Remove
	case !present:
		fault(streamrecord.MissingNewImage, "dynamodb.NewImage is missing")
	default:
		plainImage(cfg, &r, image, fault)
	}
	return r
}
