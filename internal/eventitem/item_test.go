package eventitem_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
)

type attrs = map[string]types.AttributeValue

func text(v string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: v} }
func number(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }
func object(v attrs) types.AttributeValue  { return &types.AttributeValueMemberM{Value: v} }
func list(v ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: v}
}
func boolean(v bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: v} }
func null() types.AttributeValue          { return &types.AttributeValueMemberNULL{Value: true} }

// newEvent returns an event with the headers that every event has.
func newEvent(payload string) envelope.CustomEvent {
	return envelope.CustomEvent{
		Headers: envelope.Headers{
			EventID:       "01JDEVENT",
			CorrelationID: "c1",
			EventName:     "User.Created",
			CreatedBy:     "alice",
			Source:        "userService",
			Timestamp:     time.UnixMilli(1732450000123),
		},
		Payload: json.RawMessage(payload),
	}
}

func TestEncodeEverything(t *testing.T) {
	ev := newEvent(`"text"`) // to a relay, an S is JSON text
	h := &ev.Headers
	h.CreatedBy = "\"alice\"\n"
	h.Region, h.CausationID, h.AggregateID, h.Sequence = "eu-west-1", "cause", "agg", 7
	h.TraceParent, h.SchemaVersion = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "2"
	h.Extensions = map[string]json.RawMessage{"tenant": json.RawMessage(`{"id": 1e2}`), "a\n": json.RawMessage(` "\u003c" `)}
	l := envelope.AggregateLayout()
	l.PK, l.SK, l.Event, l.TTL, l.Marker = "PK", "SK", "e", "expires", "outbox"
	l.Attributes = map[string]string{"type": "EVENT", "gsi": "G"}

	headers := attrs{
		"eventId": text("01JDEVENT"), "correlationId": text("c1"), "eventName": text("User.Created"),
		"createdBy": text("\"alice\"\n"), "source": text("userService"), "region": text("eu-west-1"), "timestamp": number("1732450000123"),
		"causationId": text("cause"), "aggregateId": text("agg"), "sequence": number("7"),
		"traceparent": text(h.TraceParent), "schemaVersion": text("2"),
		"tenant": object(attrs{"id": number("100")}), "a\n": text("<"),
	}
	for name, form := range map[string]eventitem.Form{"map": eventitem.Map, "JSON text": eventitem.JSONText} {
		t.Run(name, func(t *testing.T) {
			it, err := eventitem.Encode(ev, l, form, 1735000000)
			require.NoError(t, err)
			require.Equal(t, attrs{
				"PK": text("agg"), "SK": number("7"), "outbox": text(envelope.MarkerValue), "type": text("EVENT"), "gsi": text("G"),
				"expires": number("1735000000"),
				"e":       object(attrs{"headers": object(headers), "payload": text(`"text"`)}),
			}, it.Attrs)
			require.Equal(t, sizeOf(t, it.Attrs), it.Size)
			requirePublished(t, it, "e")
		})
	}
}

// Whatever order a map is walked in, the same event gets the same error.
func TestTheSameFaultIsReportedEachTime(t *testing.T) {
	ev := newEvent(`{}`)
	ev.Headers.Extensions = map[string]json.RawMessage{}
	for _, name := range []string{"d", "b", "c", "a", "e", "f", "g", "h", "i"} {
		ev.Headers.Extensions[name] = json.RawMessage("?")
	}
	for range 50 {
		_, err := eventitem.Encode(ev, envelope.Layout{}, eventitem.Map, 0)
		require.ErrorContains(t, err, "headers.a: not valid JSON")
	}
}

func sizeOf(t testing.TB, item attrs) int {
	t.Helper()
	size, err := itemsize.Check(item)
	require.NoError(t, err)
	return size
}
