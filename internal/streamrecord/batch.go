package streamrecord

import (
	"fmt"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// Kind says what a stream record is to the relay.
type Kind uint8

const (
	// Event is an INSERT of an event item: Detail and the headers are set.
	Event Kind = iota + 1
	// NotEvent is an INSERT of an item without the configured marker
	// attribute: another kind of item in a shared table. If it has an EventID,
	// it looks like an event whose writer does not write that marker.
	NotEvent
	// Modify is a changed item. Events are never changed, so it is not one.
	Modify
	// Remove is an item deleted by a user.
	Remove
	// ServiceRemove is an item deleted by DynamoDB itself: time to live.
	ServiceRemove
	// Undecodable is a record that is damaged, or an event item that cannot
	// be published as it stands. Fault says why.
	Undecodable
)

var kindNames = [...]string{
	Event: "Event", NotEvent: "NotEvent", Modify: "Modify", Remove: "Remove", ServiceRemove: "ServiceRemove", Undecodable: "Undecodable",
}

func (k Kind) String() string {
	if k < Event || k > Undecodable {
		return fmt.Sprintf("Kind(%d)", uint8(k))
	}
	return kindNames[k]
}

// Batch is what one Lambda invocation delivers.
//
// It and its slices, those of the records too, belong to the decoder and to the
// payload: they are valid until the next Decode of the same decoder, as long as
// the payload is not changed. The slices of bytes have no room behind their
// ends that an append could write into.
type Batch struct {
	Records []Record

	// Window reports that the mapping has a tumbling window: the invocation
	// has a "window" that is not null and must be answered with a state.
	Window bool
	// State is the raw JSON of "state", nil if absent. It is not checked to be
	// JSON.
	State []byte

	// OnFailure reports that the payload was an on-failure record of Lambda's,
	// and the batch the one in it. It is published again on purpose, and no
	// stream waits for the answer.
	OnFailure bool
}

// Record is one record of a batch.
//
// Its byte slices are borrowed: see [Batch]. The strings are real strings and
// stay valid, but those of a batch share few allocations; clone one that is kept
// for long. None of them is checked beyond what its comment says.
type Record struct {
	Kind Kind
	// Fault says what is wrong with an Undecodable record, else nil. It stays
	// valid.
	Fault *Fault

	// Raw is the record's own JSON. It is never nil, but for an Undecodable
	// record it need not be valid JSON.
	Raw []byte

	// SequenceNumber and StreamARN are those of the record, "" if absent, null or
	// unreadable. SequenceNumber is not checked to be a number.
	SequenceNumber, StreamARN string

	// CreatedAt is when the record came on the stream, in UTC:
	// dynamodb.ApproximateCreationDateTime, a number of seconds or a quoted one.
	// Zero if absent or unreadable.
	CreatedAt time.Time

	// EventHeaders are what the relay needs of the event's headers. A record of
	// kind Event has them all checked, one of kind Undecodable or NotEvent has
	// those that were readable, every other has none.
	EventHeaders

	// Detail is the event as JSON, ready to be published. Nil in a record of
	// any other kind than Event.
	Detail []byte
	// Headers are the event's headers as JSON, a part of Detail. An Undecodable
	// record has them too, if they could be read.
	Headers []byte
}

// Keys returns the raw JSON of dynamodb.Keys, in DynamoDB JSON, which is a part of
// Raw; nil if absent or not an object. It is not checked to be JSON.
func (r *Record) Keys() []byte {
	keys := jsonlex.Find(r.Raw, 0, "dynamodb", "Keys")
	if jsonlex.At(keys, 0) != '{' {
		return nil
	}
	return keys
}

// EventHeaders are the headers of an event that the relay reads. All headers
// are in the Detail.
type EventHeaders struct {
	// EventID, EventName and Source are required, and not empty in a record of
	// kind Event.
	EventID, EventName, Source string
	// Region, AggregateID and TraceParent are "" if absent or of another type
	// than S.
	Region, AggregateID, TraceParent string
	// Timestamp is in Unix milliseconds, within [envelope.MinTimestamp,
	// envelope.MaxTimestamp) in a record of kind Event; 0 if unreadable.
	Timestamp int64
	// Sequence is 0 if absent, not an N or not an int64.
	Sequence int64
}
