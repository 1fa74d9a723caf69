package relay

import (
	"context"
	"errors"
	"fmt"
	"reflect"
)

// Handler is a Lambda handler for the stream of an event store. It is safe for
// concurrent use.
type Handler struct {
	publisher Publisher
	sink      DeadLetter
	opts      Options
}

// NewHandler returns a handler that publishes through p and puts what can
// never be published into dl. Both are required; [Block] says in so many words
// that there are no dead letters.
//
// It does no I/O. It returns an error that names what is wrong with an
// argument or an option.
func NewHandler(p Publisher, dl DeadLetter, optFns ...func(*Options)) (*Handler, error) {
	var opts Options
	for _, fn := range optFns {
		if fn != nil {
			fn(&opts)
		}
	}
	opts, err := opts.withDefaults()
	errs := []error{err}
	if isNil(p) {
		errs = append(errs, errors.New("relay: publisher is nil; use NewEventBridge"))
	} else if v, ok := p.(interface{ Validate() error }); ok {
		errs = append(errs, v.Validate())
	}
	if isNil(dl) {
		errs = append(errs, errors.New("relay: dead-letter sink is nil; "+
			"give one, or relay.Block to hold the stream up behind what cannot be published"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if l := p.Limits(); l.Entries < 1 || l.Bytes < 1 {
		return nil, fmt.Errorf("relay: publisher limits of %d entries and %d bytes; both must be at least 1", l.Entries, l.Bytes)
	}
	return &Handler{publisher: p, sink: dl, opts: opts}, nil
}

// Invoke handles one batch of stream records: the JSON that Lambda hands to a
// function with a DynamoDB event source mapping. It has the signature of
// aws-lambda-go's lambda.Handler.
//
// It returns nil as error only when every record of the batch is done: accepted
// by the bus or by the dead-letter sink, remembered as such, or no event to
// publish. Otherwise it returns an error, of type [*UnpublishedError] when the
// batch could be read; with [Options].PartialBatchResponse it answers
// {"batchItemFailures":[{"itemIdentifier":"…"}]} with the lowest sequence
// number that is not done instead, and an error only if that cannot be said.
// The state of a tumbling window is returned as it came.
//
// payload must not be changed during the call; nothing of it is kept.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return nil, errors.New("relay: not built yet")
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

// isNil reports whether v is nil or holds a nil pointer, func or the like.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Slice, reflect.Chan, reflect.Interface:
		return r.IsNil()
	default:
		return false
	}
}
