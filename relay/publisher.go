package relay

import (
	"context"
	"fmt"
	"time"
)

// Publisher sends entries to a bus. It is the seam between the relay and what
// it publishes to; [NewEventBridge] makes the one for a classic event bus of Amazon
// EventBridge, package relay/custombus the one for a Custom Event Bus.
//
// A Publisher is used by several goroutines at once when
// [Options].Concurrency is above 1 or when one process runs several
// invocations.
//
// It may also be a [Validator], an [Explainer] and a [BusChecker]. Package
// relay/relaytest has a TestPublisher that judges one.
type Publisher interface {
	// Limits says what one call may hold. It must not change over time.
	Limits() Limits

	// Size returns what the entry counts for against Limits().Bytes, by the
	// bus's own formula. It must be a pure function of the entry.
	Size(Entry) int

	// Publish makes one call. It must return when ctx ends.
	//
	// It returns one result per entry, at the entry's index. Any other number
	// of results means that nothing of the call counts as published, and
	// neither does an entry whose result is the zero Result.
	//
	// An error says that the call failed as a whole; results are ignored then.
	// A [*CallError] gives it a class; any other error is [Transient].
	//
	// All entries of a call have the same Bus. They, and the Detail of each,
	// are valid during the call only and must not be changed.
	Publish(ctx context.Context, entries []Entry) ([]Result, error)
}

// Validator is what a [Publisher] or a [DeadLetterSink] may be whose constructor
// returns no error: [NewHandler] asks it what is wrong with its arguments.
type Validator interface {
	// Validate returns an error that names each wrong argument.
	Validate() error
}

// Explainer is what a [Publisher] may be that knows rules of its bus. What the
// event itself explains is a dead letter without further evidence, and what
// only [Options].Route has brought in is held as a fault of the configuration,
// before it is sent.
type Explainer interface {
	// Explain says in a few words which rule of the bus the entry breaks, ""
	// if none is known. The words must hold no data of the event.
	//
	// It is asked about an entry that the bus has refused. With Options.Route it
	// is also asked before an entry is sent, as it was committed and as Route has
	// made it, both with an empty Detail. It must be a pure function of the
	// entry.
	Explain(Entry) string
}

// BusChecker is what a [Publisher] may be that can look whether a bus exists.
type BusChecker interface {
	// CheckBus returns nil if the bus exists, an error that wraps
	// [ErrNoSuchBus] if it does not, and one that wraps [ErrBusUnchecked] if
	// it cannot be found out and asking again is no use. Any other error means
	// that asking again may help. An empty bus is the publisher's own.
	CheckBus(ctx context.Context, bus string) error
}

// Limits of one call. Both are at least 1.
type Limits struct {
	Entries int // entries per call
	Bytes   int // sum of Size over the entries of a call
}

// Entry is one event on its way to a bus.
type Entry struct {
	// EventID is headers.eventId: what consumers dedupe on, and the
	// deduplication id of a bus that has one.
	EventID string

	// Group is headers.aggregateId, "" for an event without one: what order
	// is kept within, and the group id of a FIFO bus.
	Group string

	// Source and DetailType are headers.source and headers.eventName unless
	// [Options].Route changed them.
	Source, DetailType string

	// Bus is where the entry goes, by name or ARN. Empty means the
	// publisher's own bus.
	Bus string

	// TraceHeader is the X-Ray form of headers.traceparent, "" without one.
	TraceHeader string

	// Time is headers.timestamp.
	Time time.Time

	// Resources are ARNs that the event is about. None unless
	// [Options].Route sets them.
	Resources []string

	// Detail is the event as JSON: {"headers":{…},"payload":…}. It is valid
	// during the call only.
	Detail []byte
}

// Result is what became of one entry. The zero Result means unpublished, for
// an unknown reason.
type Result struct {
	Class   Class
	ID      string // the bus's own id of the event, if it gave one
	Code    string // the bus's error code; logged, so it must not hold data of the event
	Message string // the bus's words; they may quote the event, so they are never logged
}

// Class says what a result means for the relay. The zero Class is [Transient].
type Class uint8

const (
	// Transient: not published, and trying again may help. It is also what
	// every unknown fault is. The entry is sent again a bounded number of
	// times, then reported as failed.
	Transient Class = iota

	// Accepted: the bus has the event.
	Accepted

	// Deduplicated: the bus had the event already. It counts as accepted.
	Deduplicated

	// EventFault: the bus refuses this event for its content. It goes to the
	// dead letters when something shows that the configuration is not to
	// blame; see the package documentation. Of a whole call it means: refused
	// for its content or its size; the call is split until the entry at
	// fault stands alone.
	EventFault

	// ConfigFault: the bus refuses for a reason that is not in the event:
	// permissions, an absent bus. The event is reported as failed and logged as
	// an error, and does not go to the dead letters, however old it is. What is
	// held in the same way because every entry of a call was an EventFault does,
	// after 20 hours on the stream.
	ConfigFault
)

// String returns the name of the class.
func (c Class) String() string {
	switch c {
	case Transient:
		return "Transient"
	case Accepted:
		return "Accepted"
	case Deduplicated:
		return "Deduplicated"
	case EventFault:
		return "EventFault"
	case ConfigFault:
		return "ConfigFault"
	default:
		return fmt.Sprintf("Class(%d)", uint8(c))
	}
}

// CallError is how a [Publisher] classes a call that failed as a whole.
type CallError struct {
	// Class is Transient, EventFault or ConfigFault; anything else counts as
	// Transient.
	Class Class

	// Code is the bus's error code, or a short name of the fault. It is
	// logged, so it must not hold data of the event.
	Code string

	// Retried says that the publisher has already tried as often as is good.
	// The relay then does not repeat the call in this invocation.
	Retried bool

	// Err is the cause. Its text may quote the event, so Error leaves it out.
	Err error
}

// Error names the class and the code, and not the cause: the texts of AWS may
// quote the event.
func (e *CallError) Error() string {
	if e == nil {
		return "relay: call failed"
	}
	return fmt.Sprintf("relay: call failed: %s (%s)", e.Code, e.Class)
}

// Unwrap returns the cause.
func (e *CallError) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}
