package relay

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/packing"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// outcome is what became of a record. The zero outcome is unpublished.
type outcome uint8

const (
	unreached    outcome = iota // nothing was tried: an earlier record failed, or time was short
	failed                      // tried, and neither published nor dead-lettered
	published                   // accepted by the bus
	suppressed                  // seen accepted before, by this process
	deadLettered                // accepted by the sink
	skipped                     // no event to publish
)

// done reports whether the record need not come again.
func (o outcome) done() bool { return o >= published }

// mode is how a run differs between the stream and a redrive.
type mode struct {
	sink DeadLetter
	mem  *memory // nil: nothing is remembered
	goOn bool    // a record that fails holds up only its own group
	dry  bool    // nothing is sent: what would be sent counts as published
}

// run is the work on one batch. It belongs to one goroutine, except that call
// is used by several; see there.
type run struct {
	h      *Handler
	mode   mode
	limits Limits
	budget budget
	m      Metrics

	decoder  *streamrecord.Decoder
	records  []streamrecord.Record
	outcomes []outcome // by record

	// the events to send, by item
	items   []item
	entries []Entry
	packed  []packing.Item
	lanes   map[string]int   // bus to lane
	asked   map[string]error // what busCheck said of a bus

	queue   *packing.Queue
	started bool            // a call has been made
	denied  bool            // the bus refused an entry because of the configuration
	probing []int           // items that wait for the next call; see probed
	aged    []int           // items that wait for their bus to accept another; see retry
	accepts map[string]bool // with MaxAge: the buses that have accepted an entry of this run

	faults  faults
	reasons map[int]string // with mode.goOn: why a record failed
}

// item is an event to send.
type item struct {
	record int // index of its record
	tries  int // calls that it was part of
	whole  int // of those, the ones that failed as a whole
	last   Result
}

// release empties r for the next batch, keeps its memory, and gives it back.
// That must not happen while a call is in flight, so not on the way of a panic.
func (r *run) release() {
	h := r.h
	clear(r.entries) // they hold strings and slices of the batch
	clear(r.items)
	clear(r.packed)
	*r = run{
		outcomes: r.outcomes[:0], items: r.items[:0], entries: r.entries[:0], packed: r.packed[:0],
		aged: r.aged[:0], decoder: r.decoder,
	}
	h.runs.Put(r)
}

// process does all that can be done for the records.
func (r *run) process(ctx context.Context, records []streamrecord.Record) {
	r.records = records
	r.outcomes = slices.Grow(r.outcomes, len(records))[:len(records)]
	clear(r.outcomes)
	r.m.Records = len(records)
	r.admit(ctx)
	switch {
	case r.mode.dry:
		for _, it := range r.items {
			r.outcomes[it.record] = published
		}
	case len(r.items) > 0:
		r.send(ctx)
	}
	for i, o := range r.outcomes {
		if !o.done() {
			r.m.Failed++
			r.faults.note(i, Transient, "")
		}
	}
}

// identity is how the record is remembered with that destination.
func (r *run) identity(record int, destination string) remembered {
	rec := &r.records[record]
	return remembered{stream: rec.StreamARN, sequence: rec.SequenceNumber, destination: destination, eventID: rec.EventID}
}

// age returns the age of a record by its time on the stream, or else by its
// event's own time; 0 if neither is known.
func age(rec *streamrecord.Record, now time.Time) time.Duration {
	switch {
	case !rec.CreatedAt.IsZero():
		return now.Sub(rec.CreatedAt)
	case rec.Timestamp != 0:
		return now.Sub(time.UnixMilli(rec.Timestamp))
	default:
		return 0
	}
}

// fail notes that a record is neither published nor dead-lettered.
func (r *run) fail(record int, class Class, code string) {
	r.outcomes[record] = failed
	r.faults.note(record, class, code)
	if r.mode.goOn {
		if r.reasons == nil {
			r.reasons = make(map[int]string)
		}
		r.reasons[record] = code
	}
	if class == ConfigFault {
		r.m.ConfigFaults++
	}
}

// faults are the failures of a batch, for the error and for the log.
type faults struct {
	any     bool
	record  int // the first that failed, in stream order
	class   Class
	code    string
	count   map[string]int // by class and code
	blocked bool           // relay.Block was the reason
}

// note counts a failure. An empty code is a record that was not reached, which
// is the reason only when nothing before it failed.
func (f *faults) note(record int, class Class, code string) {
	if code == "" {
		if f.any {
			return
		}
		class, code = Transient, "NotReached"
	} else {
		if f.count == nil {
			f.count = make(map[string]int)
		}
		f.count[class.String()+" "+code]++
	}
	if !f.any || record < f.record {
		f.any, f.record, f.class, f.code = true, record, class, code
	}
}

func (f *faults) String() string {
	var b strings.Builder
	for i, k := range slices.Sorted(maps.Keys(f.count)) {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s × %d", k, f.count[k])
	}
	return b.String()
}

// report writes the log line of a batch that is not done: one, and loud when
// the configuration is to blame.
func (r *run) report(ctx context.Context) {
	if r.m.Failed == 0 {
		return
	}
	rec := &r.records[r.faults.record]
	level, msg := slog.LevelWarn, "relay: records unpublished; they come again"
	if r.m.ConfigFaults > 0 {
		level, msg = slog.LevelError, "relay: the configuration keeps records from being published; they are held and come again"
	}
	r.h.opts.Logger.LogAttrs(ctx, level, msg,
		slog.Int("records", r.m.Records), slog.Int("failed", r.m.Failed), slog.Int("configFaults", r.m.ConfigFaults),
		slog.String("eventId", clip(rec.EventID)), slog.String("sequenceNumber", clip(rec.SequenceNumber)),
		slog.String("class", r.faults.class.String()), slog.String("code", r.faults.code),
		slog.String("faults", r.faults.String()))
	if r.faults.blocked {
		r.h.opts.Logger.LogAttrs(ctx, slog.LevelWarn,
			"relay: dead letters are blocked, so what can never be published holds the stream up; give NewHandler a DeadLetter, such as NewDynamoDBDeadLetters")
	}
}

// unpublished returns the error of a batch that is not done.
func (r *run) unpublished() *UnpublishedError {
	rec := &r.records[r.faults.record]
	return &UnpublishedError{
		Records: r.m.Records, Unpublished: r.m.Failed,
		SequenceNumber: rec.SequenceNumber, EventID: rec.EventID,
		Class: r.faults.class, Code: r.faults.code,
	}
}
