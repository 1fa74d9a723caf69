package streamrecord

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// The reference is a second decoder with the same rules, written for clarity on
// top of encoding/json. Nothing of the first is used in it.

// member is one member of a JSON object. The key is "" if it is not valid.
type member struct {
	key   string
	ok    bool
	value json.RawMessage
}

// members splits an object into its members, in order, duplicates included.
func members(raw []byte) ([]member, bool) {
	if !json.Valid(raw) || raw[0] != '{' {
		return nil, false
	}
	ms := []member{}
	for p := spaces(raw, 1); raw[p] != '}'; {
		end := frame(raw, p)
		key, ok := plainString(raw[p:end])
		p = spaces(raw, spaces(raw, end)+1)
		end = frame(raw, p)
		ms = append(ms, member{key, ok, raw[p:end]})
		if p = spaces(raw, end); raw[p] == ',' {
			p = spaces(raw, p+1)
		}
	}
	return ms, true
}

// last returns the value of the last member named key, nil if there is none.
func last(ms []member, key string) json.RawMessage {
	for i := len(ms) - 1; i >= 0; i-- {
		if ms[i].ok && ms[i].key == key {
			return ms[i].value
		}
	}
	return nil
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
	bad := func(p int, problem string) (*Batch, error) { return nil, &FormatError{Offset: p, Problem: problem} }
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
			case "Records":
				found = false
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
	if !found {
		return bad(p, `no "Records" array`)
	}
	for i := range b.Records {
		r := &b.Records[i]
		if r.Fault != nil && r.Fault.Code == viewCode {
			return nil, &StreamViewError{ViewType: r.Fault.Message, StreamARN: r.StreamARN, SequenceNumber: r.SequenceNumber}
		}
	}
	return b, nil
}

const viewCode = "view"

