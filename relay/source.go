package relay

import (
	"context"
	"encoding/json"
	"iter"
	"time"
)

// Source yields what [Replay] is to publish again. Package relay/recovery has
// those that read an event store, a stream or an on-failure record; [Records]
// makes one of records that are at hand.
//
// It may also be a [Validator].
type Source interface {
	// Question says what is asked, with all that makes a difference: the same
	// text means that the same records come, in pages that a cursor of the
	// other understands.
	Question() string

	// Pages yields the records page by page, and goes on behind cursor, the
	// Cursor of a page of this question; nil is the beginning. It ends after an
	// error. Replay reads one page ahead, in a goroutine of its own.
	//
	// The events of one aggregate must come in their order if the handler's
	// layout is Ordered.
	Pages(ctx context.Context, cursor json.RawMessage) iter.Seq2[Page, error]
}

// Page is a part of a [Source]. It belongs to whoever it is yielded to.
type Page struct {
	// Records are what is to be published. There may be none.
	Records []Again

	// Cursor is where to go on behind this page: a JSON value. It must be set,
	// also on the last page.
	Cursor json.RawMessage

	// ReadUnits is what reading the page has cost, in read units of DynamoDB.
	ReadUnits float64

	// Missing is what the source knows of and could not find.
	Missing []Missing
}

// Missing is something that a [Source] knows of and could not find: one event, a
// range of a shard, or a stretch of time. What does not apply is empty.
type Missing struct {
	EventID string

	// Records of a shard, from First to Last, by their sequence numbers.
	ShardID, First, Last string

	// What came on the stream, or was committed, between these times.
	From, To time.Time

	// Events is how many there are, 0 if that is not known.
	Events int

	// Reason says in words why it could not be found.
	Reason string
}

// Records is a [Source] of records that are at hand, in pages of 100. Its cursor
// holds the number of records that are behind it, so it is good for the same
// records only.
func Records(question string, records ...Again) Source {
	return recordsSource{question, records}
}

type recordsSource struct {
	question string
	records  []Again
}

func (s recordsSource) Question() string { return "records: " + s.question }

func (s recordsSource) Pages(_ context.Context, cursor json.RawMessage) iter.Seq2[Page, error] {
	return func(yield func(Page, error) bool) {
		const size = 100
		at := 0
		if cursor != nil {
			if err := json.Unmarshal(cursor, &at); err != nil || at < 0 || at > len(s.records) {
				yield(Page{}, ErrCursor)
				return
			}
		}
		for at < len(s.records) {
			n := min(size, len(s.records)-at)
			page := Page{Records: s.records[at : at+n]}
			at += n
			page.Cursor, _ = json.Marshal(at)
			if !yield(page, nil) {
				return
			}
		}
	}
}
