package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/progress"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
)

// shownLetter is a dead letter for people and programs.
type shownLetter struct {
	EventID        string          `json:"eventId,omitempty"`
	EventName      string          `json:"eventName,omitempty"`
	AggregateID    string          `json:"aggregateId,omitempty"`
	Code           string          `json:"code"`
	Attempts       int             `json:"attempts"`
	DeadAt         time.Time       `json:"deadAt"`
	Bus            string          `json:"bus,omitempty"`
	Table          string          `json:"table,omitempty"`
	StreamARN      string          `json:"streamArn,omitempty"`
	SequenceNumber string          `json:"sequenceNumber,omitempty"`
	Headers        json.RawMessage `json:"headers,omitempty"`
	Truncated      bool            `json:"recordTruncated,omitempty"`

	// What may hold data of the event, only where it is asked for.
	Message string          `json:"message,omitempty"`
	Record  json.RawMessage `json:"record,omitempty"`
}

func shown(l deadletter.Kept) shownLetter {
	s := shownLetter{
		EventID: l.EventID, Code: l.Code, Attempts: l.Attempts, DeadAt: l.Time, Bus: l.Bus, Table: l.Table,
		StreamARN: l.StreamARN, SequenceNumber: l.SequenceNumber, Truncated: l.Truncated,
	}
	if json.Valid(l.Headers) {
		s.Headers = l.Headers
		var names map[string]any // a struct would take names in any case
		if json.Unmarshal(l.Headers, &names) == nil {
			s.EventName, _ = names["eventName"].(string)
			s.AggregateID, _ = names["aggregateId"].(string)
		}
	}
	return s
}

// lettersNames are the names that are needed to read the letters.
type lettersNames struct {
	deploymentName
	deadLettersName
}

// of returns the table of the letters.
func (n lettersNames) of(ctx context.Context, a *app) (*deadLetters, aws.Config, error) {
	cfg, err := a.aws(ctx)
	if err != nil {
		return nil, cfg, err
	}
	d := n.deadLetters(cfg, n.Name)
	if d == nil {
		return nil, cfg, usage("--dead-letters none: there is nothing to look at")
	}
	return d, cfg, nil
}

// redriveListCmd lists the letters.
type redriveListCmd struct {
	letterFilter
	lettersNames
}

// Run is the verb.
func (c *redriveListCmd) Run(ctx context.Context, a *app) error {
	d, _, err := c.of(ctx, a)
	if err != nil {
		return err
	}
	all, codes := []shownLetter{}, map[string]int{}
	for l, err := range d.all(ctx) {
		if err != nil {
			return err
		}
		if c.keeps(l) {
			all = append(all, shown(l))
			codes[l.Code]++
		}
	}
	slices.SortStableFunc(all, func(a, b shownLetter) int {
		return cmp.Or(a.DeadAt.Compare(b.DeadAt), cmp.Compare(a.SequenceNumber, b.SequenceNumber))
	})
	return a.write(map[string]any{"letters": all, "byCode": codes}, func(b *strings.Builder) {
		fmt.Fprintf(b, "%s in table %s\n", progress.Count(len(all), "dead letter"), d.name)
		for _, code := range slices.Sorted(maps.Keys(codes)) {
			fmt.Fprintf(b, "  %d with %s\n", codes[code], code)
		}
		if len(all) == 0 {
			return
		}
		b.WriteString("\n")
		t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "DEAD SINCE\tCODE\tEVENT\tNAME\tAGGREGATE\tSEQUENCE NUMBER")
		for _, l := range all {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", stamp(l.DeadAt), l.Code, or(l.EventID, "-"), or(l.EventName, "-"), or(l.AggregateID, "-"), l.SequenceNumber)
		}
		t.Flush()
	})
}

// find returns the letters of an event, or of a sequence number where a letter has
// no event id that can be read.
func (d *deadLetters) find(ctx context.Context, ids ...string) ([]deadletter.Kept, error) {
	var found []deadletter.Kept
	seen := map[string]bool{}
	for l, err := range d.all(ctx) {
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if id != "" && (l.EventID == id || l.EventID == "" && l.SequenceNumber == id) {
				found, seen[id] = append(found, l), true
			}
		}
	}
	for _, id := range ids {
		if !seen[id] {
			return nil, usage("table %s has no dead letter of event %q; redrive list shows what there is", d.name, id)
		}
	}
	return found, nil
}

// redriveShowCmd shows a letter.
type redriveShowCmd struct {
	EventID string `arg:"" help:"The event's id, or the letter's sequence number where it has no event id."`
	Payload bool   `help:"Show the message of the bus and the whole record, too: both may hold data of the event."`
	lettersNames
}

