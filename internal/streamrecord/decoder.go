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
// What is not emitted is skipped: its strings and brackets are followed to
// where it ends, and nothing more is asked of it.
//
// Names are compared exactly, after their escapes have been resolved. Members
// may come in any order, and members that are not known are skipped. AWS sends
// no member twice. If one of those that are read here comes twice, nobody can
// say which of the two was meant: the record is Undecodable, and its fault
// names the member. Within headers and payload, members that are only copied
// are not compared with each other.
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
// the records is damaged, the batch as a whole is an error. So is a batch that
// does not come from a DynamoDB stream with new images.
//
// # How the code is arranged
//
// From the outside to the inside, each file using only those behind it:
// decoder.go reads the invocation, record.go a record, event.go the event
// attribute in it, and value.go a value, with number.go and text.go for what
// is a number or a string in the end. keys.go has the names of all members that
// are known. batch.go and fault.go are what is handed out.
//
// Everywhere, p is a position in the source and n one in the output. What is
// called copy… takes both, and returns both behind what it has read and
// written, and a problem; with a problem, the position in the source is where
// it was found.
package streamrecord

import (
	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// Config says how event items are recognised.
type Config struct {
	// Event is the name of the attribute that holds the event. "" means
	// envelope.DefaultEvent.
	Event string
	// Marker is the name of the attribute that marks event items: an item
	// without it is NotEvent. "" means that there is none: every new item is an
	// event, and one that cannot be read as an event is Undecodable.
	Marker string
	// MarkerValue is what an event item has under Marker, as an S. "" means
	// envelope.MarkerValue. Without a Marker it has no meaning.
	MarkerValue string
}

// Decoder decodes batches, one after the other, into buffers that it reuses.
// They grow to the size of the largest payload and stay, and the last payload
// is held on to as well. It is not safe for concurrent use.
type Decoder struct {
	recordReader
	batch     Batch
	unwrapped []byte // the text of a payload that an on-failure record holds as a string
}

// NewDecoder returns a decoder of event items as cfg describes them.
func NewDecoder(cfg Config) *Decoder {
	if cfg.Event == "" {
		cfg.Event = envelope.DefaultEvent
	}
	if cfg.MarkerValue == "" {
		cfg.MarkerValue = envelope.MarkerValue
	}
	d := &Decoder{}
	d.keys, d.markerValue = newKeys(cfg.Event, cfg.Marker), cfg.MarkerValue
	return d
}

// Decode reads the raw payload of an invocation: what Lambda hands to a
// function with a DynamoDB event source mapping, or what Lambda stores in S3
// about a batch that has failed, which has that in it
// (https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html).
// The batch is valid until the next call and as long as payload is unchanged;
// payload is not written to.
//
// An error means that nothing of the batch can be processed: a [*FormatError]
// if the payload cannot be divided into records, a [*SourceError] or a
// [*StreamViewError] if a record shows that the batch comes from another
// source, or that the stream carries no new images.
func (d *Decoder) Decode(payload []byte) (*Batch, error) {
	inner, err := d.invocation(payload)
	if inner != nil {
		if inner, err = d.invocation(inner); inner != nil {
			err = &FormatError{0, noRecords}
		}
		d.batch.OnFailure = true
	}
	if err == nil {
		err = d.refusal
	}
	if err != nil {
		return nil, err
	}
	return &d.batch, nil
}

const noRecords = `no array "Records"`

// invocation reads src into the batch. If src is an on-failure record, it
// returns the payload in that, and there is no batch.
func (d *Decoder) invocation(src []byte) (inner []byte, err error) {
	d.src, d.n, d.refusal = src, 0, nil
	d.batch = Batch{Records: d.batch.Records[:0]}
	p := jsonlex.Space(src, 0)
	if jsonlex.At(src, p) != '{' {
		return nil, &FormatError{p, "no JSON object"}
	}
	var seen memberSet
	var bad jsonlex.Fault
	found := false
	p, more := jsonlex.First(src, p)
	for more {
		start := p
		name, value := d.key(p)
		if value < 0 {
			return nil, &FormatError{start, "no member of an object"}
		}
		m := d.keys.named(inInvocation, unknownMember, name)
		if m != unknownMember && seen.has(m) {
			return nil, &FormatError{start, `a second "` + d.keys.names[m] + `"`}
		}
		seen |= 1 << m
		if m == invocationRecords && jsonlex.At(src, value) == '[' {
			found = true
			if p, err = d.records(value); err != nil {
				return nil, err
			}
		} else if p = jsonlex.Skip(src, value); p >= 0 {
			switch m {
			case invocationWindow:
				d.batch.Window = !isNull(src, value, p)
			case invocationState:
				d.batch.State = src[value:p:p]
			case invocationPayload:
				inner = src[value:p]
			}
		}
		if p, more, bad = jsonlex.Next(src, p, '}'); bad != jsonlex.None {
			return nil, &FormatError{value, "no end of the value that begins"}
		}
	}
	if p = jsonlex.Space(src, p); p < len(src) {
		return nil, &FormatError{p, "something behind the event"}
	}
	if found {
		return nil, nil
	}
	return d.unwrap(inner)
}

// unwrap returns the payload in an on-failure record, which is an object or the
// text of one in a string.
func (d *Decoder) unwrap(value []byte) ([]byte, error) {
	switch jsonlex.At(value, 0) {
	case '{':
		return value, nil
	case '"':
		if _, _, bad := jsonlex.String(value, 0); bad == jsonlex.None {
			d.unwrapped = jsonlex.AppendText(d.unwrapped[:0], value, 0)
			return d.unwrapped, nil
		}
	}
	return nil, &FormatError{0, noRecords}
}

// records reads the array at src[p].
func (d *Decoder) records(p int) (int, error) {
	if len(d.dst) < len(d.src)+spare {
		d.dst = make([]byte, len(d.src)+spare)
	}
	d.texts.reset()
	before := &noRecord
	var bad jsonlex.Fault
	p, more := jsonlex.First(d.src, p)
	for more {
		start := p
		d.batch.Records = append(d.batch.Records, Record{})
		rec := &d.batch.Records[len(d.batch.Records)-1]
		if p = d.read(p, rec, before); p < 0 {
			return -1, &FormatError{start, "no end of the record that begins"}
		}
		before = rec
		if p, more, bad = jsonlex.Next(d.src, p, ']'); bad != jsonlex.None {
			return -1, &FormatError{start, "neither comma nor end behind the record"}
		}
	}
	return p, nil
}

var noRecord Record
