package relay

import (
	"slices"
	"strconv"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// The body of a PutEvents request is JSON with the Details in it as strings. It
// is written here in one pass: the Details are escaped straight into it
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html).

// appendBody appends the body of a call to b. Members that are empty are left
// out, as the SDK leaves out nil ones.
func (e *EventBridge) appendBody(b []byte, entries []Entry) []byte {
	size, longest := 0, 0
	for i := range entries {
		n := len(entries[i].Detail)
		size += n / 4 * 5 // with its escapes, as a rule
		longest = max(longest, n)
	}
	b = append(slices.Grow(b, size+longest), '{') // AppendQuoted makes room for twice the text
	if e.opts.EndpointID != "" {
		b = append(jsonlex.AppendQuoted(append(b, `"EndpointId":`...), e.opts.EndpointID), ',')
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
	b = jsonlex.AppendQuoted(append(b, `{"Detail":`...), entry.Detail)
	b = jsonlex.AppendQuoted(append(b, `,"DetailType":`...), entry.DetailType)
	b = jsonlex.AppendQuoted(append(b, `,"EventBusName":`...), bus)
	if entry.Resources != nil {
		b = append(b, `,"Resources":[`...)
		for i, r := range entry.Resources {
			if i > 0 {
				b = append(b, ',')
			}
			b = jsonlex.AppendQuoted(b, r)
		}
		b = append(b, ']')
	}
	b = jsonlex.AppendQuoted(append(b, `,"Source":`...), entry.Source)
	if !entry.Time.IsZero() {
		b = appendSeconds(append(b, `,"Time":`...), entry.Time)
	}
	if entry.TraceHeader != "" {
		b = jsonlex.AppendQuoted(append(b, `,"TraceHeader":`...), entry.TraceHeader)
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
