package relay

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/delivery"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/isnil"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// Handler is a Lambda handler for the stream of an event store. It is safe for
// concurrent use.
type Handler struct {
	publisher Publisher
	limits    Limits // the publisher's
	sink      DeadLetterSink
	opts      Options

	// what the process has learned
	evidence  delivery.Evidence
	done      *memory[struct{}] // records that are done
	failures  *memory[failure]  // events that have failed
	highest   *memory[int64]    // sequences accepted, by aggregate
	probes    probes
	readEvent atomic.Bool // an event has been read
	said      said

	runs sync.Pool // of *run
}

// said are the remarks that a handler makes once.
type said struct {
	mapping, region sync.Once
}

// NewHandler returns a handler that publishes through p and puts what can
// never be published into sink. Both are required; [Block] says in so many words
// that there are no dead letters.
//
// It does no I/O. It returns an error that names what is wrong with an
// argument or an option, also with those of the constructors of p and sink.
func NewHandler(p Publisher, sink DeadLetterSink, optFns ...func(*Options)) (*Handler, error) {
	var opts Options
	for _, fn := range optFns {
		if fn != nil {
			fn(&opts)
		}
	}
	opts, err := opts.withDefaults()
	errs := []error{err, validateJournal(opts.Journal)}
	if isnil.Value(p) {
		errs = append(errs, errors.New("relay: publisher is nil; use NewEventBridge"))
	} else if v, ok := p.(Validator); ok {
		errs = append(errs, v.Validate())
	}
	if isnil.Value(sink) {
		errs = append(errs, errors.New("relay: dead-letter sink is nil; "+
			"give one, or relay.Block to hold the stream up behind what cannot be published"))
	} else if v, ok := sink.(Validator); ok {
		errs = append(errs, v.Validate())
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	limits := p.Limits()
	if limits.Entries < 1 || limits.Bytes < 1 {
		return nil, fmt.Errorf("relay: publisher limits of %d entries and %d bytes; both must be at least 1", limits.Entries, limits.Bytes)
	}
	return &Handler{
		publisher: p,
		limits:    limits,
		sink:      sink,
		opts:      opts,
		done:      newMemory[struct{}](opts.Memory),
		failures:  newMemory[failure](largestBatch),
		highest:   newMemory[int64](largestBatch),
	}, nil
}

func (h *Handler) newDecoder() *streamrecord.Decoder {
	return streamrecord.NewDecoder(streamrecord.Config{
		Event: h.opts.Layout.Event, Marker: h.opts.Layout.Marker, MarkerValue: envelope.MarkerValue,
	})
}

// Check looks whether the publisher's bus exists, for a start-up that wants to
// fail early. It returns nil if it does; an error that wraps [ErrNoSuchBus] or
// [ErrBusUnchecked], or the fault of the question itself. A publisher that is
// no [BusChecker] cannot be checked: [ErrBusUnchecked].
func (h *Handler) Check(ctx context.Context) error {
	c, ok := h.publisher.(BusChecker)
	if !ok {
		return fmt.Errorf("%w: the publisher cannot look", ErrBusUnchecked)
	}
	return c.CheckBus(ctx, "")
}
