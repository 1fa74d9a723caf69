// Package eventitem is the item of the event store: an event as DynamoDB
// attributes, and what such attributes weigh.
//
// [Encode] makes the item and, in the same pass, everything that has to be
// known before the commit: what DynamoDB or EventBridge would refuse, as a
// [ValueError] with the path of the value; the size of the item as DynamoDB
// counts it; and the length of the Detail that the relay will publish. [Equal]
// compares values, and [EventOf] recognises an event's item.
//
// Everything here is a pure function without I/O, clock or randomness, and safe
// for concurrent use.
package eventitem

import (
	"fmt"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// Form says how a payload is stored.
type Form uint8

const (
	// Map stores a payload as DynamoDB values: objects are M, arrays L,
	// numbers N. DynamoDB must be able to hold it: 38 digits, 31 levels, no
	// empty keys. Numbers come back as DynamoDB writes them. A payload that is
	// a string is stored as with [JSONText].
	Map Form = iota

	// JSONText stores a payload as it is, as one S of JSON text.
	JSONText
)

// Members of the event attribute and of the Detail.
const (
	headersName = "headers"
	payloadName = "payload"
)

// Item is an event as an item of the event store.
type Item struct {
	// Attrs belongs to the caller. No value of it is shared with the event or
	// with another item.
	Attrs map[string]types.AttributeValue

	// Size is the item's size in bytes as DynamoDB counts it, names included.
	Size int

	// DetailSize is the length in bytes of {"headers":…,"payload":…} as the
	// relay publishes it.
	DetailSize int
}

// Encode makes the item of an event. The event is taken as it is: its headers
// are filled in, and such as [envelope.Headers.Validate] takes. ttl is the
// expiry in epoch seconds; 0 means none. The same arguments give equal items.
//
// Encode checks the values that are stored and published: that payload and
// extensions are exact JSON, and neither DynamoDB nor EventBridge refuses any of
// it. It leaves to the caller to compare Size and DetailSize with their limits.
// The error is a [*ValueError].
func Encode(ev envelope.CustomEvent, l envelope.Layout, form Form, ttl int64) (Item, error) {
	l = l.WithDefaults()
	var v values
	item := make(map[string]types.AttributeValue, 5+len(l.Attributes))
	if err := v.keys(item, ev, l); err != nil {
		return Item{}, err
	}
	if l.Marker != "" {
		v.size += len(l.Marker)
		item[l.Marker] = v.text(envelope.MarkerValue)
	}
	for name, value := range l.Attributes {
		v.size += len(name)
		item[name] = v.text(value)
	}
	if err := v.attributesOf(item, ev, l); err != nil {
		return Item{}, err
	}
	if ttl != 0 {
		v.size += len(l.TTL)
		item[l.TTL] = v.integer(ttl)
	}

	v.published = 0 // from here on it counts the Detail
	v.size += len(l.Event)
	event, err := v.event(ev, form)
	if err != nil {
		return Item{}, err
	}
	item[l.Event] = event
	return Item{Attrs: item, Size: v.size, DetailSize: v.published}, nil
}

// event makes the value of the event attribute.
func (v *values) event(ev envelope.CustomEvent, form Form) (types.AttributeValue, error) {
	const level = 1 // of the attribute's own map
	headers, err := v.headers(ev.Headers, level+1)
	if err != nil {
		return nil, err.under(headersName)
	}
	payload, err := v.payload(ev.Payload, form, level+1)
	if err != nil {
		return nil, err.under(payloadName)
	}
	v.size += len(headersName) + itemsize.Element + len(payloadName) + itemsize.Element
	v.published += len(`"headers":,"payload":`)
	return v.object(map[string]types.AttributeValue{headersName: headers, payloadName: payload}), nil
}

func (v *values) payload(payload []byte, form Form, level int) (types.AttributeValue, *ValueError) {
	if len(payload) == 0 {
		return nil, fault("missing; an event without one has the payload null")
	}
	w := walker{src: string(payload)}
	// An S is always JSON text to a relay, so a payload that is a string has
	// its quotes on in either form.
	if form == Map && !isText(w.src) {
		w.values = v
		return w.walk(level)
	}
	if _, err := w.walk(level); err != nil {
		return nil, err
	}
	v.published += len(w.src)
	return v.text(w.src), nil
}

// isText reports whether a JSON text is that of a string.
func isText(text string) bool {
	return jsonlex.At(text, jsonlex.Space(text, 0)) == '"'
}

// keys makes the key attributes of an event's item.
func (v *values) keys(item map[string]types.AttributeValue, ev envelope.CustomEvent, l envelope.Layout) error {
	v.size += len(l.PK)
	if l.Keys == nil {
		if err := checkKey(l.PK, ev.Headers.EventID, itemsize.MaxPartitionKey); err != nil {
			return err
		}
		v.size += len(l.SK)
		item[l.PK] = v.text(ev.Headers.EventID)
		item[l.SK] = v.integer(ev.Headers.Timestamp.UnixMilli())
		return nil
	}
	pk, sk := l.Keys(ev)
	if err := checkKey(l.PK, pk, itemsize.MaxPartitionKey); err != nil {
		return err
	}
	item[l.PK] = v.text(pk)
	if sk == "" {
		return nil
	}
	v.size += len(l.SK)
	if !l.NumericSK {
		if err := checkKey(l.SK, sk, itemsize.MaxSortKey); err != nil {
			return err
		}
		item[l.SK] = v.text(sk)
		return nil
	}
	n, ok := decimal.Parse(sk)
	if !ok {
		return faultAt(l.SK, "not a number, which a layout with NumericSK needs")
	}
	if err := n.Check(); err != nil {
		return faultAt(l.SK, err.Error()+", which a DynamoDB number cannot hold")
	}
	item[l.SK] = v.number(&n)
	return nil
}

// checkKey checks the value of a key of type S.
func checkKey(name, value string, limit int) error {
	switch {
	case value == "":
		return faultAt(name, "empty, which a key cannot be")
	case len(value) > limit:
		return faultAt(name, fmt.Sprintf("%d bytes, this key takes %d", len(value), limit))
	}
	if !utf8.ValidString(value) {
		return faultAt(name, jsonlex.BadUTF8.String())
	}
	return nil
}
