package relay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// ErrReplayStopped is wrapped by the error of a replay that gave up because
// nothing was accepted any more: the configuration or the bus keeps everything
// from being published. It goes on from its Cursor when that is mended.
var ErrReplayStopped = errors.New("relay: the replay has stopped")

// A replay gives up when so many events in a row have failed: for reasons that are
// not in them, or for whatever reason. Sending costs money, and a bus that refuses
// everything is not the events' fault.
const (
	patience    = 100
	maxFailures = 1000
)

// maxListed is how many failures a report lists.
const maxListed = 100

// ReplayReport sums a replay up.
type ReplayReport struct {
	Read      int // records that were decided: the sum of the next five
	Skipped   int // no event to publish: a change of an item, another region, no marker
	Filtered  int // events that the options leave out
	Published int // accepted by the bus; in a dry run, what would be sent
	Failed    int // not published
	Held      int // not sent, for an earlier event of the aggregate has failed

	// Bytes is the size of what was published, by the bus's own formula.
	Bytes int64

	// ReadUnits is what the source has read, in read units of DynamoDB.
	ReadUnits float64

	// Oldest and Newest are the times of events that were published, zero if
	// there were none.
	Oldest, Newest time.Time

	// Missing is what the source could not find.
	Missing []Missing

	// Failures are the first 100 events that failed. ReplayProgress has all.
	Failures []Republished

	// Cursor is where another replay of the same question can go on: behind the
	// last page of which, and before which, every event was published. Nil if
	// there is no such page.
	Cursor []byte

	// Done says that the source was read to its end.
	Done bool
}

// Replay publishes again what the source yields, through the handler: with its
// layout, route, publisher, limits and retries, but without what its process
// remembers, without regard to age, and never into the dead letters. It changes
// nothing in the event store. It may run beside the relay: at worst an event is
// published twice, with the same eventId.
//
// With an Ordered layout the order of the source is kept within each aggregate. An
// event that cannot be published holds the later ones of its aggregate up to the
// end of the replay; everything else goes on.
//
// The cursor never passes an event that was not published. After one, it stays
// before that page while the replay goes on; a replay from there publishes what
// came behind it a second time. As long as everything is published, a process that
// is killed and goes on from the last cursor it stored passes nothing over, and
// publishes at most one page twice.
//
// It returns an error, and the report so far: one that wraps [ErrCursor] for a
// cursor that cannot be used, [ErrNoSuchBus] for a bus that does not exist,
// [ErrReplayStopped] if nothing is accepted any more, that is after a page that the
// configuration holds, or 100 events in a row that failed for no reason of their
// own, or 1,000 for any reason; the error of the source, of Progress or of ctx.
// Events that have failed are no error: see the report.
//
// If ctx has a deadline, Options.Margin is kept for the answer. Options.Metrics is
// not called, and Options.Journal is told if the events go to the same bus.
func Replay(ctx context.Context, s Source, h *Handler, optFns ...func(*ReplayOptions)) (ReplayReport, error) {
	opts, err := replayOptions(s, h, optFns)
	if err != nil {
		return ReplayReport{}, err
	}
	r := replay{opts: opts, cursor: opts.newCursor(s.Question(), h), publisher: opts.republisher(h), pace: pace{rate: opts.Rate}}
	if opts.DryRun {
		r.pace.rate = 0
	}
	if opts.MissingFrom != nil {
		r.accepted = &accepted{journal: opts.MissingFrom, to: time.Now().Add(ClockSkew)}
	}
	r.publisher.mode.keep = r.keep
	start, err := r.cursor.resume(opts.Cursor)
	if err != nil {
		return ReplayReport{}, err
	}
	if start != nil {
		r.sum.Cursor = opts.Cursor
	}
	if err := h.checkDestination(ctx, opts.To); err != nil {
		return r.sum, err
	}
	for page, err := range ahead(ctx, s, start) {
		if err != nil {
			return r.sum, fmt.Errorf("relay: replay: read %s: %w", clip(s.Question()), err)
		}
		if err := r.page(ctx, page); err != nil {
			return r.sum, err
		}
	}
	if err := ctx.Err(); err != nil {
		return r.sum, fmt.Errorf("relay: replay: %w", err)
	}
	r.sum.Done = true
	return r.sum, nil
}

// checkDestination returns an error if the bus is known not to exist.
func (h *Handler) checkDestination(ctx context.Context, to Destination) error {
	c, ok := h.publisher.(BusChecker)
	if !ok || to.same && h.opts.Route != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, h.opts.CallTimeout)
	defer cancel()
	if err := c.CheckBus(ctx, to.bus); errors.Is(err, ErrNoSuchBus) {
		return fmt.Errorf("relay: replay to %s: %w", to, err)
	}
	return nil // whatever else is wrong, the calls will show it
}

// replay is one replay on its way.
type replay struct {
	opts      ReplayOptions
	cursor    cursor
	publisher *Republisher
	pace      pace
	sum       ReplayReport

	accepted *accepted // what MissingFrom has, nil without it

	stuck  bool // an event of a page was not published: the cursor stays
	failed int  // events in a row that failed
	barren int  // those of them whose reason is not in them
}

