package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/progress"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
)

// redriveCmd is about the dead letters.
type redriveCmd struct {
	List    redriveListCmd    `cmd:"" help:"List the dead letters, oldest first."`
	Show    redriveShowCmd    `cmd:"" help:"Show one dead letter."`
	Run     redriveRunCmd     `cmd:"" default:"withargs" help:"Publish dead letters again, to the relay's own bus, and delete those that it accepts. This is what redrive alone does, too."`
	Discard redriveDiscardCmd `cmd:"" help:"Delete dead letters without publishing them."`
}

func (redriveCmd) Help() string {
	return `A dead letter is an event that the bus or the relay refused for good. Correct the cause first; if the event itself is wrong, correct its item in the event store. A redrive publishes the item as it is now, or the record in the letter if there is no item any more. redrive run -h lists its flags. What the bus refuses again stays a dead letter. What it accepts is written into the journal; --journal none if there is none.

Examples:
  outbox redrive list
  outbox redrive show 01M872WT0STBQCYVHK675TM9FS
  outbox redrive --code TooLarge                                 what it would do
  outbox redrive --code TooLarge --execute --reason "limit raised"
  outbox redrive discard 01M872WT0STBQCYVHK675TM9FS --execute --reason "a test event"

Exit status: 0 done, 1 some letters stay, 2 the call or the configuration is wrong, 3 interrupted: run it again.`
}

// letterFilter says which letters are meant.
type letterFilter struct {
	Code []string `group:"filter" placeholder:"CODE" help:"Only letters with this code. Can be given more than once."`
	ID   []string `name:"id" group:"filter" sep:"none" placeholder:"EVENTID" help:"Only the letter of this event. Can be given more than once."`
}

func (f letterFilter) keeps(l deadletter.Kept) bool {
	return (len(f.Code) == 0 || slices.Contains(f.Code, l.Code)) && (len(f.ID) == 0 || slices.Contains(f.ID, l.EventID))
}

// redriveRunCmd publishes dead letters again.
type redriveRunCmd struct {
	letterFilter
	Limit int `group:"filter" placeholder:"N" help:"End after the page in which the Nth letter was read. Default: no limit."`
	change

	storeNames
	busName
	journalName
	deadLettersName
}

// redriveResult is what became of the letters.
type redriveResult struct {
	Executed  bool           `json:"executed"`
	Read      int            `json:"read"`
	Published int            `json:"published"` // without execution: what would be sent
	Failed    int            `json:"failed"`
	ByCode    map[string]int `json:"byCode,omitempty"` // why the others were not
	Failures  []failure      `json:"failures,omitempty"`
	NotFound  []string       `json:"notFound,omitempty"` // of --id: there is no such letter
	To        string         `json:"to"`
	Error     string         `json:"error,omitempty"`
}

// Run is the verb.
func (c *redriveRunCmd) Run(ctx context.Context, a *app) error {
	s, err := c.store()
	if err != nil {
		return err
	}
	cfg, err := a.aws(ctx)
	if err != nil {
		return err
	}
	letters := c.deadLetters(cfg, c.Name)
	if letters == nil {
		return usage("--dead-letters none: there is nothing to redrive")
	}
	bus := or(c.Bus, c.Name+"-bus")
	h, err := a.handler(cfg, bus, s.layout, c.writer(cfg, c.Name))
	if err != nil {
		return err
	}
	return c.audited(ctx, a, cfg, "redrive", func() (any, error) {
		result := redriveResult{Executed: c.Execute, To: "bus " + bus, ByCode: map[string]int{}}
		err := c.all(ctx, a, letters, h, &result)
		if err != nil && !errors.Is(err, errSomeFailed) {
			result.Error = err.Error()
		}
		if werr := a.write(result, result.text); err == nil {
			err = werr
		}
		return result, err
	})
}

// all redrives page by page. Between two pages it ends if somebody wants it to.
func (c *redriveRunCmd) all(ctx context.Context, a *app, letters *deadLetters, h *relay.Handler, result *redriveResult) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	a.interrupts.paged.Store(true)
	meter := progress.New(a.stderr, a.terminal, "letter")
	defer meter.Close()
	missing := slices.Clone(c.ID)
	sum, err := letters.Redrive(ctx, letters.client, h, func(o *deadletter.RedriveOptions) {
		o.DryRun, o.Codes, o.EventIDs, o.Limit = !c.Execute, c.Code, c.ID, c.Limit
		o.Logger = slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
		o.Progress = func(page []deadletter.Letter, sum deadletter.Report) {
			for _, l := range page {
				missing = slices.DeleteFunc(missing, func(id string) bool { return id == l.EventID })
				if !l.Published {
					result.ByCode[l.Code]++
					if len(result.Failures) < 100 {
						result.Failures = append(result.Failures, failure{l.EventID, l.Code})
					}
				}
			}
			meter.Set(int64(sum.Read), 0, "")
			if a.interrupts.asked.Load() {
				stop(errInterrupted)
			}
		}
	})
	result.Read, result.Published, result.Failed = sum.Read, sum.Published, sum.Failed
	switch {
	case err != nil && errors.Is(context.Cause(ctx), errInterrupted):
		return errInterrupted
	case err != nil:
		return err
	case sum.Next == "": // all letters were read
		result.NotFound = missing
	}
	if sum.Failed > 0 || len(result.NotFound) > 0 {
		return errSomeFailed
	}
	return nil
}
