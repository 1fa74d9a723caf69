package relay

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/delivery"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/isnil"
)

// Journal is told which events are done. With it the question "which events of
// the event store were never published?" has an exact answer, also when the
// stream has forgotten them. Package relay/journal has one that is a DynamoDB
// table.
//
// It is told once per invocation, when everything else is done, and an
// invocation in which nothing was accepted does not call it. Whatever it does
// fails nothing: an error or a panic of it, or a call that takes too long, is
// logged and counted ([Metrics].JournalFailed). What it misses so is published
// twice by a replay of what is not in the journal, never lost.
//
// Record must return when ctx ends: that is two seconds later, or less if
// [Options].CallTimeout is, and in any case before the invocation's own deadline.
// A call that has not returned by then is not waited for. It may be called by
// several goroutines at once.
//
// It may also be a [Validator].
type Journal interface {
	// Record keeps what is done. There is at least one event, in the order in
	// which they were sent. The slice is the journal's own.
	Record(ctx context.Context, done []Done) error
}

// JournalReader is what a [Journal] may be that can be read.
type JournalReader interface {
	// Accepted yields what was done at from or later, and before to, in any
	// order. An event may come more than once: it was published more than once,
	// or both published and dead-lettered. After an error nothing comes any
	// more.
	Accepted(ctx context.Context, from, to time.Time) iter.Seq2[Done, error]
}

// Done is an event that is done: accepted by the bus or by the dead-letter sink.
type Done struct {
	// EventID is headers.eventId. It is never empty: a record whose id cannot be
	// read is in the dead letters only.
	EventID string

	// Bus is where the event went, or was to go; empty means the publisher's own
	// bus.
	Bus string

	// BusID is the id that the bus gave the event, empty if it gave none and for
	// a dead letter.
	BusID string

	// DeadLettered says that the dead-letter sink has it, and not the bus.
	DeadLettered bool

	// At is when the relay learned that it is done, in UTC.
	At time.Time
}

func validateJournal(j Journal) error {
	if j == nil {
		return nil
	}
	if isnil.Value(j) {
		return fmt.Errorf("relay: Options.Journal: a nil %T; leave it out for no journal", j)
	}
	if v, ok := j.(Validator); ok {
		return v.Validate()
	}
	return nil
}

// maxJournal is how long a journal may hold an invocation up. One that is
// throttled must not make the relay slower than its stream.
const maxJournal = 2 * time.Second

// tell tells the journal what is done.
func (r *run) tell(ctx context.Context) {
	if r.h.opts.Journal == nil || !r.mode.journal {
		return
	}
	var done []Done
	for i := range r.events {
		d := Done{
			EventID: r.records[r.of[i]].EventID, Bus: r.entries[i].Bus, BusID: r.last[i].ID,
			At: time.Unix(0, r.last[i].at).UTC(),
		}
		switch r.core.State(i) {
		case delivery.Published:
		case delivery.Buried:
			d.DeadLettered, d.BusID = true, ""
		default:
			continue
		}
		if d.EventID == "" {
			continue
		}
		if done == nil {
			done = make([]Done, 0, len(r.events)-i)
		}
		done = append(done, d)
	}
	if len(done) == 0 {
		return
	}
	if fault := r.record(ctx, done); fault != nil {
		r.m.JournalFailed = len(done)
		r.h.opts.Logger.LogAttrs(ctx, slog.LevelError,
			"relay: the journal did not take what is done; a replay of what it lacks publishes it again",
			slog.Int("events", len(done)), slog.String("eventId", clip(done[0].EventID)),
			slog.String("journalError", fault.kind), slog.String("journalCode", fault.code))
	}
}

// record calls the journal, and waits for it no longer than there is time.
func (r *run) record(ctx context.Context, done []Done) *fault {
	ctx, cancel := r.budget.forJournal(ctx, min(r.h.opts.CallTimeout, maxJournal))
	defer cancel()
	if err := ctx.Err(); err != nil {
		return faultOf(err)
	}
	h, answer := r.h, make(chan *fault, 1)
	go func() { answer <- h.record(ctx, done) }() // r may be used for another batch by the time it ends
	select {
	case f := <-answer:
		return f
	case <-ctx.Done():
		return faultOf(ctx.Err())
	}
}

// record calls the journal. A panic is a fault, also one of the journal's error.
func (h *Handler) record(ctx context.Context, done []Done) (f *fault) {
	defer func() {
		if v := recover(); v != nil {
			h.logPanic(ctx, "writing the journal", "", v)
			f = &fault{kind: "panic", code: codePanic}
		}
	}()
	if err := h.opts.Journal.Record(ctx, done); err != nil {
		return faultOf(err)
	}
	return nil
}
