// Package eventitem is the item of the event store: an event as DynamoDB
// attributes, and what such attributes weigh.
//
// [Encode] makes the item and, in the same pass, everything that has to be
// known before the commit: what DynamoDB or EventBridge would refuse, as a
// [ValueError] with the path of the value; the size of the item as DynamoDB
// counts it; and the length of the Detail that the relay will publish.
// [ItemSize] sizes anybody's item by the same rules, [Equal] compares values,
// and [EventOf] recognises an event's item.
//
// Everything here is a pure function without I/O, clock or randomness, and safe
// for concurrent use.
package eventitem

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
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

// Encode makes the item of an event. The event is taken as it is: whoever calls
// has filled in source, region and createdBy. ttl is the expiry in epoch
// seconds; 0 means none. The same arguments give equal items.
//
// Encode checks what is stored and published: that the headers a relay needs
// are there, text and JSON are well-formed, and neither DynamoDB nor EventBridge
// refuses a value. It leaves to the caller what [envelope.Headers.Validate]
// checks beyond that, and to compare Size and DetailSize with their limits. The
// error is a [*ValueError].
func Encode(ev envelope.CustomEvent, l envelope.Layout, form Form, ttl int64) (Item, error) {
	l = l.WithDefaults()
	b := builders.Get().(*builder)
	defer b.release()

	item := make(map[string]types.AttributeValue, 5+len(l.Attributes))
	millis := strconv.FormatInt(ev.Headers.Timestamp.UnixMilli(), 10)
	if err := b.keys(item, ev, l, millis); err != nil {
		return Item{}, err
	}
	if l.Marker != "" {
		b.size += len(l.Marker)
		item[l.Marker] = b.textBox(envelope.MarkerValue)
	}
	for name, value := range l.Attributes {
		b.size += len(name)
		item[name] = b.textBox(value)
	}
	more, err := attributesOf(item, ev, l)
	if err != nil {
		return Item{}, err
	}
	b.size += more
	if ttl != 0 {
		b.size += len(l.TTL)
		item[l.TTL] = b.integerBox(strconv.FormatInt(ttl, 10))
	}

	b.published = 0 // from here on it counts the Detail
	b.size += len(l.Event)
	event, err := b.event(ev, millis, form)
	if err != nil {
		return Item{}, err
	}
	item[l.Event] = event
	return Item{Attrs: item, Size: b.size, DetailSize: b.published}, nil
}

// event makes the value of the event attribute.
func (b *builder) event(ev envelope.CustomEvent, millis string, form Form) (types.AttributeValue, error) {
	const level = 1 // of the attribute's own map
	b.size += nestedSize + len(headersName) + elementSize + len(payloadName) + elementSize
	b.published += len(`{"headers":,"payload":}`)

	headers, err := b.headers(ev.Headers, millis, level+1)
	if err != nil {
		return nil, err.under(headersName)
	}
	payload, err := b.payload(ev.Payload, form, level+1)
	if err != nil {
		return nil, err.under(payloadName)
	}
	box := b.maps.take(8)
	box.Value = map[string]types.AttributeValue{headersName: headers, payloadName: payload}
	return box, nil
}

func (b *builder) payload(payload []byte, form Form, level int) (types.AttributeValue, *ValueError) {
	if len(payload) == 0 {
		return nil, fault("missing; an event without one has the payload null")
	}
	text := string(payload)
	// An S is always JSON text to a relay, so a payload that is a string has
	// its quotes on in either form.
	if form == Map && !isText(text) {
		return b.json(text, level)
	}
	if err := checkText(text, level); err != nil {
		return nil, err
	}
	b.published += len(text)
	return b.textBox(text), nil
}

// isText reports whether a JSON text is that of a string.
func isText(text string) bool {
	s := scanner{src: text}
	s.space()
	return s.peek() == '"'
}

// keys makes the key attributes of an event's item.
func (b *builder) keys(item map[string]types.AttributeValue, ev envelope.CustomEvent, l envelope.Layout, millis string) error {
	b.size += len(l.PK)
	if l.Keys == nil {
		if err := checkKey(l.PK, ev.Headers.EventID, MaxPartitionKey); err != nil {
			return err
		}
		b.size += len(l.SK)
		item[l.PK] = b.textBox(ev.Headers.EventID)
		item[l.SK] = b.integerBox(millis)
		return nil
	}
	pk, sk := l.Keys(ev)
	if err := checkKey(l.PK, pk, MaxPartitionKey); err != nil {
		return err
	}
	item[l.PK] = b.textBox(pk)
	if sk == "" {
		return nil
	}
	b.size += len(l.SK)
	if !l.NumericSK {
		if err := checkKey(l.SK, sk, MaxSortKey); err != nil {
			return err
		}
		item[l.SK] = b.textBox(sk)
		return nil
	}
	n, ok := decimal.Parse(sk)
	if !ok {
		return faultAt(l.SK, "not a number, which a layout with NumericSK needs")
	}
	if err := n.Check(); err != nil {
		return faultAt(l.SK, err.Error()+", which a DynamoDB number cannot hold")
	}
	item[l.SK] = b.numberBox(string(n.AppendPlain(nil)), n.Size())
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
	if _, ok := publishedText(value); !ok {
		return faultAt(name, badUTF8)
	}
	return nil
}

// integerBox makes an N of digits that strconv.FormatInt wrote.
func (b *builder) integerBox(digits string) *types.AttributeValueMemberN {
	n, _ := decimal.ParseJSON(digits)
	return b.numberBox(digits, n.Size())
}
