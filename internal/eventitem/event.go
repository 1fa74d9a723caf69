package eventitem

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/header"
)

// Event is what an item says of the event it holds.
type Event struct {
	Value     types.AttributeValue // of the event attribute; nil if there is none
	EventID   string               // "" if the item has none that is an S
	EventName string               // likewise
}

// EventOf returns the event of an item and reports whether the item is one of
// an event: with a marker in the layout, if that attribute has this version's
// value; without one, if the event attribute is a map whose headers have an
// eventId. Item may be nil. The event's Value is the item's own, not a copy.
func EventOf(item map[string]types.AttributeValue, l envelope.Layout) (Event, bool) {
	l = l.WithDefaults()
	ev := Event{Value: item[l.Event]}
	headers := member(ev.Value, headersName)
	ev.EventID, _ = textOf(member(headers, header.Table[header.EventID].Name))
	ev.EventName, _ = textOf(member(headers, header.Table[header.EventName].Name))
	if l.Marker != "" {
		marker, _ := textOf(item[l.Marker])
		return ev, marker == envelope.MarkerValue
	}
	return ev, ev.EventID != ""
}

// member returns a member of a map, nil if v is no map or has none.
func member(v types.AttributeValue, name string) types.AttributeValue {
	if m, ok := v.(*types.AttributeValueMemberM); ok && m != nil {
		return m.Value[name]
	}
	return nil
}

func textOf(v types.AttributeValue) (string, bool) {
	if s, ok := v.(*types.AttributeValueMemberS); ok && s != nil {
		return s.Value, true
	}
	return "", false
}
