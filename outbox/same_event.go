package outbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// owns reports whether the action is an event Put of this writer.
func (w *Writer) owns(action types.TransactWriteItem) (eventID, eventName string, ok bool) {
	put := action.Put
	if put == nil || put.TableName == nil || tableName(*put.TableName) != tableName(w.table) {
		return "", "", false
	}
	ev, ok := eventitem.EventOf(put.Item, w.opts.Layout)
	return ev.EventID, ev.EventName, ok
}

func (w *Writer) meets(put *types.Put, item map[string]types.AttributeValue) (finding, error) {
	mine, other := eventIn(put.Item, w.opts.Layout), eventIn(item, w.opts.Layout)
	switch {
	case other.EventID == "":
		// An event that was erased, or an item that never was one.
		return changed, fmt.Errorf("%w: an item that shows no eventId", ErrEventExists)
	case other.EventID != mine.EventID && sameHeader(mine, other, "aggregateId") && sameHeader(mine, other, "sequence"):
		return taken, ErrSequenceTaken
	case other.EventID != mine.EventID:
		return taken, ErrEventExists
	}
	if where := difference(mine.Value, other.Value); where != "" {
		return changed, fmt.Errorf("%w: the same eventId, but another %s; an event is made once and not changed", ErrEventExists, where)
	}
	return there, nil
}

// eventIn returns the event of an item, wherever it is: the writer of an earlier
// attempt may have had another Layout.Event, or no Marker.
func eventIn(item map[string]types.AttributeValue, l envelope.Layout) eventitem.Event {
	ev, _ := eventitem.EventOf(item, l)
	if ev.EventID != "" {
		return ev
	}
	for _, name := range slices.Sorted(maps.Keys(item)) {
		l.Event = name
		if other, _ := eventitem.EventOf(item, l); other.EventID != "" {
			return other
		}
	}
	return ev
}

// filledIn are the headers that a writer fills in, so that two writers may differ
// in them.
var filledIn = []string{"source", "region", "createdBy"}

// difference returns where two event attributes differ in what the caller gave,
// such as "payload" or "headers.tenantId", and "" where they do not.
func difference(a, b types.AttributeValue) string {
	for _, name := range namesOf(a, b) {
		va, vb := member(a, name), member(b, name)
		switch {
		case name == "headers":
			for _, header := range namesOf(va, vb) {
				if !slices.Contains(filledIn, header) && !eventitem.Equal(member(va, header), member(vb, header)) {
					return jsonlex.Path(jsonlex.AppendKey([]byte("headers"), header))
				}
			}
		case name == "payload":
			if !samePayload(va, vb) {
				return name
			}
		case !eventitem.Equal(va, vb):
			return jsonlex.Path(jsonlex.AppendKey([]byte("event"), name))
		}
	}
	return ""
}

// namesOf returns the names of the members of two maps, in order.
func namesOf(a, b types.AttributeValue) []string {
	names := slices.AppendSeq(slices.Collect(maps.Keys(membersOf(a))), maps.Keys(membersOf(b)))
	slices.Sort(names)
	return slices.Compact(names)
}

func membersOf(v types.AttributeValue) map[string]types.AttributeValue {
	if m, ok := v.(*types.AttributeValueMemberM); ok && m != nil {
		return m.Value
	}
	return nil
}

func member(v types.AttributeValue, name string) types.AttributeValue { return membersOf(v)[name] }

// sameHeader reports whether both events have the header, with the same value.
func sameHeader(a, b eventitem.Event, name string) bool {
	value := member(member(a.Value, "headers"), name)
	return value != nil && eventitem.Equal(value, member(member(b.Value, "headers"), name))
}

// samePayload reports whether two payloads are the same JSON value, in whatever
// form they are stored: as a map, or as JSON text in an S.
func samePayload(a, b types.AttributeValue) bool {
	if eventitem.Equal(a, b) {
		return true
	}
	va, okA := payloadValue(a)
	vb, okB := payloadValue(b)
	return okA && okB && eventitem.Equal(va, vb)
}

// payloadValue returns a payload as a map would have it, false for an S that is
// not JSON text.
func payloadValue(v types.AttributeValue) (types.AttributeValue, bool) {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok || s == nil {
		return v, true
	}
	d := json.NewDecoder(strings.NewReader(s.Value))
	d.UseNumber()
	var decoded any
	if err := d.Decode(&decoded); err != nil {
		return nil, false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, false
	}
	return attributeOf(decoded), true
}

// attributeOf returns a decoded JSON value as a value of DynamoDB, whether that
// could hold it or not.
func attributeOf(v any) types.AttributeValue {
	switch v := v.(type) {
	case string:
		return &types.AttributeValueMemberS{Value: v}
	case json.Number:
		return &types.AttributeValueMemberN{Value: v.String()}
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}
	case []any:
		list := make([]types.AttributeValue, len(v))
		for i := range v {
			list[i] = attributeOf(v[i])
		}
		return &types.AttributeValueMemberL{Value: list}
	case map[string]any:
		m := make(map[string]types.AttributeValue, len(v))
		for name := range v {
			m[name] = attributeOf(v[name])
		}
		return &types.AttributeValueMemberM{Value: m}
	}
	return &types.AttributeValueMemberNULL{Value: true}
}
