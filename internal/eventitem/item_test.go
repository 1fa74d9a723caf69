package eventitem_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/header"
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

func TestEncodeDefaultLayout(t *testing.T) {
	ev := newEvent(`{"userId":"u1","age":42,"tags":["a",true,null,1.50]}`)
	it, err := eventitem.Encode(ev, envelope.Layout{}, eventitem.Map, 0)
	require.NoError(t, err)
	require.Equal(t, attrs{
		"pk": text("01JDEVENT"),
		"sk": number("1732450000123"),
		"event": object(attrs{
			"headers": object(attrs{
				"eventId": text("01JDEVENT"), "correlationId": text("c1"), "eventName": text("User.Created"),
				"createdBy": text("alice"), "source": text("userService"), "region": text(""), "timestamp": number("1732450000123"),
			}),
			"payload": object(attrs{
				"userId": text("u1"), "age": number("42"), "tags": list(text("a"), boolean(true), null(), number("1.5")),
			}),
		}),
	}, it.Attrs)
	detail := `{"headers":{"eventId":"01JDEVENT","correlationId":"c1","eventName":"User.Created","createdBy":"alice",` +
		`"source":"userService","region":"","timestamp":1732450000123},"payload":{"userId":"u1","age":42,"tags":["a",true,null,1.5]}}`
	require.Equal(t, len(detail), it.DetailSize)
	require.Equal(t, sizeOf(t, it.Attrs), it.Size)
}

func TestEncodeEverything(t *testing.T) {
	ev := newEvent(`"text"`) // to a relay, an S is JSON text
	h := &ev.Headers
	h.Region, h.CausationID, h.AggregateID, h.Sequence = "eu-west-1", "cause", "agg", 7
	h.TraceParent, h.SchemaVersion = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "2"
	h.Extensions = map[string]json.RawMessage{"tenant": json.RawMessage(`{"id": 1e2}`), "a\n": json.RawMessage(` "\u003c" `)}
	l := envelope.AggregateLayout()
	l.PK, l.SK, l.Event, l.TTL, l.Marker = "PK", "SK", "e", "expires", "outbox"
	l.Attributes = map[string]string{"type": "EVENT", "gsi": "G"}

	headers := attrs{
		"eventId": text("01JDEVENT"), "correlationId": text("c1"), "eventName": text("User.Created"),
		"createdBy": text("alice"), "source": text("userService"), "region": text("eu-west-1"), "timestamp": number("1732450000123"),
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
			require.Equal(t, len(slowDetail(t, it.Attrs["e"])), it.DetailSize)
		})
	}
}

func TestEncodeKeys(t *testing.T) {
	keys := func(pk, sk string) func(envelope.CustomEvent) (string, string) {
		return func(envelope.CustomEvent) (string, string) { return pk, sk }
	}
	long := strings.Repeat("k", itemsize.MaxPartitionKey)
	tests := []struct {
		name    string
		layout  envelope.Layout
		want    attrs
		problem string
	}{
		{name: "text", layout: envelope.Layout{Keys: keys("p", "s")}, want: attrs{"pk": text("p"), "sk": text("s")}},
		{name: "no sort key", layout: envelope.Layout{Keys: keys("p", "")}, want: attrs{"pk": text("p")}},
		{name: "number is normalised", layout: envelope.Layout{Keys: keys("p", "007.50"), NumericSK: true}, want: attrs{"pk": text("p"), "sk": number("7.5")}},
		{name: "no number", layout: envelope.Layout{Keys: keys("p", "x"), NumericSK: true}, problem: "sk: not a number"},
		{name: "39 digits", layout: envelope.Layout{Keys: keys("p", strings.Repeat("9", 39)), NumericSK: true}, problem: "sk: more than 38 significant digits"},
		{name: "no partition key", layout: envelope.Layout{Keys: keys("", "s")}, problem: "pk: empty"},
		{name: "longest", layout: envelope.Layout{Keys: keys(long, long[:itemsize.MaxSortKey])}, want: attrs{"pk": text(long), "sk": text(long[:itemsize.MaxSortKey])}},
		{name: "partition key too long", layout: envelope.Layout{Keys: keys(long+"k", "s")}, problem: "pk: 2049 bytes"},
		{name: "bytes count", layout: envelope.Layout{Keys: keys("p", strings.Repeat("é", 513))}, problem: "sk: 1026 bytes"},
		{name: "not UTF-8", layout: envelope.Layout{PK: "id", Keys: keys("\xff", "s")}, problem: "id: not valid UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			it, err := eventitem.Encode(newEvent(`{}`), tt.layout, eventitem.Map, 0)
			if tt.problem != "" {
				require.ErrorContains(t, err, tt.problem)
				require.ErrorAs(t, err, new(*eventitem.ValueError))
				require.Empty(t, it)
				return
			}
			require.NoError(t, err)
			delete(it.Attrs, "event")
			require.Equal(t, tt.want, it.Attrs)
		})
	}
}

