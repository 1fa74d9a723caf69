package streamrecord_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// The reference is a second decoder with the same rules, written for clarity on
// top of encoding/json. Nothing of the first is used in it. It says of a record
// what it is and what is published, and not what is wrong with it: the tables
// have that.

// pair is one member of a JSON object. The key is "" if it is not valid.
type pair struct {
	key   string
	ok    bool
	value json.RawMessage
}

// pairsOf splits an object into its members, in order, duplicates included.
func pairsOf(raw []byte) ([]pair, bool) {
	if !json.Valid(raw) {
		return nil, false
	}
	return framedPairs(raw)
}

// framedPairs does so for an object whose values need not be JSON.
func framedPairs(raw []byte) ([]pair, bool) {
	parts, ok := split(raw, "{:,}")
	ms := []pair{}
	for ; len(parts) > 0; parts = parts[2:] {
		if parts[0][0] != '"' {
			return nil, false
		}
		key, ok := plainString(parts[0])
		ms = append(ms, pair{key, ok, parts[1]})
	}
	return ms, ok
}

// split returns the parts of a list or an object, which marks has the four marks
// of, framed by brackets and strings alone.
func split(src []byte, marks string) (parts [][]byte, ok bool) {
	if len(src) == 0 || src[0] != marks[0] {
		return nil, false
	}
	p := spaces(src, 1)
	if p < len(src) && src[p] == marks[3] {
		return nil, p+1 == len(src)
	}
	for n := 0; ; n++ {
		end := frame(src, p)
		if end < 0 {
			return nil, false
		}
		parts = append(parts, src[p:end])
		p = spaces(src, end)
		switch {
		case p == len(src):
			return nil, false
		case src[p] == marks[3] && marks[1+n%2] == ',':
			return parts, p+1 == len(src)
		case src[p] != marks[1+n%2]:
			return nil, false
		}
		p = spaces(src, p+1)
	}
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

// typed returns what a DynamoDB JSON value of one type has, nil if it is of
// another one.
func typed(raw json.RawMessage, tag string) json.RawMessage {
	if ms, _ := pairsOf(raw); len(ms) == 1 {
		return valueOf(ms, tag)
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

// decodePlain decodes an invocation, or the on-failure record around one.
func decodePlain(cfg streamrecord.Config, src []byte, within bool) (*streamrecord.Batch, error) {
	ms, ok := framedPairs(bytes.Trim(src, " \t\r\n"))
	list, payload := valueOf(ms, "Records"), valueOf(ms, "payload")
	isList := list != nil && list[0] == '['
	switch {
	case !ok || twice(ms, "Records", "window", "state", "payload") || within && !isList:
		return nil, &streamrecord.FormatError{}
	case !isList:
		if text, ok := plainString(payload); ok {
			payload = []byte(text)
		}
		b, err := decodePlain(cfg, payload, true)
		if b != nil {
			b.OnFailure = true
		}
		return b, err
	}
	records, ok := split(list, "[,,]")
	if !ok {
		return nil, &streamrecord.FormatError{}
	}
	window := valueOf(ms, "window")
	b := &streamrecord.Batch{Window: window != nil && string(window) != "null", State: valueOf(ms, "state")}
	for _, raw := range records {
		r, err := plainRecord(cfg, raw)
		if err != nil {
			return nil, err
		}
		b.Records = append(b.Records, r)
	}
	return b, nil
}

// plainKeys returns the keys of a record's item.
func plainKeys(raw []byte) json.RawMessage {
	ms, _ := framedPairs(raw)
	change, _ := framedPairs(valueOf(ms, "dynamodb"))
	if keys := valueOf(change, "Keys"); keys != nil && keys[0] == '{' {
		return keys
	}
	return nil
}

// plainRecord decodes a record. An error is of the whole batch.
func plainRecord(cfg streamrecord.Config, raw []byte) (r streamrecord.Record, err error) {
	r.Raw, r.Kind = raw, streamrecord.Undecodable
	ms, sound := pairsOf(raw)
	text := func(ms []pair, key string) string {
		raw := valueOf(ms, key)
		s, ok := plainString(raw)
		sound = sound && (ok || raw == nil || string(raw) == "null")
		return s
	}
	object := func(ms []pair, key string) ([]pair, bool) {
		raw := valueOf(ms, key)
		o, ok := pairsOf(raw)
		sound = sound && (ok || raw == nil || string(raw) == "null")
		return o, ok
	}
	r.StreamARN = text(ms, "eventSourceARN")
	for _, key := range []string{"eventSource", "EventSource"} {
		if source := text(ms, key); source != "" && source != "aws:dynamodb" {
			return r, &streamrecord.SourceError{Source: source, ARN: r.StreamARN}
		}
	}
	user, _ := object(ms, "userIdentity")
	service := text(user, "type")+" "+text(user, "principalId") == "Service dynamodb.amazonaws.com"
	change, _ := object(ms, "dynamodb")
	r.SequenceNumber = text(change, "SequenceNumber")
	r.CreatedAt = plainTime(valueOf(change, "ApproximateCreationDateTime"))
	view := text(change, "StreamViewType")
	image, present := object(change, "NewImage")
	kind, known := map[string]streamrecord.Kind{"INSERT": streamrecord.Event, "MODIFY": streamrecord.Modify, "REMOVE": streamrecord.Remove}[text(ms, "eventName")]
	switch {
	case !sound || !known,
		twice(ms, "eventID", "eventName", "eventVersion", "eventSource", "EventSource", "awsRegion", "dynamodb", "userIdentity", "eventSourceARN"),
		twice(user, "type", "principalId"),
		twice(change, "ApproximateCreationDateTime", "Keys", "NewImage", "OldImage", "SequenceNumber", "SizeBytes", "StreamViewType"):
	case view == "KEYS_ONLY" || view == "OLD_IMAGE":
		return r, &streamrecord.StreamViewError{ViewType: view, StreamARN: r.StreamARN, SequenceNumber: r.SequenceNumber}
	case kind == streamrecord.Remove && service:
		r.Kind = streamrecord.ServiceRemove
	case kind != streamrecord.Event:
		r.Kind = kind
	case present:
		plainImage(cfg, &r, image)
	}
	return r, nil
}

func plainImage(cfg streamrecord.Config, r *streamrecord.Record, image []pair) {
	if cfg.Marker != "" && valueOf(image, cfg.Marker) == nil {
		v := valueOf(image, cfg.Event)
		for _, key := range []string{"M", "headers", "M", "eventId", "S"} {
			ms, _ := pairsOf(v)
			v = valueOf(ms, key)
		}
		r.Kind = streamrecord.NotEvent
		r.EventID, _ = plainString(v)
		return
	}
	if marker, _ := plainString(typed(valueOf(image, cfg.Marker), "S")); cfg.Marker != "" && (marker != cfg.MarkerValue || twice(image, cfg.Marker)) {
		return
	}
	parts, _ := pairsOf(typed(valueOf(image, cfg.Event), "M"))
	headers, _ := pairsOf(typed(valueOf(parts, "headers"), "M"))
	if twice(image, cfg.Event) || twice(parts, "headers", "payload") || valueOf(parts, "payload") == nil || !plainHeaders(r, headers) {
		return
	}
	var out []string
	for _, m := range parts {
		value, ok := plainValue(m.value)
		if text, isText := plainString(typed(m.value, "S")); isText && m.key == "payload" {
			value, ok = text, json.Valid([]byte(text)) && !loneSurrogate(text)
		}
		if !ok || !m.ok {
			return
		}
		out = append(out, plainQuote(m.key)+":"+value)
	}
	if detail := []byte("{" + strings.Join(out, ",") + "}"); json.Valid(detail) { // it may be too deep
		r.Kind, r.Detail = streamrecord.Event, detail
	}
}

// plainHeaders reads the headers and reports whether they are those of an event.
func plainHeaders(r *streamrecord.Record, hs []pair) bool {
	get := func(key, tag string) string {
		s, _ := plainString(typed(valueOf(hs, key), tag))
		return s
	}
	r.EventID, r.EventName, r.Source = get("eventId", "S"), get("eventName", "S"), get("source", "S")
	r.Region, r.AggregateID, r.TraceParent = get("region", "S"), get("aggregateId", "S"), get("traceparent", "S")
	r.Sequence, _ = plainInt(get("sequence", "N"))
	var ok bool
	r.Timestamp, ok = plainInt(get("timestamp", "N") + get("timestamp", "S"))
	t := time.UnixMilli(r.Timestamp)
	return ok && !t.Before(envelope.MinTimestamp) && t.Before(envelope.MaxTimestamp) && r.EventID != "" && r.EventName != "" && r.Source != "" &&
		!twice(hs, "eventId", "correlationId", "eventName", "createdBy", "source", "region", "timestamp", "causationId", "aggregateId",
			"sequence", "traceparent", "schemaVersion")
}
