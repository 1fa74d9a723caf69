package eventitem

import (
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// headers makes the headers of an event, a map at the given level of nesting.
// Millis is the timestamp's text.
func (b *builder) headers(h envelope.Headers, millis string, level int) (types.AttributeValue, *ValueError) {
	b.size += nestedSize
	b.published += len("{}") - 1 // no comma before the first
	m := make(map[string]types.AttributeValue, headerCount(h))

	var first *ValueError
	text := func(name, value string, optional, needed bool) {
		switch size, ok := publishedText(value); {
		case value == "" && optional:
		case value == "" && needed:
			first = firstFault(first, fault("missing, and a relay needs it").inMember(name))
		case !ok:
			first = firstFault(first, fault(badUTF8).inMember(name))
		default:
			b.size += len(name) + elementSize
			b.published += len(`,"":`) + len(name) + size
			m[name] = b.textBox(value)
		}
	}
	number := func(name, digits string) {
		b.size += len(name) + elementSize
		b.published += len(`,"":`) + len(name)
		m[name] = b.integerBox(digits)
	}

	text("eventId", h.EventID, false, true)
	text("correlationId", h.CorrelationID, false, false)
	text("eventName", h.EventName, false, true)
	text("createdBy", h.CreatedBy, false, false)
	text("source", h.Source, false, true)
	text("region", h.Region, false, false)
	if h.Timestamp.Before(envelope.MinTimestamp) || !h.Timestamp.Before(envelope.MaxTimestamp) {
		first = firstFault(first, fault(fmt.Sprintf("outside %s to %s",
			envelope.MinTimestamp.Format(time.DateOnly), envelope.MaxTimestamp.Format(time.DateOnly))).inMember("timestamp"))
	}
	number("timestamp", millis)
	text("causationId", h.CausationID, true, false)
	text("aggregateId", h.AggregateID, true, false)
	if h.Sequence != 0 {
		number("sequence", strconv.FormatInt(h.Sequence, 10))
	}
	text("traceparent", h.TraceParent, true, false)
	text("schemaVersion", h.SchemaVersion, true, false)
	if first != nil {
		return nil, first
	}
	if err := b.extensions(m, h, level); err != nil {
		return nil, err
	}
	box := b.maps.take(8)
	box.Value = m
	return box, nil
}

// headerCount is the number of members that headers have as a map.
func headerCount(h envelope.Headers) int {
	n := 7 + len(h.Extensions)
	for _, optional := range [...]string{h.CausationID, h.AggregateID, h.TraceParent, h.SchemaVersion} {
		if optional != "" {
			n++
		}
	}
	if h.Sequence != 0 {
		n++
	}
	return n
}

func firstFault(first, next *ValueError) *ValueError {
	if first != nil {
		return first
	}
	return next
}

// extensions adds the caller's own headers to m. Of several that are at fault,
// it is always the same one that is reported.
func (b *builder) extensions(m map[string]types.AttributeValue, h envelope.Headers, level int) *ValueError {
	var worst *ValueError
	var worstName string
	for name, raw := range h.Extensions {
		value, err := b.extension(name, raw, level)
		if err != nil {
			if worst == nil || name < worstName {
				worst, worstName = err.inMember(name), name
			}
			continue
		}
		m[name] = value
	}
	return worst
}

func (b *builder) extension(name string, raw []byte, level int) (types.AttributeValue, *ValueError) {
	published, ok := publishedText(name)
	switch {
	case name == "":
		return nil, fault("a header needs a name")
	case !ok:
		return nil, fault("a name that is " + badUTF8)
	case len(name) > MaxName:
		return nil, checkName(name)
	case reserved(name):
		return nil, fault("an extension cannot have the name of a header of the outbox")
	case len(raw) == 0:
		return nil, fault("no value")
	}
	b.size += len(name) + elementSize
	b.published += len(",:") + published
	value, err := b.json(string(raw), level+1)
	if err != nil {
		err.MapOnly = false // headers have no other form
		return nil, err
	}
	return value, nil
}

// reserved reports whether name is that of a field of the headers.
func reserved(name string) bool {
	switch name {
	case "eventId", "correlationId", "eventName", "createdBy", "source", "region", "timestamp",
		"causationId", "aggregateId", "sequence", "traceparent", "schemaVersion":
		return true
	}
	return false
}
