package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/price"
	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/progress"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// replayResult is what a replay has done, or would do.
type replayResult struct {
	Executed  bool      `json:"executed"`
	To        string    `json:"to"`
	Read      int       `json:"read"`
	Filtered  int       `json:"filtered"`
	Skipped   int       `json:"skipped"`
	Published int       `json:"published"` // without execution: what would be sent
	Failed    int       `json:"failed"`
	Held      int       `json:"held"`
	Bytes     int64     `json:"bytes"`
	ReadUnits float64   `json:"readUnits"`
	Oldest    time.Time `json:"oldest,omitzero"`
	Newest    time.Time `json:"newest,omitzero"`
	Rate      float64   `json:"rate,omitempty"` // the most events a second
	Seconds   float64   `json:"seconds"`
	PriceUSD  prices    `json:"priceUSD"`
	Failures  []failure `json:"failures,omitempty"`
	Missing   []lost    `json:"missing,omitempty"`
	Done      bool      `json:"done"` // the source was read to its end
	Messages  int       `json:"messages,omitempty"`
	Unknown   []string  `json:"cannotKnow,omitempty"`
	Error     string    `json:"error,omitempty"`

	missing bool // --missing was given
}

type prices struct {
	PutEvents float64 `json:"putEvents"`
	Reads     float64 `json:"reads"`
}

// failure is an event that was not published.
type failure struct {
	EventID string `json:"eventId"`
	Code    string `json:"code"`
}

// lost is something that the source knows of and could not find.
type lost struct {
	EventID string    `json:"eventId,omitempty"`
	ShardID string    `json:"shardId,omitempty"`
	First   string    `json:"first,omitempty"`
	Last    string    `json:"last,omitempty"`
	From    time.Time `json:"from,omitzero"`
	To      time.Time `json:"to,omitzero"`
	Events  int       `json:"events,omitempty"`
	Reason  string    `json:"reason"`
}

// plus adds a report.
func (r replayResult) plus(p relay.ReplayReport) replayResult {
	r.Read += p.Read
	r.Filtered += p.Filtered
	r.Skipped += p.Skipped
	r.Published += p.Published
	r.Failed += p.Failed
	r.Held += p.Held
	r.Bytes += p.Bytes
	r.ReadUnits += p.ReadUnits
	r.Done = p.Done
	if !p.Oldest.IsZero() && (r.Oldest.IsZero() || p.Oldest.Before(r.Oldest)) {
		r.Oldest = p.Oldest
	}
	if p.Newest.After(r.Newest) {
		r.Newest = p.Newest
	}
	r.Failures, r.Missing = r.Failures[:len(r.Failures):len(r.Failures)], r.Missing[:len(r.Missing):len(r.Missing)]
	for _, f := range p.Failures {
		r.Failures = append(r.Failures, failure{f.EventID, f.Code})
	}
	for _, m := range p.Missing {
		r.Missing = append(r.Missing, lost(m))
	}
	return r
}

// write finishes the result, and writes it.
func (r *replayRun) write(err error) error {
	s := &r.result
	if err != nil && !errors.Is(err, errSomeFailed) {
		s.Error = err.Error()
	}
	s.PriceUSD.Reads = price.Read(s.ReadUnits)
	if s.Published > 0 { // each event counts for one chunk or more
		s.PriceUSD.PutEvents = price.Publish(max(int64(s.Published), price.Chunks(int(s.Bytes))))
	}
	if !s.Executed {
		s.Unknown = s.unknown()
	}
	if !r.a.JSON && s.Read == 0 && err != nil && !errors.Is(err, errSomeFailed) {
		return nil // the error says it all
	}
	return r.a.write(s, s.text)
}

// unknown is what nobody can know beforehand.
func (r *replayResult) unknown() []string {
	all := []string{
		"what the rules of the bus do with the events, and whether every consumer keeps receipts: one without them does its work again",
		"whether the relay's own code routes some events to another bus (Options.Route): all go to this one",
		"what is committed or published from now on",
		"prices of other regions than us-east-1, which cost up to about a third more, and those of targets and archives",
	}
	if r.missing {
		return append(all, "what the relay published while it could not write the journal (Metrics.JournalFailed): it counts as missing")
	}
	return append(all, "which of the events the bus has accepted before (--missing leaves those out)")
}

