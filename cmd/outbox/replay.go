package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/cursorfile"
	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/progress"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// replayCmd publishes events again.
type replayCmd struct {
	period
	what

	Missing        bool     `group:"filter" help:"Only what was never accepted: not in the journal, and not in the dead letters. It needs the journal; --dead-letters none if there is no such table."`
	OnlyNames      []string `group:"filter" placeholder:"NAME" help:"Only events of these names (headers.eventName)."`
	OnlySources    []string `group:"filter" placeholder:"SOURCE" help:"Only events of these sources (headers.source)."`
	OnlyAggregates []string `group:"filter" sep:"none" placeholder:"ID" help:"Only events of this aggregate (headers.aggregateId). Can be given more than once."`

	destination
	Mark string `group:"to" placeholder:"TEXT" help:"Put this into each event as headers.replay, so that rules and consumers can tell. Default: nothing."`

	Rate float64 `group:"pace" placeholder:"N" help:"Publish at most N events a second. Default: as fast as the bus takes them."`
	pace

	Cursor string `group:"resume" placeholder:"FILE" help:"Keep in this file how far it has come, after each page."`
	Resume bool   `group:"resume" help:"Go on from the cursor file. It is there as long as a replay has not ended."`
	change

	storeNames
	busName
	journalName
	deadLettersName
}

func (c *replayCmd) Help() string {
	return `They come from the event store, from the stream, or from what Lambda or Pipes left of a batch that failed. Say which events (--from and --to, or one of the others under "Which events"), and where to. An event has the same eventId as before, so consumers that keep receipts do nothing twice. The event store is never changed. What goes to the relay's own bus is written into the journal; --journal none if there is none.

Examples:
  outbox replay --from 36h --missing --to-same-bus              what it would do
  outbox replay --from 36h --missing --to-same-bus --execute --cursor replay.json --reason "bus was down"
  outbox replay --from 36h --missing --to-same-bus --execute --cursor replay.json --resume
  outbox replay --id 01M872WT0STBQCYVHK675TM9FS --to-same-bus --execute

Without --execute it reads all that it would read with it, at the same cost, and publishes nothing. Ctrl-C ends at the end of a page, with the cursor written; a second one ends at once.

Exit status: 0 all is published (or would be), 1 some of it is not, 2 the call or the configuration is wrong, 3 interrupted.`
}

// Run is the verb.
func (c *replayCmd) Run(ctx context.Context, a *app) error {
	now := time.Now()
	store, err := c.store()
	if err != nil {
		return err
	}
	bus, to, err := c.to(or(c.Bus, c.Name+"-bus"))
	if err != nil {
		return err
	}
	state, err := c.state(now)
	if err != nil {
		return err
	}
	cfg, err := a.aws(ctx)
	if err != nil {
		return err
	}
	jobs, err := c.jobs(ctx, a, cfg, store, state)
	if err != nil {
		return err
	}
	h, err := c.publisher(a, cfg, bus, store)
	if err != nil {
		return err
	}
	return c.audited(ctx, a, cfg, "replay", func() (any, error) {
		r := &replayRun{
			a: a, h: h, state: state, cursor: c.Cursor, dry: !c.Execute,
			result: replayResult{Executed: c.Execute, To: c.text(bus), Rate: c.Rate, missing: c.Missing},
			meter:  progress.New(a.stderr, a.terminal, "event"),
			options: func(o *relay.ReplayOptions) {
				o.To, o.Names, o.Sources, o.Aggregates = to, c.OnlyNames, c.OnlySources, c.OnlyAggregates
				o.Rate, o.Mark, o.DryRun = c.Rate, c.Mark, !c.Execute
				if c.Missing {
					o.MissingFrom = c.reader(cfg)
				}
			},
		}
		err := r.all(ctx, jobs)
		if errors.Is(err, errInterrupted) || errors.Is(context.Cause(ctx), errInterrupted) {
			fmt.Fprintln(a.stderr, c.onward())
		}
		if werr := r.write(err); err == nil {
			err = werr
		}
		return r.result, err
	})
}

// onward says how to go on after an interruption.
func (c *replayCmd) onward() string {
	switch {
	case !c.Execute:
		return "outbox: nothing was published"
	case c.OnFailureQueue != "":
		return "outbox: run it again: messages whose events are published are gone from the queue"
	case c.Cursor == "":
		return "outbox: without --cursor it can only begin again; what comes twice has the same eventId"
	}
	return "outbox: --resume goes on from " + c.Cursor
}

