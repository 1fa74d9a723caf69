package audit_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/audit"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// now is when the audit is: the events are made around it.
var now = time.Now().UTC().Truncate(time.Millisecond)

// record is an event's item as a record of the stream.
func record(id string, age time.Duration) relay.Again {
	return relay.Again{Record: fmt.Appendf(nil, `{"eventName":"INSERT","eventSource":"aws:dynamodb","dynamodb":{"NewImage":{"event":{"M":{"headers":{"M":{"eventId":{"S":%q},"eventName":{"S":"User.Created"},"source":{"S":"s"},"aggregateId":{"S":"a"},"timestamp":{"N":"%d"}}},"payload":{"M":{}}}}}}}`,
		id, now.Add(-age).UnixMilli())}
}

// journal is what was done.
type journal []relay.Done

func (j journal) Accepted(_ context.Context, from, to time.Time) iter.Seq2[relay.Done, error] {
	return func(yield func(relay.Done, error) bool) {
		for _, d := range j {
			if !d.At.Before(from) && d.At.Before(to) && !yield(d, nil) {
				return
			}
		}
	}
}

func letters(ids ...string) func(context.Context) iter.Seq2[string, error] {
	return func(context.Context) iter.Seq2[string, error] {
		return func(yield func(string, error) bool) {
			for _, id := range ids {
				if !yield(id, nil) {
					return
				}
			}
		}
	}
}

// TestEveryEventIsInOneCount: whatever became of an event, it is counted once, by
// what is known of it.
func TestEveryEventIsInOneCount(t *testing.T) {
	done := func(id string, dead bool, age time.Duration) relay.Done {
		return relay.Done{EventID: id, DeadLettered: dead, At: now.Add(-age)}
	}
	var records []relay.Again
	for i := range 250 { // three pages
		records = append(records, record(fmt.Sprintf("accepted-%d", i), time.Hour))
	}
	broken := relay.Again{Record: []byte(`{"eventName":"INSERT","eventSource":"aws:dynamodb","dynamodb":{"NewImage":{"other":{"S":"x"}}}}`)}
	change := relay.Again{Record: []byte(`{"eventName":"MODIFY","eventSource":"aws:dynamodb","dynamodb":{"NewImage":{}}}`)}
	records = append(records, record("letter", time.Hour), record("letter-not-in-journal", time.Hour), record("discarded", time.Hour),
		record("redriven", time.Hour), record("young", time.Second), record("lost", 2*time.Hour), record("lost-2", time.Hour), broken, change)
	j := journal{done("letter", true, 50*time.Minute), done("discarded", true, 50*time.Minute), done("redriven", true, 50*time.Minute), done("redriven", false, 10*time.Minute)}
	for i := range 250 {
		j = append(j, done(fmt.Sprintf("accepted-%d", i), false, 59*time.Minute))
	}

	pages := 0
	r, err := audit.Run(t.Context(), audit.Options{
		Source: relay.Records("test", records...), Journal: j, Letters: letters("letter", "letter-not-in-journal", "of another time"), Young: now.Add(-5 * time.Minute), List: true,
		Progress: func(int, float64) error { pages++; return nil },
	})
	require.NoError(t, err)
	require.Equal(t, 3, pages)
	states := map[string]audit.State{}
	for _, e := range r.Events {
		states[e.EventID] = e.State
	}
	require.Equal(t, map[string]audit.State{
		"letter": audit.DeadLettered, "letter-not-in-journal": audit.DeadLettered, "discarded": audit.Discarded, "young": audit.Young,
		"lost": audit.NeverAccepted, "lost-2": audit.NeverAccepted, "": audit.Unreadable,
	}, states)
	require.Equal(t, []int{258, 251, 2, 1, 1, 3, 1}, []int{r.Committed, r.Accepted, r.DeadLettered, r.Discarded, r.Young, r.NeverAccepted, r.Unreadable})
	require.Equal(t, r.Committed, r.Accepted+r.DeadLettered+r.Discarded+r.Young+r.NeverAccepted)
	require.Equal(t, now.Add(-2*time.Hour), r.Oldest)
	require.Equal(t, now.Add(-time.Hour), r.Newest)
	require.Equal(t, now.Add(-59*time.Minute), r.JournalFrom)
	require.Equal(t, 2, r.OlderThanJournal)
}

// TestHalfAnAudit: an error of any part ends it, and is told.
func TestHalfAnAudit(t *testing.T) {
	broken := errors.New("denied")
	_, err := audit.Run(t.Context(), audit.Options{
		Source: relay.Records("test", record("a", time.Hour)), Journal: journal{},
		Letters: func(context.Context) iter.Seq2[string, error] {
			return func(yield func(string, error) bool) { yield("", broken) }
		},
	})
	require.ErrorIs(t, err, broken)
	_, err = audit.Run(t.Context(), audit.Options{
		Source: relay.Records("test", record("a", time.Hour)), Journal: journal{}, Progress: func(int, float64) error { return broken },
	})
	require.ErrorIs(t, err, broken)
}