func (r *replayResult) text(b *strings.Builder) {
	if r.Executed {
		fmt.Fprintf(b, "Published %s in %s (%s/s).\n\n", progress.Count(r.Published, "event"), progress.Duration(time.Duration(r.Seconds*float64(time.Second))), progress.Rate(float64(r.Published)/max(r.Seconds, 0.001)))
	} else {
		fmt.Fprintf(b, "Nothing was published. With --execute, %s would be.\n\n", progress.Count(r.Published, "event"))
	}
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(t, "  %s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	row("to", "%s", r.To)
	row("read", "%s", r.readText())
	if !r.Oldest.IsZero() {
		row("made", "%s to %s", stamp(r.Oldest), stamp(r.Newest))
	}
	row("size", "%s", bytesText(r.Bytes))
	if !r.Executed {
		if r.Rate > 0 {
			row("rate", "at most %s/s, so %s or longer", progress.Rate(r.Rate), progress.Duration(time.Duration(float64(r.Published)/r.Rate*float64(time.Second))))
		} else {
			row("rate", "as fast as the bus takes them (--rate limits it); reading took %s", progress.Duration(time.Duration(r.Seconds*float64(time.Second))))
		}
		row("read units", "%s to find this out, and the same again to do it", unitsText(r.ReadUnits))
		row("price", "%s for PutEvents, %s for reading again", price.Text(r.PriceUSD.PutEvents), price.Text(r.PriceUSD.Reads))
	} else {
		row("read units", "%s", unitsText(r.ReadUnits))
		row("price", "%s for PutEvents, %s for reading", price.Text(r.PriceUSD.PutEvents), price.Text(r.PriceUSD.Reads))
	}
	if r.Messages > 0 {
		row("messages", "%d of the queue", r.Messages)
	}
	if r.Failed+r.Held > 0 {
		row("not published", "%d failed, %d held behind one of their aggregate that failed", r.Failed, r.Held)
	}
	t.Flush()
	r.faults(b)
	if len(r.Unknown) > 0 {
		b.WriteString("\nWhat cannot be known:\n")
		for _, line := range r.Unknown {
			fmt.Fprintf(b, "  - %s\n", line)
		}
	}
}

// faults lists what failed and what is missing.
func (r *replayResult) faults(b *strings.Builder) {
	if len(r.Failures) > 0 {
		fmt.Fprintf(b, "\nFailed (the first %d):\n", len(r.Failures))
		t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
		for _, f := range r.Failures {
			fmt.Fprintf(t, "  %s\t%s\n", or(f.EventID, "(no event id)"), f.Code)
		}
		t.Flush()
	}
	if len(r.Missing) > 0 {
		b.WriteString("\nNot found:\n")
		for _, m := range r.Missing {
			fmt.Fprintf(b, "  - %s\n", m.text())
		}
	}
}

func (m lost) text() string {
	var parts []string
	if m.EventID != "" {
		parts = append(parts, "event "+m.EventID)
	}
	if m.ShardID != "" {
		parts = append(parts, "shard "+m.ShardID)
	}
	if m.First != "" || m.Last != "" {
		parts = append(parts, "records "+m.First+" to "+m.Last)
	}
	if !m.From.IsZero() || !m.To.IsZero() {
		parts = append(parts, stamp(m.From)+" to "+stamp(m.To))
	}
	if m.Events > 0 {
		parts = append(parts, progress.Count(m.Events, "event"))
	}
	return strings.Join(append(parts, m.Reason), ", ")
}

func (r *replayResult) readText() string {
	s := progress.Count(r.Read, "record")
	if r.Filtered > 0 && r.missing {
		s += fmt.Sprintf(", %d left out: accepted or dead-lettered before, or by a filter", r.Filtered)
	} else if r.Filtered > 0 {
		s += fmt.Sprintf(", %d left out by a filter", r.Filtered)
	}
	if r.Skipped > 0 {
		s += fmt.Sprintf(", %d are no events", r.Skipped)
	}
	return s
}

func unitsText(u float64) string { return fmt.Sprintf("%.1f", u) }

func bytesText(n int64) string {
	switch {
	case n < 1000:
		return progress.Count(n, "byte")
	case n < 1_000_000:
		return fmt.Sprintf("%.1f KB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
