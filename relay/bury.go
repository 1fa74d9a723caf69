package relay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// deadLetter puts a record into the dead letters and reports whether the sink
// took it; if not, the record is failed.
func (r *run) deadLetter(ctx context.Context, i int, bus, code, message string, attempts int) bool {
	rec := &r.records[i]
	fault := r.put(ctx, deadRecord(rec, bus, code, message, attempts))
	if fault == nil {
		r.outcomes[i] = deadLettered
		r.m.DeadLettered++
		r.h.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "relay: dead letter", deadAttrs(rec, code, attempts)...)
		return true
	}
	r.fail(i, EventFault, code)
	if fault.blocked {
		r.faults.blocked = true
		return false
	}
	r.h.opts.Logger.LogAttrs(ctx, slog.LevelError, "relay: the dead-letter sink refused a record; it comes again",
		append(deadAttrs(rec, code, attempts), slog.String("sinkError", fault.kind), slog.String("sinkCode", fault.code))...)
	return false
}

// deadEvent is deadLetter for an event, which is remembered like one that is
// published.
func (r *run) deadEvent(ctx context.Context, i int, bus, code, message string, attempts int) bool {
	ok := r.deadLetter(ctx, i, bus, code, message, attempts)
	if ok {
		r.mode.mem.add(r.identity(i, bus))
	}
	return ok
}

func deadAttrs(rec *streamrecord.Record, code string, attempts int) []slog.Attr {
	return []slog.Attr{
		slog.String("eventId", clip(rec.EventID)), slog.String("sequenceNumber", clip(rec.SequenceNumber)),
		slog.String("code", code), slog.Int("attempts", attempts),
	}
}

// sinkFault is what a sink's error says that holds no data.
type sinkFault struct {
	blocked    bool // it is Block
	kind, code string
}

// put calls the sink. A panic is a fault, also one of the sink's error.
func (r *run) put(ctx context.Context, rec DeadRecord) (fault *sinkFault) {
	end := r.budget.sink
	if !r.started {
		end = r.budget.early
	}
	ctx, cancel := r.budget.within(ctx, r.h.opts.CallTimeout, end)
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			r.h.logPanic(ctx, "putting a dead letter", rec.EventID, p)
			fault = &sinkFault{kind: "panic", code: "Panic"}
		}
	}()
	err := r.mode.sink.Put(ctx, rec)
	if err == nil {
		return nil
	}
	code, _ := faultCode(err)
	return &sinkFault{blocked: errors.Is(err, ErrBlocked), kind: fmt.Sprintf("%T", err), code: code}
}

// deadRecord copies what a sink may keep.
func deadRecord(rec *streamrecord.Record, bus, code, message string, attempts int) DeadRecord {
	return DeadRecord{
		EventID:        rec.EventID,
		Headers:        bytes.Clone(rec.Headers),
		Record:         bytes.Clone(rec.Raw),
		Keys:           bytes.Clone(rec.Keys),
		Bus:            bus,
		Code:           code,
		Message:        message,
		Attempts:       attempts,
		StreamARN:      rec.StreamARN,
		SequenceNumber: rec.SequenceNumber,
		Time:           time.Now().UTC(),
	}
}

func tooLarge(size, limit int) string {
	return fmt.Sprintf("the entry has %d bytes by the bus's formula; a call may have %d", size, limit)
}
