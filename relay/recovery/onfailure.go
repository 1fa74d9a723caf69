package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// OnFailureOptions of [OnFailure].
type OnFailureOptions struct {
	// ScanOptions are for the event store, where it has to be scanned.
	ScanOptions

	// Slack is how much earlier than it came on the stream an event may have
	// been made; a clock that is ahead by as much is allowed for, too. Zero means
	// [relay.ClockSkew].
	Slack time.Duration
}

// OnFailure is the source of a batch that Lambda or EventBridge Pipes has given
// up. record is what it left behind: the body of the message in the queue, or the
// object in the bucket. It must be of a stream of that table.
//
// An object of Lambda holds the batch itself, and nothing else is read. Otherwise
// the records are read from the stream. What the stream has forgotten is looked
// for in the event store: every event that was made between the arrival of the
// first record, less the slack, and that of the last one, and the slack. That
// holds all events of the batch that are still in the table, and others beside
// them: give ReplayOptions.MissingFrom, or these others are published again. If
// fewer events are found than the batch had records that the stream does not have,
// the difference is Missing: they have been deleted, or were no events.
//
// It needs the permissions of [StreamRange] and [EventStore].
func OnFailure(streams StreamAPIClient, tables TableAPIClient, table string, layout envelope.Layout, record []byte, optFns ...func(*OnFailureOptions)) relay.Source {
	s := &onFailure{}
	for _, fn := range optFns {
		if fn != nil {
			fn(&s.opts)
		}
	}
	if s.opts.Slack == 0 {
		s.opts.Slack = relay.ClockSkew
	}
	if s.batch, s.err = parseGivenUp(record, table); s.err != nil {
		return s
	}
	if s.opts.Slack < 0 {
		s.err = fmt.Errorf("recovery: OnFailureOptions.Slack: %v is negative", s.opts.Slack)
	}
	b := s.batch
	s.fromStream = StreamRange(streams, b.StreamARN, b.ShardID, b.First, b.Last)
	s.fromStore = EventStore(tables, table, layout, b.FirstCame.Add(-s.opts.Slack), b.LastCame.Add(s.opts.Slack),
		func(o *ScanOptions) { *o = s.opts.ScanOptions })
	return s
}

type onFailure struct {
	opts  OnFailureOptions
	batch *givenUp
	err   error

	fromStream, fromStore relay.Source
}

// Validate returns an error that names each wrong argument.
func (s *onFailure) Validate() error {
	if s.err != nil {
		return s.err
	}
	var errs []error
	for _, source := range []relay.Source{s.fromStream, s.fromStore} {
		if v, ok := source.(relay.Validator); ok {
			errs = append(errs, v.Validate())
		}
	}
	return errors.Join(errs...)
}

// Question names the batch.
func (s *onFailure) Question() string {
	if s.batch == nil {
		return "an on-failure record"
	}
	return fmt.Sprintf("on-failure record: %s, or %s", s.fromStream.Question(), s.fromStore.Question())
}

// inBatch is the place in such a batch, in a cursor.
type inBatch struct {
	Lost  bool            `json:"lost,omitempty"`  // the stream does not have all
	Store bool            `json:"store,omitempty"` // the stream is read, and the event store is next
	Had   int             `json:"had,omitempty"`   // records that the stream had
	Found int             `json:"found,omitempty"` // events that the event store has
	At    json.RawMessage `json:"at,omitempty"`
	Done  bool            `json:"done,omitempty"`
}

// Pages reads the batch.
func (s *onFailure) Pages(ctx context.Context, cursor json.RawMessage) iter.Seq2[relay.Page, error] {
	return func(yield func(relay.Page, error) bool) {
		var at inBatch
		if cursor != nil && json.Unmarshal(cursor, &at) != nil {
			yield(relay.Page{}, relay.ErrCursor)
			return
		}
		switch {
		case at.Done:
		case s.batch.records != nil:
			page := relay.Page{Cursor: json.RawMessage(`{"done":true}`)}
			for _, text := range s.batch.records {
				page.Records = append(page.Records, relay.Again{Record: text})
			}
			if n := len(page.Records); n < s.batch.Size {
				page.Missing = s.missing(n, "the object holds fewer records than the batch had")
			}
			yield(page, nil)
		default:
			if at.Store || s.stream(ctx, &at, yield) {
				s.store(ctx, &at, yield)
			}
		}
	}
}

// stream yields what the stream has, and reports whether the event store is to be
// asked for the rest.
func (s *onFailure) stream(ctx context.Context, at *inBatch, yield func(relay.Page, error) bool) bool {
	for page, err := range s.fromStream.Pages(ctx, at.At) {
		if err != nil {
			yield(page, err)
			return false
		}
		at.At, at.Had = page.Cursor, at.Had+len(page.Records)
		if len(page.Missing) > 0 {
			at.Lost = true
		}
		if !s.give(page.Records, nil, page.ReadUnits, *at, yield) {
			return false
		}
	}
	if at.Lost {
		at.Store, at.At = true, nil
	}
	return at.Lost
}

// store yields what the event store has.
func (s *onFailure) store(ctx context.Context, at *inBatch, yield func(relay.Page, error) bool) {
	for page, err := range s.fromStore.Pages(ctx, at.At) {
		if err != nil {
			yield(page, err)
			return
		}
		at.At, at.Found = page.Cursor, at.Found+len(page.Records)
		if !s.give(page.Records, nil, page.ReadUnits, *at, yield) {
			return
		}
	}
	at.Done = true
	var missing []relay.Missing
	if n := max(at.Had, at.Found); n < s.batch.Size {
		missing = s.missing(n, "the stream has forgotten them, and the event store has fewer events of that time than the batch had records")
	}
	s.give(nil, missing, 0, *at, yield)
}

// missing says that there are only n records of the batch.
func (s *onFailure) missing(n int, reason string) []relay.Missing {
	b := s.batch
	return []relay.Missing{{
		ShardID: b.ShardID, First: b.First, Last: b.Last, From: b.FirstCame, To: b.LastCame, Events: b.Size - n, Reason: reason,
	}}
}

// give yields a page.
func (s *onFailure) give(records []relay.Again, missing []relay.Missing, units float64, at inBatch, yield func(relay.Page, error) bool) bool {
	text, err := json.Marshal(at)
	return yield(relay.Page{Records: records, Missing: missing, ReadUnits: units, Cursor: text}, err)
}
