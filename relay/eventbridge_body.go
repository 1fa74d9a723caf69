package relay

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// The body of a PutEvents request is JSON with the Details in it as strings. It
// is written here in one pass: the Details are escaped straight into it
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html).

// appendBody appends the body of a call to b. Members that are empty are left
// out, as the SDK leaves out nil ones.
func (e *EventBridge) appendBody(b []byte, entries []Entry) []byte {
	b = append(b, '{')
	if e.opts.EndpointID != "" {
		b = append(appendString(append(b, `"EndpointId":`...), e.opts.EndpointID), ',')
	}
	b = append(b, `"Entries":[`...)
	for i := range entries {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.appendEntry(b, &entries[i])
	}
	return append(b, ']', '}')
}

func (e *EventBridge) appendEntry(b []byte, entry *Entry) []byte {
	bus := entry.Bus
	if bus == "" {
		bus = e.bus
	}
	b = appendString(append(b, `{"Detail":`...), entry.Detail)
	b = appendString(append(b, `,"DetailType":`...), entry.DetailType)
	b = appendString(append(b, `,"EventBusName":`...), bus)
	if entry.Resources != nil {
		b = append(b, `,"Resources":[`...)
		for i, r := range entry.Resources {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, r)
		}
		b = append(b, ']')
	}
	b = appendString(append(b, `,"Source":`...), entry.Source)
	if !entry.Time.IsZero() {
		b = appendSeconds(append(b, `,"Time":`...), entry.Time)
	}
	if entry.TraceHeader != "" {
		b = appendString(append(b, `,"TraceHeader":`...), entry.TraceHeader)
	}
	return append(b, '}')
}

// appendSeconds appends the seconds since 1970, with the milliseconds as a
// fraction. What is finer is cut off towards 1970, as the SDK does.
func appendSeconds(b []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 && t.Nanosecond()%int(time.Millisecond) != 0 {
		ms++ // UnixMilli rounds down
	}
	if ms < 0 {
		b, ms = append(b, '-'), -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if ms %= 1000; ms == 0 {
		return b
	}
	digits := [...]byte{'.', byte('0' + ms/100), byte('0' + ms/10%10), byte('0' + ms%10)}
	n := len(digits)
	for digits[n-1] == '0' {
		n--
	}
	return append(b, digits[:n]...)
}

// appendString appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD, as in encoding/json and in the SDK.
func appendString[S []byte | string](b []byte, s S) []byte {
	b = append(b, '"')
	from := 0 // what is before it has been appended
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case plain[c]:
			i++
		case c < utf8.RuneSelf:
			b = append(append(b, s[from:i]...), '\\')
			if short := shortEscape[c]; short != 0 {
				b = append(b, short)
			} else {
				b = append(b, 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
			}
			i++
			from = i
		default:
			r, n := decodeRune(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[from:i]...), `\ufffd`...)
				from = i + n
			}
			i += n
		}
	}
	return append(append(b, s[from:]...), '"')
}

// decodeRune is utf8.DecodeRune of the first bytes of s.
func decodeRune[S []byte | string](s S) (rune, int) {
	var first [utf8.UTFMax]byte
	return utf8.DecodeRune(first[:copy(first[:], s)])
}

const hexDigits = "0123456789abcdef"

// plain are the ASCII characters that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// shortEscape has the second character of the escapes of two.
var shortEscape = [256]byte{'"': '"', '\\': '\\', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}
