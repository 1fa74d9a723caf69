package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/audit"
	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/progress"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// auditCmd says what was never published.
type auditCmd struct {
	period
	List bool          `help:"List the events that the bus has not accepted, too."`
	Lag  time.Duration `default:"5m" placeholder:"DURATION" help:"An event younger than this may be on its way, and is counted apart (default ${default})."`

	pace

	storeNames
	journalName
	deadLettersName
}

func (c *auditCmd) Help() string {
	return `Compares the events that were made between --from and --to with the journal and the dead letters. What is in neither was never accepted by a bus: replay --missing publishes it. It needs a journal that was there at the time. It reads the whole event store, and changes nothing.

Examples:
  outbox audit --from 36h
  outbox audit --from 2026-11-25T08:00:00Z --to 2026-11-25T20:00:00Z --list --json

Exit status: 0 nothing is missing, 1 something is, 2 the call or the configuration is wrong.`
}

// auditResult is the result for a program.
type auditResult struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	*audit.Result
}

// Run is the verb.
func (c *auditCmd) Run(ctx context.Context, a *app) error {
	now := time.Now().UTC().Truncate(time.Millisecond)
	s, err := c.store()
	if err != nil {
		return err
	}
	from, to, err := c.span(now)
	if err != nil {
		return err
	}
	if err := c.reaches(from, now); err != nil {
		return err
	}
	if c.Journal == none {
		return usage("an audit needs a --journal: without one nobody knows what was accepted")
	}
	if c.Lag < 0 {
		return usage("--lag %s is negative", c.Lag)
	}
	cfg, err := a.aws(ctx)
	if err != nil {
		return err
	}
	client := dynamodb.NewFromConfig(cfg)
	source, journal := recovery.EventStore(client, s.table, s.layout, from, to, c.options), c.table(cfg, c.Name)
	for _, v := range []any{source, journal} {
		if v, ok := v.(relay.Validator); ok {
			if err := v.Validate(); err != nil {
				return usageError{err}
			}
		}
	}
	units := unitsOf(ctx, client, s.table)
	meter := progress.New(a.stderr, a.terminal, "event")
	result, err := audit.Run(ctx, audit.Options{
		Source: source, Layout: s.layout, Journal: journal, Letters: c.deadLetters(cfg, c.Name).ids(), Young: now.Add(-c.Lag), List: c.List,
		Progress: func(read int, u float64) error {
			fraction := 0.0
			if units > 0 {
				fraction = u / units
			}
			meter.Set(int64(read), fraction, "")
			return nil
		},
	})
	meter.Close()
	if err != nil { // half an audit is none
		return err
	}
	r := auditResult{from, to, result}
	err = a.write(r, r.text)
	if err == nil && result.NeverAccepted > 0 {
		return errSomeFailed
	}
	return err
}

func (r auditResult) text(b *strings.Builder) {
	fmt.Fprintf(b, "Events made from %s to %s\n\n", stamp(r.From), stamp(r.To))
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(n int, what string) { fmt.Fprintf(t, "%d\t%s\n", n, what) }
	row(r.Committed, " committed: in the event store")
	row(r.Accepted, " accepted by the bus")
	row(r.DeadLettered, " only in the dead letters (redrive)")
	if r.Discarded > 0 {
		row(r.Discarded, " dead-lettered before, and the letter is gone: discarded, or expired")
	}
	row(r.Young, " so young that they may be on their way (--lag)")
	row(r.NeverAccepted, " NEVER ACCEPTED (replay --missing)")
	t.Flush()
	if r.NeverAccepted > 0 && !r.Oldest.IsZero() {
		fmt.Fprintf(b, "\nNever accepted: made from %s to %s.\n", stamp(r.Oldest), stamp(r.Newest))
	}
	if r.Unreadable > 0 {
		fmt.Fprintf(b, "%d of them are items that are no events by this layout (--layout, --marker); a replay cannot publish them.\n", r.Unreadable)
	}
	switch {
	case r.NeverAccepted == 0:
	case r.JournalFrom.IsZero():
		b.WriteString("The journal has nothing of that time. If the relay had none then, nobody can know.\n")
	case r.OlderThanJournal > 0:
		fmt.Fprintf(b, "%d of them are older than the first thing in the journal (%s). If the relay had no journal then, nobody can know.\n", r.OlderThanJournal, stamp(r.JournalFrom))
	}
	if len(r.Events) > 0 {
		b.WriteString("\n")
		t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "TIME\tEVENT\tNAME\tAGGREGATE\tSTATE")
		for _, e := range r.Events {
			aggregate := e.AggregateID
			if e.Sequence > 0 {
				aggregate += fmt.Sprintf("#%d", e.Sequence)
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", stamp(e.Time), e.EventID, e.EventName, aggregate, e.State)
		}
		t.Flush()
	}
}
