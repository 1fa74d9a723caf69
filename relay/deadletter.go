package relay

import (
	"context"
	"time"
)

// DeadLetter takes what can never be published. A record counts as done when
// Put has returned nil, and as failed when it has returned an error: then it
// comes again.
//
// The same record may be put more than once, for Lambda may deliver it again
// after Put has succeeded; a sink that can should be idempotent by StreamARN
// and SequenceNumber. Put must return when ctx ends. It is called by several
// goroutines at once if the process runs several invocations. A panic in it is
// contained and counts as an error.
type DeadLetter interface {
	Put(context.Context, DeadRecord) error
}

// DeadLetterFunc makes a function a [DeadLetter].
type DeadLetterFunc func(context.Context, DeadRecord) error

// Put calls f.
func (f DeadLetterFunc) Put(ctx context.Context, r DeadRecord) error { return f(ctx, r) }

// Block is the dead-letter sink that takes nothing: a record that can never be
// published is reported as failed, and the stream is held up behind it until
// somebody acts or the stream forgets it after 24 h. Put returns [ErrBlocked].
var Block DeadLetter = block{}

// block can be compared, so that dl == relay.Block is a question.
type block struct{}

func (block) Put(context.Context, DeadRecord) error { return ErrBlocked }

// DeadRecord is a stream record that cannot be published, and why. The sink
// owns it: nothing in it is shared with the relay.
type DeadRecord struct {
	// EventID is headers.eventId, empty if it could not be read.
	EventID string

	// Headers are the event's headers as JSON, nil if they could not be read.
	Headers []byte

	// Record is the stream record as Lambda delivered it. It is not always
	// valid JSON: that may be what is wrong with it.
	Record []byte

	// Keys are the keys of the event's item in the event store, as DynamoDB
	// JSON: {"pk":{"S":"…"},…}. Nil if they could not be read.
	Keys []byte

	// Bus is where the event was to go; empty means the publisher's own bus.
	Bus string

	// Code is the reason: an error code of the bus, or one of the relay's own
	// such as "BadPayload" or "TooLarge".
	Code string

	// Message is the reason in words. It may quote the event: do not log it.
	Message string

	// Attempts is how often the event was sent in the invocation that gave
	// up, 0 if it never was.
	Attempts int

	// StreamARN and SequenceNumber identify the record; empty if they could
	// not be read.
	StreamARN, SequenceNumber string

	// Time is when the relay gave up.
	Time time.Time
}
