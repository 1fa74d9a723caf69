package relay

import (
	"bytes"
	"context"
	"encoding/json"
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
	err := r.put(ctx, deadRecord(rec, bus, code, message, attempts))
	if err == nil {
		r.outcomes[i] = deadLettered
		r.m.DeadLettered++
		r.h.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "relay: dead letter", deadAttrs(rec, code, attempts)...)
		return true
	}
	r.fail(i, EventFault, code)
	if errors.Is(err, ErrBlocked) {
		r.faults.blocked = true
		return false
	}
	sinkCode, _ := faultCode(err)
	r.h.opts.Logger.LogAttrs(ctx, slog.LevelError, "relay: the dead-letter sink refused a record; it comes again",
		append(deadAttrs(rec, code, attempts), slog.String("sinkError", fmt.Sprintf("%T", err)), slog.String("sinkCode", sinkCode))...)
	return false
}

func deadAttrs(rec *streamrecord.Record, code string, attempts int) []slog.Attr {
	return []slog.Attr{
		slog.String("eventId", clip(rec.EventID)), slog.String("sequenceNumber", clip(rec.SequenceNumber)),
		slog.String("code", code), slog.Int("attempts", attempts),
	}
}

// put calls the sink and makes an error of its panic.
func (r *run) put(ctx context.Context, rec DeadRecord) (err error) {
	var cancel context.CancelFunc
	if r.started {
		ctx, cancel = r.budget.sinkContext(ctx, r.h.opts.CallTimeout)
	} else {
		ctx, cancel = r.budget.earlyContext(ctx, r.h.opts.CallTimeout, 1./2)
	}
	defer cancel()
	defer func() {
		if p := recover(); p != nil {
			r.h.logPanic(ctx, "putting a dead letter", rec.EventID, p)
			err = errors.New("relay: the dead-letter sink panicked")
		}
	}()
	return r.mode.sink.Put(ctx, rec)
}

// deadRecord copies what a sink may keep.
func deadRecord(rec *streamrecord.Record, bus, code, message string, attempts int) DeadRecord {
	return DeadRecord{
		EventID:        rec.EventID,
		Headers:        headersOf(rec.Detail),
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

// headersOf returns a copy of the headers of a Detail, nil if it has none.
func headersOf(detail []byte) []byte {
	var d struct {
		Headers json.RawMessage `json:"headers"`
	}
	if len(detail) == 0 || json.Unmarshal(detail, &d) != nil {
		return nil
	}
	return d.Headers
}

func tooLarge(size, limit int) string {
	return fmt.Sprintf("the entry has %d bytes by the bus's formula; a call may have %d", size, limit)
}
