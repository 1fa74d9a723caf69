package relay

import (
	"context"
	"log/slog"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/delivery"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// conclude reads from the core what became of each event: for the answer, the
// metrics and the log, and for what the process remembers.
func (r *run) conclude() {
	for i := range r.events {
		record := r.of[i]
		rec := &r.records[record]
		r.m.Retried += max(r.core.Sent(i)-1, 0)
		switch r.core.State(i) {
		case delivery.Published:
			r.outcomes[record] = published
			r.m.Published++
			r.notePublished(rec)
			r.remember(rec, r.entries[i].Bus)
		case delivery.Buried:
			r.outcomes[record] = deadLettered
			r.m.DeadLettered++
			r.remember(rec, r.entries[i].Bus)
		default:
			class, code := r.reason(i)
			r.m.Failed++
			if class == ConfigFault {
				r.m.ConfigFaults++
			}
			r.failed.note(record, class, code, r.last[i].cause)
			r.rememberFailure(rec, i)
		}
	}
}

func (r *run) remember(rec *streamrecord.Record, bus string) {
	if r.mode.replay {
		return
	}
	if k, ok := identityOf(rec, bus).key(); ok {
		r.h.done.put(k, struct{}{})
	}
}

func (r *run) rememberFailure(rec *streamrecord.Record, i int) {
	f := failure{turn: r.core.Turn(i), failedAt: r.core.FailedAt(i)}
	if r.mode.replay || f == (failure{}) {
		return
	}
	if k, ok := identityOf(rec, r.entries[i].Bus).key(); ok {
		r.h.failures.put(k, f)
	}
}

// reason returns why an event is not done.
func (r *run) reason(i int) (Class, string) {
	last := &r.last[i].Result
	switch {
	case last.Code == "":
		return Transient, codeNotReached
	case last.Class == EventFault && r.core.State(i) == delivery.Failed && r.core.Sent(i) > 0 && !r.refused[i] && !r.mode.replay:
		return ConfigFault, last.Code // nothing shows that the event is to blame
	default:
		return last.Class, last.Code
	}
}

// report writes the log line of a batch that is not done: one, and loud when
// the configuration is to blame.
func (r *run) report(ctx context.Context) {
	if r.m.Failed == 0 {
		return
	}
	rec := &r.records[r.failed.record]
	level, msg := slog.LevelWarn, "relay: records unpublished; they come again"
	if r.m.ConfigFaults > 0 {
		level, msg = slog.LevelError, "relay: the configuration keeps records from being published; they are held and come again"
	}
	r.h.opts.Logger.LogAttrs(ctx, level, msg,
		slog.Int("records", r.m.Records), slog.Int("failed", r.m.Failed), slog.Int("configFaults", r.m.ConfigFaults),
		slog.String("eventId", clip(rec.EventID)), slog.String("sequenceNumber", clip(rec.SequenceNumber)),
		slog.String("class", r.failed.class.String()), slog.String("code", r.failed.code),
		slog.String("faults", r.failed.String()))
	if r.failed.code == codeWrongLayout {
		r.logLayoutFault(ctx)
	}
	if r.blocked {
		r.h.opts.Logger.LogAttrs(ctx, slog.LevelWarn,
			"relay: dead letters are blocked, so what can never be published holds the stream up; "+
				"give NewHandler a DeadLetterSink, such as that of package relay/deadletter")
	}
}

// unpublished returns the error of a batch that is not done.
func (r *run) unpublished() *UnpublishedError {
	rec := &r.records[r.failed.record]
	return &UnpublishedError{
		Records: r.m.Records, Unpublished: r.m.Failed,
		SequenceNumber: rec.SequenceNumber, EventID: rec.EventID,
		Class: r.failed.class, Code: r.failed.code, Err: r.failed.cause,
	}
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
	var left []string
	for i, o := range r.outcomes {
		if o == open {
			left = append(left, r.records[i].SequenceNumber)
		}
	}
	return lowest(left)
}
