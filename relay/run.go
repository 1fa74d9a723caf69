package relay

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/delivery"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// run is the work on one batch. The way of a batch is from the top of this file
// to its end: admit (admit.go), deliver (deliver.go), conclude (outcome.go), and
// tell (journal.go).
//
// It belongs to one goroutine. Calls and dead letters that are under way only
// read it, and what they read does not change meanwhile.
type run struct {
	h    *Handler
	mode mode

	budget  budget
	decoder *streamrecord.Decoder
	m       Metrics

	records  []streamrecord.Record
	outcomes []outcome // by record
	order    []int     // of the records, as they are sent

	// The events, in the order in which they are sent. The slices are parallel.
	events  []delivery.Event
	entries []Entry
	of      []int     // index of the event's record
	last    []attempt // the last that is known of it
	refused []bool    // the sink has refused it
	core    delivery.Batch

	joined []byte // the text of a page that is published again

	again   bool        // the batch comes from an on-failure record: no age counts
	reached atomic.Bool // a call has been made
	late    bool        // a call was not made for want of time; no other is
	blocked bool        // the sink is Block
	failed  failures
}

// attempt is the last that is known of an event: a result, for a call that failed
// as a whole its cause, and when it was known.
type attempt struct {
	Result
	cause error
	at    int64 // by the wall clock, in nanoseconds since 1970
}

// mode is how a replay differs from a delivery by the stream.
type mode struct {
	publisher Publisher
	replay    bool // without memory, without age, and a failure holds up its own group only
	journal   bool // the journal is told: what is sent goes to the handler's own bus

	// of a replay
	bus  string                          // where everything goes, "" where it would go otherwise
	keep func(*streamrecord.Record) bool // whether an event is asked for; nil if every one is
	mark []byte                          // a JSON string for headers.replay, nil for none
	held map[string]struct{}             // groups of which an event has failed before
}

// outcome is what became of a record. The zero outcome is an event that is not
// done.
type outcome uint8

const (
	open         outcome = iota
	published            // accepted by the bus
	suppressed           // seen done before, by this process
	deadLettered         // accepted by the sink
	skipped              // no event to publish
	filtered             // no event that a replay asks for
)

// newRun returns an empty run. Whoever takes it gives it back by release.
func (h *Handler) newRun(ctx context.Context, m mode) *run {
	r, ok := h.runs.Get().(*run)
	if !ok {
		r = &run{decoder: h.newDecoder()}
	}
	r.h, r.mode, r.budget = h, m, newBudget(ctx, h.opts.Margin)
	return r
}

// release empties r for the next batch, keeps its memory, and gives it back.
// That must not happen while a call is under way, so not on the way of a panic.
func (r *run) release() {
	h := r.h
	clear(r.events) // they hold strings and slices of the batch
	clear(r.entries)
	clear(r.last)
	r.events, r.entries, r.of, r.last, r.refused = r.events[:0], r.entries[:0], r.of[:0], r.last[:0], r.refused[:0]
	r.core.Start(nil, delivery.Policy{}, nil)
	r.h, r.mode, r.budget, r.m, r.records, r.failed = nil, mode{}, budget{}, Metrics{}, nil, failures{}
	r.again, r.late, r.blocked = false, false, false
	r.reached.Store(false)
	h.runs.Put(r)
}

// mayCall reports whether a call may be started at t. An invocation always makes
// one, however little time it has: otherwise a short deadline would bring the
// same batch again and again.
func (r *run) mayCall(ctx context.Context, t time.Time) bool {
	return ctx.Err() == nil && !r.late && (!r.reached.Load() || r.budget.mayStart(t))
}
