package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/noanswer"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// DeadLetterSink takes what can never be published. A record counts as done when
// Put has returned nil, and as failed when it has returned an error: then it
// comes again. Package relay/deadletter has one that is a DynamoDB table.
//
// The same record may be put more than once, for Lambda may deliver it again
// after Put has succeeded; a sink that can should be idempotent by StreamARN
// and SequenceNumber. Put must return when ctx ends. One invocation puts one
// record after the other, while calls of the publisher are under way; it is
// called by several goroutines at once if the process runs several invocations.
// A panic in it is contained and counts as an error.
//
// It may also be a [Validator]. Package relay/relaytest has a TestSink that judges
// one.
type DeadLetterSink interface {
	Put(context.Context, DeadLetter) error
}

// DeadLetterFunc makes a function a [DeadLetterSink].
type DeadLetterFunc func(context.Context, DeadLetter) error

// Put calls f.
func (f DeadLetterFunc) Put(ctx context.Context, l DeadLetter) error { return f(ctx, l) }

// Block is the dead-letter sink that takes nothing: a record that can never be
// published is reported as failed, and the stream is held up behind it until
// an operator acts or the stream forgets it after 24 h. Put returns [ErrBlocked].
var Block DeadLetterSink = block{}

// block can be compared, so that sink == relay.Block is a question.
type block struct{}

func (block) Put(context.Context, DeadLetter) error { return ErrBlocked }

// DeadLetter is a stream record that cannot be published, and why. The sink
// owns it: nothing in it is shared with the relay.
type DeadLetter struct {
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

	// Code is the reason: an error code of the bus, or one of the relay's own.
	// "TooLarge" is an event that is too large for the bus. Codes such as
	// "MissingEvent", "UnsupportedType" and "BadPayload" are of a record that
	// cannot be read as an event, often an item that is not an event: see
	// envelope.Layout.Marker. Message says which part of the record it is.
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

// deadLetter copies what a sink may keep.
func deadLetter(rec *streamrecord.Record, bus string, why Result, attempts int) DeadLetter {
	return DeadLetter{
		EventID:        rec.EventID,
		Headers:        bytes.Clone(rec.Headers),
		Record:         bytes.Clone(rec.Raw),
		Keys:           bytes.Clone(rec.Keys()),
		Bus:            bus,
		Code:           why.Code,
		Message:        why.Message,
		Attempts:       attempts,
		StreamARN:      rec.StreamARN,
		SequenceNumber: rec.SequenceNumber,
		Time:           time.Now().UTC(),
	}
}

// fault is what may be logged of an error of a sink or a journal: it holds no
// data.
type fault struct {
	blocked    bool // it is Block
	kind, code string
}

func faultOf(err error) *fault {
	code, _ := noanswer.Code(err)
	return &fault{blocked: errors.Is(err, ErrBlocked), kind: fmt.Sprintf("%T", err), code: code}
}

// put calls the sink. A panic is a fault, also one of the sink's error.
func (h *Handler) put(ctx context.Context, l DeadLetter) (f *fault) {
	defer func() {
		if v := recover(); v != nil {
			h.logPanic(ctx, "putting a dead letter", l.EventID, v)
			f = &fault{kind: "panic", code: codePanic}
		}
	}()
	if err := h.sink.Put(ctx, l); err != nil {
		return faultOf(err)
	}
	return nil
}
