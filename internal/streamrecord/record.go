package streamrecord

import (
	"fmt"
	"time"
)

// Kind says what a stream record is to the relay.
type Kind uint8

const (
	// Event is an INSERT of an event item: Detail and the headers are set.
	Event Kind = iota + 1
	// NotEvent is an INSERT of an item without the configured marker
	// attribute: another kind of item in a shared table.
	NotEvent
	// Modify is a changed item. Events are never changed, so it is none.
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

// Record is one record of a batch.
//
// The byte slices belong to the payload or to the decoder: see [Batch]. The
// strings are real strings and stay valid, but all strings of a batch share
// one allocation; clone one that is kept for long. None of them is checked
// beyond what its comment says.
type Record struct {
	Kind Kind

	// Raw is the record's own JSON. It is never nil, but for an Undecodable
	// record it need not be valid JSON.
	Raw []byte
	// Keys is the raw JSON of dynamodb.Keys, in DynamoDB JSON. Nil if absent
	// or not an object. It is framed, not validated.
	Keys []byte

	// SequenceNumber, StreamARN and AWSRegion are those of the record, ""
	// if absent or unreadable. SequenceNumber is not checked to be a number.
	SequenceNumber, StreamARN, AWSRegion string

	// EventID, EventName, Source, Region, AggregateID and TraceParent are
	// headers of the event. The first three are not empty in a record of kind
	// Event. Region, AggregateID and TraceParent are "" if absent or of
	// another type than S. An Undecodable record has those that were readable.
	EventID, EventName, Source, Region, AggregateID, TraceParent string

	// Timestamp is the timestamp header in Unix milliseconds, within
	// [envelope.MinTimestamp, envelope.MaxTimestamp) in a record of kind
	// Event; 0 if unreadable.
	Timestamp int64
	// Sequence is the sequence header, 0 if absent, not an N or not an int64.
	Sequence int64

	// CreatedAt is dynamodb.ApproximateCreationDateTime in UTC, from a number
	// of seconds or a quoted one. Zero if absent or unreadable.
	CreatedAt time.Time

	// Detail is the event as JSON, ready to be published. Nil in a record of
	// any other kind than Event.
	Detail []byte

	// Headers are the event's headers as JSON, a part of Detail. An Undecodable
	// record has them too, if they could be read.
	Headers []byte

	// Fault says what is wrong with an Undecodable record, else nil.
	Fault *Fault
}

// Batch is what one Lambda invocation delivers.
//
// It and its slices belong to the decoder and to the payload: they are valid
// until the next Decode of the same decoder, as long as the payload is not
// changed.
type Batch struct {
	Records []Record
	// Window reports that the mapping has a tumbling window: the invocation
	// has a "window" that is not null and must be answered with a state.
	Window bool
	// State is the raw JSON of "state", nil if absent. It is framed, not
	// validated.
	State []byte
}
