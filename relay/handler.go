package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

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
	errs := []error{err}
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
// A batch of another event source, such as a queue, is an error that names the
// source, and so is a stream without new images: nothing of it is consumed.
//
// The record that Lambda stores in S3 of a batch that it has given up holds that
// batch, and may be given to Invoke as it is. No age counts then: it is published
// again.
//
// payload must not be changed during the call; nothing of it is kept.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	begin := time.Now()
	h.sayMapping(ctx)
	r := h.newRun(ctx, mode{publisher: h.publisher})
	out, err := r.invoke(ctx, payload)
	r.m.Error = err != nil
	r.m.Duration = time.Since(begin)
	if deadline, ok := ctx.Deadline(); ok {
		r.m.Remaining = max(time.Until(deadline), 0)
	}
	h.emit(ctx, r.m)
	r.release()
	return out, err
}

func (r *run) invoke(ctx context.Context, payload []byte) ([]byte, error) {
	batch, err := r.decoder.Decode(payload)
	if err != nil {
		r.h.opts.Logger.LogAttrs(ctx, slog.LevelError, "relay: the batch cannot be read", slog.String("error", err.Error()))
		return nil, fmt.Errorf("relay: %w", err)
	}
	r.again = batch.OnFailure
	r.process(ctx, batch.Records)
	r.report(ctx)
	failed, ok := r.checkpoint()
	if !ok {
		return nil, r.unpublished()
	}
	return answerOf(failed, batch.Window, batch.State), nil
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
