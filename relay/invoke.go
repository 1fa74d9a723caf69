package relay

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

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
	r := h.newRun(ctx, mode{publisher: h.publisher, journal: true})
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

// process does all that can be done for the records.
func (r *run) process(ctx context.Context, records []streamrecord.Record) {
	r.records = records
	r.outcomes = slices.Grow(r.outcomes[:0], len(records))[:len(records)]
	clear(r.outcomes)
	r.m.Records = len(records)
	r.admit(ctx, time.Now())
	r.warnOfSkipped(ctx)
	r.deliver(ctx)
	r.conclude()
	r.tell(ctx)
}

// emit hands the metrics to [Options].Metrics and contains its panic.
func (h *Handler) emit(ctx context.Context, m Metrics) {
	if h.opts.Metrics == nil {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			h.logPanic(ctx, "reporting metrics", "", p)
		}
	}()
	h.opts.Metrics(ctx, m)
}
