// Package audit answers which events of an event store were never published: event
// store, less the journal, less the dead letters. It reads and publishes nothing.
//
// It is a replay that only looks, of what the journal lacks: so an event is missing
// here exactly when a replay of what is missing would publish it.
package audit

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// Options of [Run]. All are required but List and Progress.
type Options struct {
	Source  relay.Source // of the event store
	Layout  envelope.Layout
	Journal relay.JournalReader
	Letters func(context.Context) iter.Seq2[string, error] // ids of the dead letters; nil where there are none
	Young   time.Time                                      // what is made later may be on its way

	List     bool                                // keep the events, not just the counts
	Progress func(read int, units float64) error // called behind each page
}

// Result is what was found. Every event of the time is in one of the counts.
type Result struct {
	Committed     int     `json:"committed"`
	Accepted      int     `json:"accepted"`      // the bus has accepted it
	DeadLettered  int     `json:"deadLettered"`  // only in the dead letters
	Discarded     int     `json:"discarded"`     // was dead-lettered; the letter is gone, and the bus has not accepted it since
	Young         int     `json:"young"`         // neither, but so young that it may be on its way
	NeverAccepted int     `json:"neverAccepted"` // neither
	Unreadable    int     `json:"unreadable"`    // of those: an item that is no event by this layout
	ReadUnits     float64 `json:"readUnits"`     // of the event store

	// JournalFrom is the time of the first thing in the journal, zero if there is
	// nothing. OlderThanJournal are the events never accepted that were made before
	// it: there may have been no journal then.
	JournalFrom      time.Time `json:"journalFrom,omitzero"`
	OlderThanJournal int       `json:"olderThanJournal"`

	// Oldest and Newest are the times of the events never accepted.
	Oldest time.Time `json:"oldest,omitzero"`
	Newest time.Time `json:"newest,omitzero"`

	Events []Event `json:"events,omitempty"` // all that the bus has not accepted, if they are listed
}

// Event is one that the bus has not accepted.
type Event struct {
	EventID     string    `json:"eventId,omitempty"`
	EventName   string    `json:"eventName,omitempty"`
	AggregateID string    `json:"aggregateId,omitempty"`
	Sequence    int64     `json:"sequence,omitempty"`
	Time        time.Time `json:"time,omitzero"`
	State       State     `json:"state"`
}

// State says where an event is that the bus has not accepted.
type State string

// The states.
const (
	NeverAccepted State = "never accepted"
	DeadLettered  State = "dead-lettered"
	Discarded     State = "discarded"
	Young         State = "young"
	Unreadable    State = "unreadable" // never accepted, and a replay cannot publish it either
)

// Run looks. The result is what was found so far if there is an error.
func Run(ctx context.Context, o Options) (*Result, error) {
	a := &audit{
		o: o, source: &tee{Source: o.Source}, result: new(Result), letters: map[string]struct{}{}, dead: map[string]struct{}{},
		decoder: streamrecord.NewDecoder(streamrecord.Config{Event: o.Layout.WithDefaults().Event, Marker: o.Layout.Marker, MarkerValue: envelope.MarkerValue}),
	}
	if o.Letters != nil {
		for id, err := range o.Letters(ctx) {
			if err != nil {
				return a.result, err
			}
			a.letters[id] = struct{}{}
		}
	}
	h, err := relay.NewHandler(nothing{}, relay.Block, func(h *relay.Options) { h.Layout = o.Layout })
	if err != nil {
		return a.result, err
	}
	report, err := relay.Replay(ctx, a.source, h, func(r *relay.ReplayOptions) {
		r.To, r.DryRun, r.MissingFrom, r.Progress = relay.ToSameBus(), true, a, a.page
	})
	a.result.ReadUnits = report.ReadUnits
	return a.result, err
}

// audit is one run. It is the journal that the replay sees: without the
// dead-lettered, which it keeps apart.
type audit struct {
	o       Options
	source  *tee
	decoder *streamrecord.Decoder
	result  *Result

	letters map[string]struct{} // in the table of dead letters
	dead    map[string]struct{} // dead-lettered, by the journal
}

// Accepted yields what the bus has accepted.
func (a *audit) Accepted(ctx context.Context, from, to time.Time) iter.Seq2[relay.Done, error] {
	return func(yield func(relay.Done, error) bool) {
		for d, err := range a.o.Journal.Accepted(ctx, from, to) {
			if err == nil && (a.result.JournalFrom.IsZero() || d.At.Before(a.result.JournalFrom)) {
				a.result.JournalFrom = d.At
			}
			if err == nil && d.DeadLettered {
				a.dead[d.EventID] = struct{}{}
				continue
			}
			if !yield(d, err) || err != nil {
				return
			}
		}
	}
}

// Validate returns what is wrong with the journal.
func (a *audit) Validate() error {
	if v, ok := a.o.Journal.(relay.Validator); ok {
		return v.Validate()
	}
	return nil
}

// page counts a page.
func (a *audit) page(p relay.ReplayProgress) error {
	records := a.source.next()
	if len(records) != len(p.Page) {
		return fmt.Errorf("audit: %d answers for %d records", len(p.Page), len(records))
	}
	for i, r := range p.Page {
		switch {
		case r.Code == relay.CodeSkipped:
		case r.Code == relay.CodeFiltered:
			a.result.Committed++
			a.result.Accepted++
		default:
			a.result.Committed++
			if err := a.count(records[i].Record, r); err != nil {
				return err
			}
		}
	}
	if a.o.Progress != nil {
		return a.o.Progress(a.result.Committed, p.ReadUnits)
	}
	return nil
}

// count counts an event that the bus has not accepted.
func (a *audit) count(record []byte, r relay.Republished) error {
	e := Event{EventID: r.EventID, State: NeverAccepted}
	batch, err := a.decoder.Decode(fmt.Appendf(nil, `{"Records":[%s]}`, record))
	if err != nil || len(batch.Records) != 1 {
		return errors.New("audit: a record of the event store cannot be read") // it was, a moment ago
	}
	h := batch.Records[0].EventHeaders
	e.EventName, e.AggregateID, e.Sequence = h.EventName, h.AggregateID, h.Sequence
	if h.Timestamp > 0 {
		e.Time = time.UnixMilli(h.Timestamp).UTC()
	}
	_, letter := a.letters[e.EventID]
	_, dead := a.dead[e.EventID]
	switch {
	case letter:
		e.State = DeadLettered
		a.result.DeadLettered++
	case dead:
		e.State = Discarded
		a.result.Discarded++
	case e.Time.After(a.o.Young):
		e.State = Young
		a.result.Young++
	default:
		a.never(&e, !r.Published)
	}
	if a.o.List {
		a.result.Events = append(a.result.Events, e)
	}
	return nil
}

func (a *audit) never(e *Event, unreadable bool) {
	a.result.NeverAccepted++
	if unreadable {
		e.State = Unreadable
		a.result.Unreadable++
	}
	if e.Time.IsZero() {
		return
	}
	if a.result.Oldest.IsZero() || e.Time.Before(a.result.Oldest) {
		a.result.Oldest = e.Time
	}
	if e.Time.After(a.result.Newest) {
		a.result.Newest = e.Time
	}
	if e.Time.Before(a.result.JournalFrom) {
		a.result.OlderThanJournal++
	}
}
