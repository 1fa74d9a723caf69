package envelope

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// Attribute names of the zero Layout.
const (
	DefaultPK    = "pk"
	DefaultSK    = "sk"
	DefaultEvent = "event"
	DefaultTTL   = "ttl"
)

// MarkerValue is what is written under [Layout].Marker: the version of the
// item format. A relay that finds another value does not guess; it treats the
// item as undecodable.
const MarkerValue = "outbox/1"

// Layout says how an event is laid out as an item of the event store. The
// writer and the relay must be given the same Layout; that is all the
// configuration they share.
//
// The zero value is a dedicated table with pk = eventId (S), sk = timestamp
// (N, Unix ms) and the event under "event". It promises no order, and two events
// with one eventId and two timestamps are two items: see Keys.
// [AggregateLayout] is ready-made for ordered events.
//
// A Layout is a value; do not change its map after it has been handed over.
type Layout struct {
	// PK, SK, Event and TTL name the attributes. Empty means "pk", "sk",
	// "event" and "ttl". The TTL attribute is only written by a writer that
	// has a TTL.
	PK, SK, Event, TTL string

	// Marker names an attribute that is written with the constant
	// [MarkerValue] on every event item. A table that holds other items too
	// needs it: with a Marker, the relay skips items that lack it; without
	// one, every new item counts as an event, and an item that is not an event
	// is a dead letter. Empty means no marker.
	//
	// Set it on the writer first, and on the relay when every event without it
	// has left the stream: a relay with a Marker skips the events of a writer
	// that has none, and they are not published. relay.Metrics counts them in
	// SkippedNotEvent.
	Marker string

	// Keys returns the key values of an event's item. Nil means eventId (S)
	// and timestamp (N): an eventId is unique in the store only together with
	// its timestamp, so an event with an id of your own needs a time of your
	// own. An empty sk means a table without a sort key. It must be a
	// pure function of the event: appending an event twice must give the same
	// item. The event carries the source and region of the writer when Keys is
	// called.
	Keys func(CustomEvent) (pk, sk string)

	// NumericSK writes the sk that Keys returns as a number (N). Without
	// Keys it has no meaning: the default sort key is a number.
	NumericSK bool

	// Attributes are constant string attributes written on every event item,
	// such as an entity type. See AttributesOf for those of the event's own.
	Attributes map[string]string

	// AttributesOf returns string attributes of the event's own, such as the
	// key of an index; nil for none. An attribute with an empty value is left
	// out: no key can be empty, and an index can be sparse. A name has 1 to 255
	// bytes and is none of the layout's others. Like Keys it must be a pure
	// function of the event, which carries the source and region of the writer.
	AttributesOf func(CustomEvent) map[string]string

	// Ordered makes the relay keep the order of events that have the same
	// aggregateId: none is sent before an earlier one has been accepted. It
	// says something only about what the stream itself delivers in order, so
	// the events of one aggregate must share a partition key. Events without
	// an aggregateId are refused by a writer with this layout, and so is the
	// layout itself without Keys.
	Ordered bool
}

// AggregateLayout is the layout in which pk = aggregateId (S) and sk =
// sequence (N). Each aggregate's sequence numbers are unique, as a condition of
// the commit. The relay sorts the events of one aggregate within a batch by
// their sequence, and sends none before an earlier one that it has received is
// accepted; of what the stream brings late it cannot know, nor of what another
// invocation has: the mapping's ParallelizationFactor must be 1. Every event needs
// an aggregateId and a sequence.
func AggregateLayout() Layout {
	return Layout{
		Keys: func(ev CustomEvent) (string, string) {
			return ev.Headers.AggregateID, strconv.FormatInt(ev.Headers.Sequence, 10)
		},
		NumericSK: true,
		Ordered:   true,
	}
}

// WithDefaults returns the layout with every empty attribute name filled in.
// Marker stays as it is: empty means none.
func (l Layout) WithDefaults() Layout {
	fill := func(name *string, value string) {
		if *name == "" {
			*name = value
		}
	}
	fill(&l.PK, DefaultPK)
	fill(&l.SK, DefaultSK)
	fill(&l.Event, DefaultEvent)
	fill(&l.TTL, DefaultTTL)
	return l
}

// Validate returns an error that says why the layout cannot be used. No two
// attributes may share a name, names and values are UTF-8, and Ordered needs
// Keys. Names are limited to 255 bytes, which is what DynamoDB allows for keys
// and for attributes that an index projects
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
func (l Layout) Validate() error {
	l = l.WithDefaults()
	used := map[string]string{}
	claim := func(field, name string) error {
		if name == "" {
			return fmt.Errorf("envelope: layout %s: empty attribute name", field)
		}
		if !utf8.ValidString(name) {
			return fmt.Errorf("envelope: layout %s: attribute name is not valid UTF-8", field)
		}
		if len(name) > 255 {
			return fmt.Errorf("envelope: layout %s: attribute name of %d bytes, at most 255", field, len(name))
		}
		if other, ok := used[name]; ok {
			return fmt.Errorf("envelope: layout %s and %s share the attribute name %q", other, field, name)
		}
		used[name] = field
		return nil
	}
	errs := []error{claim("PK", l.PK), claim("SK", l.SK), claim("Event", l.Event), claim("TTL", l.TTL)}
	if l.Marker != "" {
		errs = append(errs, claim("Marker", l.Marker))
	}
	for _, name := range slices.Sorted(maps.Keys(l.Attributes)) {
		errs = append(errs, claim("Attributes", name))
		if !utf8.ValidString(l.Attributes[name]) {
			errs = append(errs, fmt.Errorf("envelope: layout Attributes: value of %q is not valid UTF-8", name))
		}
	}
	if l.Ordered && l.Keys == nil {
		errs = append(errs, errors.New("envelope: layout Ordered without Keys: where each event has a partition key of its own, "+
			"the stream has no order to keep; see AggregateLayout"))
	}
	return errors.Join(errs...)
}
