package eventitem

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// attributesOf adds the layout's attributes of the event's own to its item, which
// has the others.
func (v *values) attributesOf(item map[string]types.AttributeValue, ev envelope.CustomEvent, l envelope.Layout) error {
	if l.AttributesOf == nil {
		return nil
	}
	attributes := l.AttributesOf(ev)
	for _, name := range slices.Sorted(maps.Keys(attributes)) { // the same error each time
		value := attributes[name]
		if value == "" {
			continue
		}
		_, taken := item[name]
		switch {
		case name == "", !utf8.ValidString(name), len(name) > maxIndexName:
			return fault(fmt.Sprintf("Layout.AttributesOf: a name that is not 1 to %d bytes of UTF-8", maxIndexName)).inMember(name).under("")
		case taken, name == l.SK, name == l.TTL, name == l.Event:
			return fault("Layout.AttributesOf: the name of another attribute of the layout").inMember(name).under("")
		}
		if !utf8.ValidString(value) {
			return fault("Layout.AttributesOf: a value that is not UTF-8").inMember(name).under("")
		}
		v.size += len(name)
		item[name] = v.text(value)
	}
	return nil
}

// maxIndexName bounds the name of an attribute that an index may have
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
const maxIndexName = 255
