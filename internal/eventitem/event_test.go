package eventitem_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

func TestEventOf(t *testing.T) {
	marked := envelope.Layout{Marker: "outbox"}
	encode := func(l envelope.Layout, form eventitem.Form) attrs {
		it, err := eventitem.Encode(newEvent(`{"a":1}`), l, form, 0)
		require.NoError(t, err)
		return it.Attrs
	}
	with := func(item attrs, name string, v types.AttributeValue) attrs {
		item[name] = v
		return item
	}
	tests := []struct {
		name   string
		item   attrs
		layout envelope.Layout
		want   bool
		id     string
	}{
		{"own item", encode(envelope.Layout{}, eventitem.Map), envelope.Layout{}, true, "01JDEVENT"},
		{"own item as JSON text", encode(envelope.Layout{}, eventitem.JSONText), envelope.Layout{}, true, "01JDEVENT"},
		{"other attribute", encode(envelope.Layout{Event: "e"}, eventitem.Map), envelope.Layout{}, false, ""},
		{"marked", encode(marked, eventitem.Map), marked, true, "01JDEVENT"},
		{"marked, but nobody asks", encode(marked, eventitem.Map), envelope.Layout{}, true, "01JDEVENT"},
		{"marker missing", encode(envelope.Layout{}, eventitem.Map), marked, false, "01JDEVENT"},
		{"marker of another version", with(encode(marked, eventitem.Map), "outbox", text("outbox/2")), marked, false, "01JDEVENT"},
		{"marker of another kind", with(encode(marked, eventitem.Map), "outbox", number("1")), marked, false, "01JDEVENT"},
		{"marked without an event", attrs{"outbox": text(envelope.MarkerValue)}, marked, true, ""},
		{"nil item", nil, envelope.Layout{}, false, ""},
		{"nil item, marked", nil, marked, false, ""},
		{"event is text", attrs{"event": text("x")}, envelope.Layout{}, false, ""},
		{"event is a nil map", attrs{"event": (*types.AttributeValueMemberM)(nil)}, envelope.Layout{}, false, ""},
		{"headers are text", attrs{"event": object(attrs{"headers": text("x")})}, envelope.Layout{}, false, ""},
		{"eventId is a number", attrs{"event": object(attrs{"headers": object(attrs{"eventId": number("1")})})}, envelope.Layout{}, false, ""},
		{"eventId is a nil text", attrs{"event": object(attrs{"headers": object(attrs{"eventId": (*types.AttributeValueMemberS)(nil)})})}, envelope.Layout{}, false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ev, ok := eventitem.EventOf(tt.item, tt.layout)
			require.Equal(t, tt.want, ok)
			require.Equal(t, tt.id, ev.EventID)
			if tt.id != "" {
				require.Equal(t, "User.Created", ev.EventName)
				require.Equal(t, tt.item["event"], ev.Value)
			}
		})
	}
}
