package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// Handler is a Lambda handler for the stream of an event store. It is safe for
// concurrent use.
type Handler struct {
	publisher Publisher
	limits    Limits // the publisher's
	sink      DeadLetter
	opts      Options

	mem      *memory // records that are done
	suspects *memory // records that were in a call that was refused altogether
	apart    *memory // records of a refused call that there was no time to split
	proof    proof
	buses    busStates
	runs     sync.Pool // of *run
}

// suspectLimit is how many suspects a handler remembers.
const suspectLimit = 1000

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
	} else if v, ok := dl.(interface{ Validate() error }); ok {
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
		sink:      dl,
		opts:      opts,
		mem:       newMemory(opts.Memory),
		suspects:  newMemory(suspectLimit),
		apart:     newMemory(suspectLimit),
		buses:     newBusStates(),
	}, nil
}

// Invoke handles one batch of stream records: the JSON that Lambda hands to a
// function with a DynamoDB event source mapping. It has the signature of
// aws-lambda-go's lambda.Handler.
//
// When every record of the batch is done, that is accepted by the bus or by the
// dead-letter sink, remembered as such, or no event to publish, it answers
// {"batchItemFailures":[]}. Otherwise it returns an error, an
// [*UnpublishedError] if the batch could be read. With
// [Options].PartialBatchResponse it answers
// {"batchItemFailures":[{"itemIdentifier":"…"}]} instead, with the lowest
// sequence number that is not done, and returns an error only if that cannot be
// said. The state of a tumbling window is answered as it came.
//
// payload must not be changed during the call; nothing of it is kept.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	begin := time.Now()
	r := h.newRun(ctx, mode{sink: h.sink, mem: h.mem})
	out, err := h.invoke(ctx, r, payload)
	r.m.Error = err != nil
	r.m.Duration = time.Since(begin)
	if deadline, ok := ctx.Deadline(); ok {
		r.m.Remaining = max(time.Until(deadline), 0)
	}
	h.emit(ctx, r.m)
	r.release()
	return out, err
}

func (h *Handler) invoke(ctx context.Context, r *run, payload []byte) ([]byte, error) {
	if err := r.busCheck(ctx, ""); err != nil {
		return nil, err
	}
	batch, err := r.decoder.Decode(payload)
	if err != nil {
		h.opts.Logger.LogAttrs(ctx, slog.LevelError, "relay: the batch cannot be read", slog.String("error", err.Error()))
		return nil, fmt.Errorf("relay: %w", err)
	}
	r.process(ctx, batch.Records)
	r.report(ctx)
	failed, ok := r.checkpoint()
	if !ok {
		return nil, r.unpublished()
	}
	return answer(failed, batch.Window, batch.State), nil
}

// newRun returns an empty run. Whoever takes it gives it back by release.
func (h *Handler) newRun(ctx context.Context, m mode) *run {
	r, ok := h.runs.Get().(*run)
	if !ok {
		r = &run{decoder: streamrecord.NewDecoder(streamrecord.Config{
			Event: h.opts.Layout.Event, Marker: h.opts.Layout.Marker, MarkerValue: envelope.MarkerValue,
		})}
	}
	r.h, r.mode, r.limits = h, m, h.limits
	r.budget = newBudget(ctx, h.opts.Margin)
	return r
}

// checkpoint returns where the batch is to begin again, "" if it is done, and
// false if only an error can say that it is to come again.
func (r *run) checkpoint() (string, bool) {
	if r.m.Failed == 0 {
		return "", true
	}
	if !r.h.opts.PartialBatchResponse {
		return "", false
	}
	var open []string
	for i, o := range r.outcomes {
		if !o.done() {
			open = append(open, r.records[i].SequenceNumber)
		}
	}
	return lowest(open)
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
