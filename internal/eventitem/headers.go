package eventitem

import (
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/header"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// headers makes the headers of an event, a map at the given level of nesting.
func (v *values) headers(h envelope.Headers, level int) (types.AttributeValue, *ValueError) {
	fields := (*header.Fields)(&h)
	m := make(map[string]types.AttributeValue, fields.Count()+len(h.Extensions))
	for i, row := range header.Table {
		if row.Number {
			n := fields.Number(i)
			if n == 0 && !row.Always {
				continue
			}
			v.name(row.Name)
			m[row.Name] = v.integer(n)
			continue
		}
		text := *fields.Text(i)
		switch {
		case text == "" && row.Required:
			return nil, fault("missing, and a relay needs it").inMember(row.Name)
		case text == "" && !row.Always:
			continue
		case !utf8.ValidString(text):
			return nil, fault(jsonlex.BadUTF8.String()).inMember(row.Name)
		}
		v.name(row.Name)
		v.published += jsonlex.QuotedLen(text)
		m[row.Name] = v.text(text)
	}
	if h.Timestamp.Before(envelope.MinTimestamp) || !h.Timestamp.Before(envelope.MaxTimestamp) {
		return nil, fault(fmt.Sprintf("outside %s to %s", envelope.MinTimestamp.Format(time.DateOnly),
			envelope.MaxTimestamp.Format(time.DateOnly))).inMember(header.Table[header.Timestamp].Name)
	}
	if err := v.extensions(m, h, level); err != nil {
		return nil, err
	}
	v.published-- // the first member has no comma before it
	return v.object(m), nil
}

// name counts the name of a header, which needs no escapes, and the comma
// before it.
func (v *values) name(name string) {
	v.size += len(name) + elementSize
	v.published += len(`,"":`) + len(name)
}

// extensions adds the caller's own headers to m. Of several that are at fault,
// it is always the same one that is reported.
func (v *values) extensions(m map[string]types.AttributeValue, h envelope.Headers, level int) *ValueError {
	var worst *ValueError
	var worstName string
	for name, raw := range h.Extensions {
		value, err := v.extension(name, raw, level)
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

func (v *values) extension(name string, raw []byte, level int) (types.AttributeValue, *ValueError) {
	switch {
	case name == "":
		return nil, fault("a header needs a name")
	case !utf8.ValidString(name):
		return nil, fault("a name that is " + jsonlex.BadUTF8.String())
	case len(name) > MaxName:
		return nil, checkKeyOfMap(name)
	case header.Named(name) >= 0:
		return nil, fault("an extension cannot have the name of a header of the outbox")
	case len(raw) == 0:
		return nil, fault("no value")
	}
	v.size += len(name) + elementSize
	v.published += len(",:") + jsonlex.QuotedLen(name)
	w := walker{src: string(raw), values: v}
	value, err := w.walk(level + 1)
	if err != nil {
		err.MapOnly = false // headers have no other form
		return nil, err
	}
	return value, nil
}
