// Package streamrecord reads the DynamoDB stream event that Lambda hands to a
// function, and turns the event items in it into the bytes to publish.
//
// The payload is read once, from left to right, and nothing of it is turned
// into Go values but the few strings of a [Record]. An event goes straight from
// DynamoDB JSON to JSON in one buffer.
//
// # What is checked
//
// Everything that is emitted: a Detail is always valid JSON and valid UTF-8.
// What is not emitted is framed, that is, its strings and brackets are
// followed to where it ends, and nothing more is asked of it.
//
// Names are compared exactly, after their escapes have been resolved. Members
// may come in any order, and members that are not known are skipped. If a
// member comes twice, the last one counts, as in encoding/json (decoding into
// maps). That goes for everything that is read here. Within a Detail, members
// that come twice are written twice, except headers and payload themselves.
//
// # What is written
//
// Numbers are written digit for digit, but those forms that DynamoDB takes for
// numbers and JSON does not are brought into JSON's: "+5", ".5", "5.", "007".
// Strings are written with as few escapes as JSON allows, whatever escapes the
// stream has. B is written as its base64 string, a set as an array. A payload
// of type S is JSON text and is written as it is.
//
// # What is wrong
//
// A record that is damaged, or that cannot be published, is Undecodable and
// leaves the others alone. As long as the brackets and strings in it are in
// order, it is known where it ends. If they are not, or if the event around
// the records is damaged, the batch as a whole is an error.
package streamrecord

import "github.com/dynamodb-outbox/dynamodb-outbox/envelope"

// Config says how event items are recognised.
type Config struct {
	// Event is the name of the attribute that holds the event. "" means
	// envelope.DefaultEvent.
	Event string
	// Marker is the name of the attribute that marks event items: an item
	// without it is NotEvent. "" means none: every new item is an event, and
	// one that is not is Undecodable.
	Marker string
	// MarkerValue is what an event item has under Marker, as an S. "" means
	// envelope.MarkerValue. Without a Marker it has no meaning.
	MarkerValue string
}

// Decoder decodes batches, one after the other, into buffers that it reuses.
// They grow to the size of the largest payload and stay, and the last payload
// is held on to as well. It is not safe for concurrent use.
type Decoder struct {
	cfg Config

	src []byte // the payload
	dst []byte // the Details of all records; what is written is never longer than what was read
	n   int    // the end of the last Detail in dst

	open     nesting
	scratch  []byte
	metadata metadata

	// of the record that is being read
	state recordState
	item  item

	batch     Batch
	wrongView *StreamViewError
}

// NewDecoder returns a decoder of event items as cfg describes them.
func NewDecoder(cfg Config) *Decoder {
	if cfg.Event == "" {
		cfg.Event = envelope.DefaultEvent
	}
	if cfg.MarkerValue == "" {
		cfg.MarkerValue = envelope.MarkerValue
	}
	return &Decoder{cfg: cfg}
}

// Decode reads the raw payload of an invocation. The batch is valid until the
// next call and as long as payload is unchanged; payload is not written to.
//
// An error means that nothing of the batch can be processed: a [*FormatError]
// if the payload cannot be divided into records, a [*StreamViewError] if a
// record shows that the stream carries no new images.
func (d *Decoder) Decode(payload []byte) (*Batch, error) {
	if len(d.dst) < len(payload)+spare {
		d.dst = make([]byte, len(payload)+spare)
	}
	d.src = payload
	p := space(payload, 0)
	if at(payload, p) != '{' {
		return nil, &FormatError{p, "no JSON object"}
	}
	found := false
	d.batch = Batch{Records: d.batch.Records}
	p, more := first(payload, p)
	for more {
		start := p
		name, value := d.key(p)
		if value < 0 {
			return nil, &FormatError{start, "no member of an object"}
		}
		switch p = value; {
		case string(name) == "Records":
			d.n, d.wrongView, d.batch.Records = 0, nil, d.batch.Records[:0]
			d.metadata.reset()
			if found = at(payload, p) == '['; found {
				var err error
				if p, err = d.records(p); err != nil {
					return nil, err
				}
				break
			}
			p = skip(payload, p)
		case string(name) == "window":
			p = skip(payload, p)
			d.batch.Window = !isNull(payload, value, p)
		case string(name) == "state":
			if p = skip(payload, p); p >= 0 {
				d.batch.State = payload[value:p:p]
			}
		default:
			p = skip(payload, p)
		}
		if p, more = next(payload, p, '}'); p < 0 {
			return nil, &FormatError{value, "no end of the value that begins"}
		}
	}
	if p = space(payload, p); p < len(payload) {
		return nil, &FormatError{p, "something behind the event"}
	}
	if !found {
		return nil, &FormatError{0, `no array "Records"`}
	}
	if d.wrongView != nil {
		return nil, d.wrongView
	}
	d.metadata.hand(d.batch.Records)
	return &d.batch, nil
}

// records reads the array at src[p].
func (d *Decoder) records(p int) (int, error) {
	p, more := first(d.src, p)
	for more {
		start := p
		if p = d.record(p); p < 0 {
			return -1, &FormatError{start, "no end of the record that begins"}
		}
		if p, more = next(d.src, p, ']'); p < 0 {
			return -1, &FormatError{start, "neither comma nor end behind the record"}
		}
	}
	return p, nil
}