// page publishes a page.
func (r *replay) page(ctx context.Context, page Page) error {
	r.sum.ReadUnits += page.ReadUnits
	r.sum.Missing = append(r.sum.Missing, page.Missing...)
	all := make([]Republished, 0, len(page.Records))
	for rest := page.Records; len(rest) > 0; {
		n := r.pace.most(len(rest))
		if err := r.mayGoOn(ctx); err != nil {
			return err
		}
		begin := time.Now()
		part, err := r.publish(ctx, rest[:n])
		if err != nil {
			return err
		}
		sent := 0
		for i := range part {
			if r.count(&part[i]) {
				sent++
			}
		}
		r.pace.sent(begin, sent)
		rest, all = rest[n:], append(all, part...)
	}
	if !r.stuck {
		text, err := r.cursor.text(page.Cursor)
		if err != nil {
			return err
		}
		r.sum.Cursor = text
	}
	if r.opts.Progress != nil {
		if err := r.opts.Progress(ReplayProgress{ReplayReport: r.sum, Page: all}); err != nil {
			return fmt.Errorf("relay: replay: stopped by Progress: %w", err)
		}
	}
	return r.gaveUp(all)
}

// mayGoOn waits until more may be sent, and returns an error if there is no
// time for it.
func (r *replay) mayGoOn(ctx context.Context) error {
	err := r.pace.wait(ctx)
	if deadline, ok := ctx.Deadline(); err == nil && ok && time.Until(deadline) < r.publisher.h.opts.Margin {
		err = context.DeadlineExceeded
	}
	if err != nil {
		return fmt.Errorf("relay: replay: stopped for want of time; go on from the cursor: %w", err)
	}
	return nil
}

// publish publishes a part of a page, and counts what only the run knows.
func (r *replay) publish(ctx context.Context, records []Again) ([]Republished, error) {
	p := r.publisher
	out := make([]Republished, len(records))
	run := p.h.newRun(ctx, p.mode)
	defer run.release()
	decoded := run.decodeAgain(records)
	if r.accepted != nil {
		if err := r.accepted.reach(ctx, decoded); err != nil {
			return nil, err
		}
	}
	run.process(ctx, decoded)
	run.report(ctx)
	run.republished(out)
	for i, record := range run.of {
		if out[record].Published {
			r.sum.Bytes += int64(run.events[i].Size)
			at := run.entries[i].Time
			if r.sum.Oldest.IsZero() || at.Before(r.sum.Oldest) {
				r.sum.Oldest = at
			}
			if at.After(r.sum.Newest) {
				r.sum.Newest = at
			}
		}
	}
	if run.late {
		for i := range out { // the page is cut: what was accepted of it comes twice
			if out[i].Published {
				r.sum.Read, r.sum.Published = r.sum.Read+1, r.sum.Published+1
			}
		}
		return nil, fmt.Errorf("relay: replay: stopped for want of time; go on from the cursor: %w", cmp.Or(ctx.Err(), context.DeadlineExceeded))
	}
	return out, nil
}

// keep reports whether an event is asked for. One whose id cannot be read is
// missing from every journal.
func (r *replay) keep(rec *streamrecord.Record) bool {
	return r.opts.keep(rec) && (r.accepted == nil || rec.EventID == "" || !r.accepted.has(rec.EventID, time.UnixMilli(rec.Timestamp)))
}

// count adds what became of a record to the sums, and reports whether it was
// sent.
func (r *replay) count(e *Republished) (sent bool) {
	r.sum.Read++
	switch {
	case e.Published:
		r.sum.Published++
		r.failed, r.barren = 0, 0
		return true
	case e.Code == CodeSkipped:
		r.sum.Skipped++
		return false
	case e.Code == CodeFiltered:
		r.sum.Filtered++
		return false
	}
	r.stuck = true
	if e.Code == CodeHeld {
		r.sum.Held++
		return false
	}
	r.sum.Failed++
	if len(r.sum.Failures) < maxListed {
		kept := *e
		kept.EventID = strings.Clone(e.EventID) // it shares its memory with the whole page
		r.sum.Failures = append(r.sum.Failures, kept)
	}
	if r.failed++; e.Class != EventFault {
		r.barren++
	}
	return true
}

// gaveUp returns an error if there is no use in going on: the configuration keeps
// a whole page from being published, or too many events in a row have failed.
func (r *replay) gaveUp(page []Republished) error {
	code, enough := "", r.barren >= patience || r.failed >= maxFailures
	for i := range page {
		switch e := &page[i]; {
		case e.Published:
			return nil
		case e.unpublished() && (e.Class == ConfigFault || enough && e.Code != CodeHeld):
			code = cmp.Or(code, e.Code)
		}
	}
	if code == "" {
		return nil
	}
	return fmt.Errorf("%w: nothing is accepted: %s; see the handler's log, and go on from the cursor", ErrReplayStopped, code)
}

// ahead yields the pages of a source, and reads the next one meanwhile.
func ahead(ctx context.Context, s Source, start json.RawMessage) func(func(Page, error) bool) {
	type read struct {
		page Page
		err  error
	}
	return func(yield func(Page, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		pages := make(chan read)
		go func() {
			defer close(pages)
			give := func(r read) bool {
				select {
				case pages <- r:
					return true
				case <-ctx.Done():
					return false
				}
			}
			ended := false
			defer func() {
				if !ended { // by a panic, or runtime.Goexit
					give(read{err: fmt.Errorf("panic in the source: %T", recover())})
				}
			}()
			for page, err := range s.Pages(ctx, start) {
				if !give(read{page, err}) || err != nil {
					break
				}
			}
			ended = true
		}()
		defer func() {
			cancel()
			for range pages { // until the source has ended
			}
		}()
		for r := range pages {
			if !yield(r.page, r.err) || r.err != nil {
				return
			}
		}
	}
}
