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
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
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
	va, errA := payloadValue(a)
	vb, errB := payloadValue(b)
	return errA == nil && errB == nil && sameJSON(va, vb)
}

var errNotJSON = errors.New("not JSON")

// payloadValue returns a payload as encoding/json would decode it, numbers as
// json.Number.
func payloadValue(v types.AttributeValue) (any, error) {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok || s == nil {
		return jsonValue(v)
	}
	d := json.NewDecoder(strings.NewReader(s.Value))
	d.UseNumber()
	var out any
	if err := d.Decode(&out); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotJSON
	}
	return out, nil
}

// jsonValue returns a value of the map form as JSON. A value that JSON does not
// have, such as a set, is not of an event's payload.
func jsonValue(v types.AttributeValue) (any, error) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		if v != nil {
			return v.Value, nil
		}
	case *types.AttributeValueMemberN:
		if v != nil {
			return json.Number(v.Value), nil
		}
	case *types.AttributeValueMemberBOOL:
		if v != nil {
			return v.Value, nil
		}
	case *types.AttributeValueMemberNULL:
		if v != nil {
			return nil, nil
		}
	case *types.AttributeValueMemberL:
		if v != nil {
			return jsonArray(v.Value)
		}
	case *types.AttributeValueMemberM:
		if v != nil {
			return jsonObject(v.Value)
		}
	}
	return nil, errNotJSON
}

func jsonArray(list []types.AttributeValue) (any, error) {
	array := make([]any, len(list))
	for i, element := range list {
		var err error
		if array[i], err = jsonValue(element); err != nil {
			return nil, err
		}
	}
	return array, nil
}

func jsonObject(m map[string]types.AttributeValue) (any, error) {
	object := make(map[string]any, len(m))
	for name, element := range m {
		var err error
		if object[name], err = jsonValue(element); err != nil {
			return nil, err
		}
	}
	return object, nil
}

func sameJSON(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && decimal.Equal(a.String(), b.String())
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, sameJSON)
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, sameJSON)
	}
	return a == b // a string, a bool or nil
}
