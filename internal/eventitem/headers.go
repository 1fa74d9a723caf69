package eventitem

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/header"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// headers makes the headers of an event, a map at the given level of nesting.
func (v *values) headers(h envelope.Headers, level int) (types.AttributeValue, *ValueError) {
	fields := (*header.Fields)(&h)
	m := make(map[string]types.AttributeValue, fields.Count()+len(h.Extensions))
	for i, row := range header.Table {
		if row.Number {
			if n := fields.Number(i); n != 0 || row.Always {
				v.name(row.Name)
				m[row.Name] = v.integer(n)
			}
			continue
		}
		if text := *fields.Text(i); text != "" || row.Always {
			v.name(row.Name)
			v.published += jsonlex.QuotedLen(text)
			m[row.Name] = v.text(text)
		}
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
	v.size += len(name) + itemsize.Element
	v.published += len(`,"":`) + len(name)
}

// extensions adds the caller's own headers to m. Of several that are at fault,
// it is always the same one that is reported.
func (v *values) extensions(m map[string]types.AttributeValue, h envelope.Headers, level int) *ValueError {
	var worst *ValueError
	var worstName string
	for name, raw := range h.Extensions {
		err := checkKeyOfMap(name)
		if err == nil {
			v.size += len(name) + itemsize.Element
			v.published += len(",:") + jsonlex.QuotedLen(name)
			w := walker{src: string(raw), values: v}
			m[name], err = w.walk(level + 1)
		}
		if err != nil && (worst == nil || name < worstName) {
			worst, worstName = err.inMember(name), name
			worst.MapOnly = false // headers have no other form
		}
	}
	return worst
}