// state says where to begin, and which times are meant.
func (c *replayCmd) state(now time.Time) (s cursorfile.State, err error) {
	switch {
	case !(c.Rate >= 0) || math.IsInf(c.Rate, 0):
		return s, usage("--rate %v is no number of events a second", c.Rate)
	case c.Missing && c.Journal == none:
		return s, usage("--missing needs a --journal: without one nobody knows what was accepted")
	case c.Resume && c.Cursor == "":
		return s, usage("--resume needs --cursor: the file with how far it has come")
	case c.Cursor != "" && !c.Execute:
		return s, usage("--cursor needs --execute: what only looks has nothing to go on from")
	case c.Cursor != "" && c.OnFailureQueue != "":
		return s, usage("--cursor is not for --on-failure-queue: a message whose events are published is deleted, so the queue itself says how far it is")
	}
	if c.Resume {
		s, err = cursorfile.Read(c.Cursor)
		if errors.Is(err, fs.ErrNotExist) {
			return s, usage("there is no cursor in %s: the replay has ended, or was never begun; without --resume it begins", c.Cursor)
		}
		if err != nil {
			return s, usageError{err}
		}
	} else if c.Cursor != "" && cursorfile.Exists(c.Cursor) {
		return s, usage("there is a cursor in %s already: --resume goes on from it; delete the file to begin again", c.Cursor)
	}
	if c.byTime() {
		p := c.period
		if !s.From.IsZero() && p.From.relative() { // "36h" meant another time then
			p.From = when{time: s.From, set: true}
		}
		if !s.To.IsZero() && p.To.relative() {
			p.To = when{time: s.To, set: true}
		}
		s.From, s.To, err = p.span(now.UTC().Truncate(time.Millisecond))
		if err == nil && c.Missing {
			err = c.reaches(s.From, now)
		}
	}
	return s, err
}

// publisher returns the handler. What it brings to the relay's own bus goes into
// the journal, if there is one.
func (c *replayCmd) publisher(a *app, cfg aws.Config, bus string, s eventStore) (*relay.Handler, error) {
	var told relay.Journal
	if c.ToSameBus {
		told = c.writer(cfg, c.Name)
	}
	return a.handler(cfg, bus, s.layout, told)
}

// replayRun is a run on its way.
type replayRun struct {
	a       *app
	h       *relay.Handler
	options func(*relay.ReplayOptions)
	state   cursorfile.State
	cursor  string // a file, "" for none
	dry     bool
	meter   *progress.Meter
	result  replayResult
}

// all replays one source after the other.
func (r *replayRun) all(ctx context.Context, jobs iter.Seq2[job, error]) error {
	begin := time.Now()
	if r.cursor != "" { // what is killed before its first page can be resumed too
		if err := cursorfile.Write(r.cursor, r.state); err != nil {
			return err
		}
	}
	r.a.interrupts.paged.Store(true)
	defer func() {
		r.meter.Close()
		r.result.Seconds = time.Since(begin).Seconds()
	}()
	for j, err := range jobs {
		if err == nil {
			err = r.one(ctx, j)
		}
		if err != nil {
			return err
		}
	}
	switch {
	case r.result.Failed+r.result.Held > 0 || len(r.result.Missing) > 0:
		return errSomeFailed
	case r.cursor != "":
		return removeCursor(r.cursor)
	}
	return nil
}

// one replays a source, and does what is to be done when all of it is published.
func (r *replayRun) one(ctx context.Context, j job) error {
	if v, ok := j.source.(relay.Validator); ok {
		if err := v.Validate(); err != nil && j.message != "" { // it stays in the queue, and the others go on
			r.result.Missing = append(r.result.Missing, lost{Reason: fmt.Sprintf("message %s: %v", j.message, err)})
			return nil
		} else if err != nil {
			return usageError{err}
		}
	}
	if j.message != "" {
		r.result.Messages++
	}
	before := r.result
	report, err := relay.Replay(ctx, j.source, r.h, r.options, func(o *relay.ReplayOptions) {
		o.Cursor = r.state.Cursor
		o.Progress = func(p relay.ReplayProgress) error { return r.page(before, j, p) }
	})
	r.result = before.plus(report)
	switch {
	case errors.Is(err, relay.ErrCursor), errors.Is(err, relay.ErrNoSuchBus):
		return usageError{err}
	case err != nil:
		return err
	}
	if j.done != nil && !r.dry && report.Failed+report.Held == 0 && len(report.Missing) == 0 {
		return j.done(ctx)
	}
	return nil
}

// page is called behind each page: the cursor is kept, and the run ends if
// somebody wants it to.
func (r *replayRun) page(before replayResult, j job, p relay.ReplayProgress) error {
	sum := before.plus(p.ReplayReport)
	fraction := 0.0
	if j.units > 0 {
		fraction = p.ReadUnits / j.units
	}
	note := ""
	if n := sum.Failed + sum.Held; n > 0 {
		note = fmt.Sprintf("%d not published", n)
	}
	r.meter.Set(int64(sum.Published), fraction, note)
	if r.cursor != "" && len(p.Cursor) > 0 {
		s := r.state
		s.Cursor = slices.Clone(p.Cursor)
		if err := cursorfile.Write(r.cursor, s); err != nil {
			return err
		}
	}
	if r.a.interrupts.asked.Load() {
		return errInterrupted
	}
	return nil
}
