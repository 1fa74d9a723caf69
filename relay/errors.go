package relay

import (
	"errors"
	"fmt"
)

var (
	// ErrNoSuchBus says that a bus does not exist.
	ErrNoSuchBus = errors.New("relay: no such event bus")

	// ErrBusUnchecked says that it cannot be found out whether a bus exists:
	// no permission to ask, a bus of another account, a global endpoint.
	ErrBusUnchecked = errors.New("relay: event bus not checked")

	// ErrBlocked is what [Block] answers.
	ErrBlocked = errors.New("relay: dead letters are blocked")

	// ErrDeadLetter is for [Options].Route: an error that wraps it sends the
	// event to the dead letters.
	ErrDeadLetter = errors.New("relay: send to the dead letters")
)

// UnpublishedError is what Invoke returns when a record is neither accepted by
// the bus nor by the dead-letter sink: Lambda then delivers the batch again.
// Its text holds ids and codes, never data of an event.
type UnpublishedError struct {
	// Records is the number of records in the batch, Unpublished how many of
	// them have to come again.
	Records, Unpublished int

	// The first record that failed, in stream order. EventID is empty if the
	// record could not be read.
	SequenceNumber, EventID string

	// Class and Code say why it failed.
	Class Class
	Code  string

	// Err is the cause, of a call that failed as a whole: a [*CallError]; else
	// nil.
	Err error
}

// Unwrap returns the cause.
func (e *UnpublishedError) Unwrap() error { return e.Err }

// Error says how many records are unpublished and why the first of them is.
func (e *UnpublishedError) Error() string {
	return fmt.Sprintf("relay: %d of %d records unpublished, from sequence number %q, event %q: %s (%s); deliver the batch again",
		e.Unpublished, e.Records, clip(e.SequenceNumber), clip(e.EventID), e.Code, e.Class)
}
