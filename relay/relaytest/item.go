package relaytest

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
)

// attribute is an attribute value as DynamoDB JSON: its type and its value.
type attribute map[string]any

// itemOf is the item that a writer makes of an event, without a TTL.
func itemOf(ev envelope.CustomEvent, l envelope.Layout) map[string]attribute {
	must(l.Validate())
	must(ev.Validate())
	l = l.WithDefaults()
	item := map[string]attribute{}
	texts := func(values map[string]string) {
		for name, value := range values {
			if value != "" {
				item[name] = attribute{"S": value}
			}
		}
	}
	texts(l.Attributes)
	if l.AttributesOf != nil {
		texts(l.AttributesOf(ev))
	}
	if l.Marker != "" {
		item[l.Marker] = attribute{"S": envelope.MarkerValue}
	}
	pk, sk, number := ev.Headers.EventID, strconv.FormatInt(ev.Headers.Timestamp.UnixMilli(), 10), true
	if l.Keys != nil {
		pk, sk = l.Keys(ev)
		number = l.NumericSK
	}
	item[l.PK] = attribute{"S": pk}
	switch {
	case sk != "" && number:
		item[l.SK] = attribute{"N": sk}
	case sk != "":
		item[l.SK] = attribute{"S": sk}
	}
	headers := valueOf(marshal(ev.Headers))
	payload := valueOf(ev.Payload)
	if _, text := payload["S"]; text {
		payload = attribute{"S": string(ev.Payload)} // a writer keeps the JSON text
	}
	item[l.Event] = attribute{"M": map[string]attribute{"headers": headers, "payload": payload}}
	return item
}

// keysOf returns the key attributes of an item.
func keysOf[V any](item map[string]V, l envelope.Layout) map[string]V {
	l = l.WithDefaults()
	keys := map[string]V{}
	for _, name := range []string{l.PK, l.SK} {
		if value, ok := item[name]; ok {
			keys[name] = value
		}
	}
	return keys
}

// valueOf is a JSON text as an attribute value.
func valueOf(text []byte) attribute {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var value any
	must(dec.Decode(&value))
	return attributeOf(value)
}

func attributeOf(value any) attribute {
	switch v := value.(type) {
	case bool:
		return attribute{"BOOL": v}
	case json.Number:
		n, _ := decimal.Parse(v.String()) // it is one
		return attribute{"N": n.Text()}
	case string:
		return attribute{"S": v}
	case []any:
		list := make([]attribute, len(v))
		for i := range v {
			list[i] = attributeOf(v[i])
		}
		return attribute{"L": list}
	case map[string]any:
		members := make(map[string]attribute, len(v))
		for name := range v {
			members[name] = attributeOf(v[name])
		}
		return attribute{"M": members}
	}
	return attribute{"NULL": true}
}