// Run is the verb.
func (c *redriveShowCmd) Run(ctx context.Context, a *app) error {
	d, _, err := c.of(ctx, a)
	if err != nil {
		return err
	}
	found, err := d.find(ctx, c.EventID)
	if err != nil {
		return err
	}
	all := []shownLetter{}
	for _, l := range found {
		s := shown(l)
		if c.Payload {
			whole, err := d.Read(ctx, d.client, l.Key)
			if err != nil {
				return err
			}
			s.Message = whole.Message
			if json.Valid(whole.Record) {
				s.Record = whole.Record
			}
		}
		all = append(all, s)
	}
	return a.write(all, func(b *strings.Builder) {
		for _, l := range all {
			l.text(b)
		}
	})
}

func (l shownLetter) text(b *strings.Builder) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, row := range [][2]string{
		{"event", l.EventID}, {"name", l.EventName}, {"aggregate", l.AggregateID}, {"code", l.Code}, {"message", l.Message}, {"dead since", stamp(l.DeadAt)},
		{"attempts", fmt.Sprint(l.Attempts)}, {"bus", l.Bus}, {"event store", l.Table}, {"stream", l.StreamARN}, {"sequence number", l.SequenceNumber},
		{"headers", string(l.Headers)}, {"record", string(l.Record)},
	} {
		if row[1] != "" {
			fmt.Fprintf(t, "%s\t%s\n", row[0], row[1])
		}
	}
	if l.Truncated {
		fmt.Fprintln(t, "record\tcut off for its size; a redrive takes the item of the event store")
	}
	t.Flush()
	b.WriteString("\n")
}

// redriveDiscardCmd deletes letters.
type redriveDiscardCmd struct {
	EventIDs []string `arg:"" name:"event-id" help:"The events' ids, or the sequence number of a letter that has no event id."`
	change
	lettersNames
}

// discarded is what became of the letters.
type discarded struct {
	Executed bool          `json:"executed"`
	Letters  []shownLetter `json:"letters"`
}

func (c *redriveDiscardCmd) Help() string {
	return `Their events are never published from here. Their items in the event store stay as they are. With --execute it needs a --reason.

Example:
  outbox redrive discard 01M872WT0STBQCYVHK675TM9FS --execute --reason "a test event"`
}

// Run is the verb.
func (c *redriveDiscardCmd) Run(ctx context.Context, a *app) error {
	if c.Execute && c.Reason == "" {
		return usage("--reason is needed: what is discarded is never published, and the audit log has to say why")
	}
	d, cfg, err := c.of(ctx, a)
	if err != nil {
		return err
	}
	found, err := d.find(ctx, c.EventIDs...)
	if err != nil {
		return err
	}
	return c.audited(ctx, a, cfg, "redrive discard", func() (any, error) {
		result, log := discarded{Executed: c.Execute, Letters: []shownLetter{}}, slog.New(slog.NewTextHandler(a.stderr, nil))
		for _, l := range found {
			if c.Execute {
				if err := d.Discard(ctx, d.client, l, c.Reason, log); err != nil {
					return result, err
				}
			}
			result.Letters = append(result.Letters, shown(l))
		}
		return result, a.write(result, func(b *strings.Builder) {
			verb := "Nothing was deleted. With --execute, these letters would be, and their events published by nobody:"
			if c.Execute {
				verb = "Discarded:"
			}
			fmt.Fprintln(b, verb)
			for _, l := range result.Letters {
				fmt.Fprintf(b, "  %s  %s  %s\n", or(l.EventID, l.SequenceNumber), l.EventName, l.Code)
			}
		})
	})
}

func (r redriveResult) text(b *strings.Builder) {
	if r.Executed {
		fmt.Fprintf(b, "%d of %s published to %s, and deleted.\n", r.Published, progress.Count(r.Read, "dead letter"), r.To)
	} else {
		fmt.Fprintf(b, "Nothing was published. With --execute, %d of %s would go to %s, and be deleted when it has accepted them.\n",
			r.Published, progress.Count(r.Read, "dead letter"), r.To)
	}
	if r.Failed > 0 {
		fmt.Fprintf(b, "%d stay:\n", r.Failed)
		for _, code := range slices.Sorted(maps.Keys(r.ByCode)) {
			fmt.Fprintf(b, "  %d with %s\n", r.ByCode[code], code)
		}
		for _, f := range r.Failures {
			fmt.Fprintf(b, "  %s  %s\n", or(f.EventID, "(no event id)"), f.Code)
		}
	}
	if len(r.NotFound) > 0 {
		fmt.Fprintf(b, "Not found:\n  %s\nredrive list shows what there is.\n", strings.Join(r.NotFound, "\n  "))
	}
}