func plainRecord(cfg Config, raw []byte) (r Record) {
	r.Raw = raw
	fault := func(code, format string, args ...any) {
		if r.Fault == nil {
			r.Kind, r.Detail, r.Fault = Undecodable, nil, &Fault{code, fmt.Sprintf(format, args...)}
		}
	}
	ms, ok := members(raw)
	if !ok {
		fault(BadRecord, "not a JSON object")
		return r
	}
	text := func(ms []member, key string) string {
		raw := last(ms, key)
		if raw == nil || string(raw) == "null" {
			return ""
		}
		s, ok := plainString(raw)
		if !ok {
			fault(BadRecord, "%s is not a string", key)
		}
		return s
	}
	object := func(ms []member, key string) ([]member, bool) {
		raw := last(ms, key)
		if raw == nil || string(raw) == "null" {
			return nil, false
		}
		o, ok := members(raw)
		if !ok {
			fault(BadRecord, "%s is not an object", key)
		}
		return o, ok
	}
	name := text(ms, "eventName")
	r.StreamARN, r.AWSRegion = text(ms, "eventSourceARN"), text(ms, "awsRegion")
	user, _ := object(ms, "userIdentity")
	service := text(user, "type") == "Service" && text(user, "principalId") == "dynamodb.amazonaws.com"
	change, _ := object(ms, "dynamodb")
	r.SequenceNumber = text(change, "SequenceNumber")
	if k := last(change, "Keys"); k != nil && k[0] == '{' {
		r.Keys = k
	}
	r.CreatedAt = plainTime(last(change, "ApproximateCreationDateTime"))
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

func plainImage(cfg Config, r *Record, image []member, fault func(code, format string, args ...any)) {
	if cfg.Marker != "" {
		marker := last(image, cfg.Marker)
		if marker == nil {
			r.Kind = NotEvent
			return
		}
		ms, ok := members(marker)
		s := ""
		if ok && len(ms) == 1 && ms[0].key == "S" {
			s, _ = plainString(ms[0].value)
		}
		if s != cfg.MarkerValue {
			fault(UnknownFormat, "marker attribute %q has an unknown value", cfg.Marker)
			return
		}
	}
	event := last(image, cfg.Event)
	if event == nil {
		fault(MissingEvent, "attribute %q is missing", cfg.Event)
		return
	}
	ms, ok := members(event)
	if !ok || len(ms) != 1 || ms[0].key != "M" {
		fault(UnsupportedType, "attribute %q is not a map", cfg.Event)
		return
	}
	parts, ok := members(ms[0].value)
	if !ok {
		fault(UnsupportedType, "attribute %q is not a map", cfg.Event)
		return
	}
	var out []string
	emit := func(m member) {
		s, code := plainValue(m.value)
		if code != "" {
			fault(code, "event.%s", m.key)
		}
		out = append(out, plainQuote(m.key)+":"+s)
	}
	seen := map[string]bool{}
	for i, m := range parts {
		if !m.ok {
			fault(BadString, "a key of the event")
		}
		if (m.key == "headers" || m.key == "payload") && i != lastIndex(parts, m.key) {
			continue
		}
		seen[m.key] = true
		form, _ := members(m.value)
		switch {
		case m.key == "headers":
			if len(form) != 1 || form[0].key != "M" {
				fault(BadHeader, "headers is not a map")
				return
			}
			hs, ok := members(form[0].value)
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

func lastIndex(ms []member, key string) int {
	for i := len(ms) - 1; i >= 0; i-- {
		if ms[i].ok && ms[i].key == key {
			return i
		}
	}
	return -1
}

func plainHeaders(r *Record, hs []member, fault func(code, format string, args ...any)) {
	get := func(key, tag string) string {
		if ms, ok := members(last(hs, key)); ok && len(ms) == 1 && ms[0].key == tag {
			s, _ := plainString(ms[0].value)
			return s
		}
		return ""
	}
	require := func(key, value string) {
		if last(hs, key) == nil {
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
	case last(hs, "timestamp") == nil:
		fault(MissingHeader, "headers.timestamp is missing")
	case !ok:
		fault(BadHeader, "headers.timestamp is not a number of milliseconds")
	case t.Before(envelope.MinTimestamp) || !t.Before(envelope.MaxTimestamp):
		fault(BadHeader, "headers.timestamp is out of range")
	default:
		r.Timestamp = ms
	}
}

// plainInt reads an integer in any form of a number.
func plainInt(s string) (int64, bool) {
	n, ok := plainNumber(s)
	if !ok || len(s) > 50 {
		return 0, false
	}
	if _, exp, found := strings.Cut(strings.ToLower(n), "e"); found {
		if e, err := strconv.Atoi(exp); err != nil || e > 50 || e < -50 {
			return 0, false
		}
	}
	x, ok := new(big.Rat).SetString(n)
	if !ok || !x.IsInt() || !x.Num().IsInt64() {
		return 0, false
	}
	return x.Num().Int64(), true
}

var (
	dynamoNumber = regexp.MustCompile(`^([+-]?)([0-9]*)(\.([0-9]*))?([eE][+-]?[0-9]+)?$`)
	jsonNumber   = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
)

// plainNumber returns the JSON form of a DynamoDB number.
func plainNumber(s string) (string, bool) {
	if jsonNumber.MatchString(s) {
		return s, true
	}
	m := dynamoNumber.FindStringSubmatch(s)
	if m == nil || m[2]+m[4] == "" {
		return "", false
	}
	out := strings.TrimPrefix(m[1], "+")
	if whole := strings.TrimLeft(m[2], "0"); whole != "" {
		out += whole
	} else {
		out += "0"
	}
	if m[4] != "" {
		out += "." + m[4]
	}
	return out + m[5], true
}

var escapes = regexp.MustCompile(`\\(u[0-9a-fA-F]{4}|.)`)

// loneSurrogate reports whether JSON text has an escaped surrogate without its
// other half.
func loneSurrogate(raw string) bool {
	high, end := false, 0
	for _, at := range escapes.FindAllStringIndex(raw, -1) {
		e := raw[at[0]:at[1]]
		if high && at[0] != end {
			return true
		}
		c := uint64(0)
		if e[1] == 'u' {
			c, _ = strconv.ParseUint(e[2:], 16, 32)
		}
		low := c >= 0xDC00 && c < 0xE000
		if low != high {
			return true
		}
		high, end = c >= 0xD800 && c < 0xDC00, at[1]
	}
	return high
}

// plainString reads a JSON string strictly.
func plainString(raw []byte) (string, bool) {
	if len(raw) == 0 || raw[0] != '"' || !utf8.Valid(raw) || loneSurrogate(string(raw)) {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// plainQuote writes a JSON string with as few escapes as possible.
func plainQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		c := s[i]
		if j := strings.IndexByte("\"\\\b\f\n\r\t", c); j >= 0 {
			b.WriteByte('\\')
			b.WriteByte(`"\bfnrt`[j])
		} else if c < 0x20 {
			fmt.Fprintf(&b, `\u%04x`, c)
		} else {
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// plainValue returns the JSON form of a DynamoDB JSON value, or the code of
// what is wrong with it.
func plainValue(raw json.RawMessage) (string, string) {
	ms, ok := members(raw)
	if !ok || len(ms) != 1 {
		return "", UnsupportedType
	}
	v := ms[0].value
	scalar := func(tag string, v json.RawMessage) (string, string) {
		s, ok := plainString(v)
		if !ok {
			if len(v) > 0 && v[0] == '"' {
				return "", BadString
			}
			return "", UnsupportedType
		}
		switch tag {
		case "N":
			n, ok := plainNumber(s)
			if !ok {
				return "", BadNumber
			}
			return n, ""
		case "B":
			if _, err := base64.StdEncoding.DecodeString(s); err != nil || strings.ContainsAny(s, "\r\n") {
				return "", BadBinary
			}
		}
		return plainQuote(s), ""
	}
	array := func(each func(json.RawMessage) (string, string)) (string, string) {
		var vs []json.RawMessage
		if v[0] != '[' || json.Unmarshal(v, &vs) != nil {
			return "", UnsupportedType
		}
		out := make([]string, len(vs))
		for i, v := range vs {
			s, code := each(v)
			if code != "" {
				return "", code
			}
			out[i] = s
		}
		return "[" + strings.Join(out, ",") + "]", ""
	}
	switch tag := ms[0].key; tag {
	case "S", "N", "B":
		return scalar(tag, v)
	case "SS", "NS", "BS":
		return array(func(v json.RawMessage) (string, string) { return scalar(tag[:1], v) })
	case "L":
		return array(func(v json.RawMessage) (string, string) { return plainValue(v) })
	case "BOOL":
		if string(v) == "true" || string(v) == "false" {
			return string(v), ""
		}
	case "NULL":
		if string(v) == "true" {
			return "null", ""
		}
	case "M":
		ms, ok := members(v)
		if !ok {
			return "", UnsupportedType
		}
		out := make([]string, len(ms))
		for i, m := range ms {
			s, code := plainValue(m.value)
			if !m.ok {
				code = BadString
			}
			if code != "" {
				return "", code
			}
			out[i] = plainQuote(m.key) + ":" + s
		}
		return "{" + strings.Join(out, ",") + "}", ""
	}
	return "", UnsupportedType
}

// plainTime reads seconds since the epoch, a number or a quoted one.
func plainTime(raw json.RawMessage) time.Time {
	s := string(raw)
	if unquoted, ok := plainString(raw); ok {
		s = unquoted
	}
	s, ok := plainNumber(s)
	if !ok || len(s) > 50 {
		return time.Time{}
	}
	x, ok := new(big.Rat).SetString(s)
	if !ok || x.Sign() < 0 || x.Cmp(big.NewRat(253402300800, 1)) >= 0 {
		return time.Time{}
	}
	x.Mul(x, big.NewRat(1e9, 1))
	nanos := new(big.Int).Quo(x.Num(), x.Denom())
	seconds, nanos := nanos.DivMod(nanos, big.NewInt(1e9), new(big.Int))
	return time.Unix(seconds.Int64(), nanos.Int64()).UTC()
}