func TestEncodeHeaderFaults(t *testing.T) {
	extension := func(name, value string) func(*envelope.Headers) {
		return func(h *envelope.Headers) { h.Extensions = map[string]json.RawMessage{name: json.RawMessage(value)} }
	}
	tests := []struct {
		name string
		set  func(*envelope.Headers)
		want string
	}{
		{"no eventName", func(h *envelope.Headers) { h.EventName = "" }, "headers.eventName: missing"},
		{"no source", func(h *envelope.Headers) { h.Source = "" }, "headers.source: missing"},
		{"extension that is no JSON", extension("x", `{"a":}`), "headers.x.a: not valid JSON at byte 5"},
		{"extension with digits", extension("x.y", "[123456789012345678901234567890123456789]"), `headers["x.y"][0]: more than 38`},
		{"extension 29 deep", extension("x", strings.Repeat("[", 30)+strings.Repeat("]", 30)), "nested too deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ev := newEvent(`{}`)
			tt.set(&ev.Headers)
			for _, form := range []eventitem.Form{eventitem.Map, eventitem.JSONText} {
				_, err := eventitem.Encode(ev, envelope.Layout{}, form, 0)
				require.ErrorContains(t, err, tt.want)
				var v *eventitem.ValueError
				require.ErrorAs(t, err, &v)
				require.False(t, v.MapOnly, "headers have no other form")
			}
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

func TestReservedNamesAreTheEnvelopes(t *testing.T) {
	ev := newEvent("1")
	h := ev.Headers
	h.CausationID, h.AggregateID, h.Sequence, h.SchemaVersion = "c", "a", 1, "1"
	h.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	raw, err := json.Marshal(h)
	require.NoError(t, err)
	var members map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(raw, &members))
	require.Len(t, members, 12)
	for name := range members {
		require.GreaterOrEqual(t, header.Named(name), 0, name)
	}
}

// Two encodings share nothing: a caller may change one.
func TestItemsShareNothing(t *testing.T) {
	ev := newEvent(`{"a":true,"b":null,"c":[1,"x"],"d":{}}`)
	one, err := eventitem.Encode(ev, envelope.Layout{}, eventitem.Map, 0)
	require.NoError(t, err)
	two, err := eventitem.Encode(ev, envelope.Layout{}, eventitem.Map, 0)
	require.NoError(t, err)
	seen := map[types.AttributeValue]bool{}
	var walk func(v types.AttributeValue)
	walk = func(v types.AttributeValue) {
		require.False(t, seen[v], "%T is shared", v)
		seen[v] = true
		switch v := v.(type) {
		case *types.AttributeValueMemberM:
			for _, v := range v.Value {
				walk(v)
			}
		case *types.AttributeValueMemberL:
			for _, v := range v.Value {
				walk(v)
			}
		}
	}
	for _, it := range []eventitem.Item{one, two} {
		for _, v := range it.Attrs {
			walk(v)
		}
	}
	copy(ev.Payload, "??????????????????????")
	require.Equal(t, two.Attrs, one.Attrs)
	require.Equal(t, text("x"), one.Attrs["event"].(*types.AttributeValueMemberM).Value["payload"].(*types.AttributeValueMemberM).Value["c"].(*types.AttributeValueMemberL).Value[1])
}

func sizeOf(t testing.TB, item attrs) int {
	t.Helper()
	size, err := itemsize.Check(item)
	require.NoError(t, err)
	return size
}
