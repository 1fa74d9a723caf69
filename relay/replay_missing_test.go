package relay_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// acceptedBefore is a journal that can be read.
type acceptedBefore struct {
	done  []relay.Done
	err   error
	reads [][2]time.Time
}

func (j *acceptedBefore) Accepted(_ context.Context, from, to time.Time) iter.Seq2[relay.Done, error] {
	j.reads = append(j.reads, [2]time.Time{from, to})
	return func(yield func(relay.Done, error) bool) {
		for _, d := range j.done {
			if !d.At.Before(from) && d.At.Before(to) && !yield(d, nil) {
				return
			}
		}
		if j.err != nil {
			yield(relay.Done{}, j.err)
		}
	}
}

func (j *acceptedBefore) option(o *relay.ReplayOptions) { o.MissingFrom = j }

func TestReplayOfWhatTheJournalLacks(t *testing.T) {
	now := time.Now()
	journal := &acceptedBefore{done: []relay.Done{
		{EventID: "event-1", At: now.Add(-time.Hour)},
		{EventID: "event-2", At: now.Add(-time.Hour), DeadLettered: true},
		{EventID: "event-2", At: now},
		{EventID: "event-5", At: now.Add(-3 * time.Hour).Add(-14 * time.Minute), Bus: "other"}, // by a clock that is behind
		{EventID: "event-7", At: now.Add(-20 * time.Hour)},                                     // an id of its own, used again
		{EventID: "event-8", At: now.Add(-9 * time.Hour)},
	}}
	rs := records(1, 9)
	for i := range rs {
		rs[i].raw = stamp(rs[i].template(), now.Add(-3*time.Hour))
	}
	rs[7].raw = stamp(testRecord{sequence: 8}.template(), now.Add(-10*time.Hour)) // asks for more of the journal
	rs[8].raw = `{"eventName":"INSERT"}`
	bus := &scriptedBus{}
	report := replayed(t, pagesOf{question: "q", pages: inPages(3, rs)}, newHandler(t, bus, &recordingSink{}), journal.option)
	require.Equal(t, []string{"event-3", "event-4", "event-6", "event-7"}, bus.accepted)
	require.Equal(t, relay.ReplayReport{Read: 9, Filtered: 4, Published: 4, Failed: 1}, counts(report))
	require.Len(t, journal.reads, 2, "each stretch is read once")
	require.WithinDuration(t, now.Add(-3*time.Hour-15*time.Minute), journal.reads[0][0], time.Second)
	require.WithinDuration(t, now.Add(15*time.Minute), journal.reads[0][1], time.Minute)
	require.Equal(t, journal.reads[0][0], journal.reads[1][1])
	require.WithinDuration(t, now.Add(-10*time.Hour-15*time.Minute), journal.reads[1][0], time.Second)
}

// Whatever the journal holds, what is not in it is published, and what is in it is
// not.
func TestReplayOfWhatALargeJournalLacks(t *testing.T) {
	now := time.Now()
	journal := &acceptedBefore{}
	for n := range 20_000 {
		if n%3 != 0 {
			journal.done = append(journal.done, relay.Done{EventID: eventID(n), At: now})
		}
	}
	bus := &scriptedBus{}
	report := replayed(t, pagesOf{question: "q", pages: inPages(1000, records(0, 20_001))}, newHandler(t, bus, &recordingSink{}), journal.option)
	require.Equal(t, len(journal.done), report.Filtered)
	require.Equal(t, 20_001-len(journal.done), report.Published)
	for _, id := range bus.accepted {
		require.True(t, sequenceOf(id)%3 == 0 || sequenceOf(id) == 20_000, id)
	}
}

// A journal that cannot be read publishes nothing: everything would be missing
// from it.
func TestReplayWithAJournalThatFails(t *testing.T) {
	broken := errors.New("broken")
	bus := &scriptedBus{}
	h := newHandler(t, bus, &recordingSink{})
	src := pagesOf{question: "q", pages: inPages(3, records(1, 9))}
	_, err := relay.Replay(t.Context(), src, h, toSameBus, (&acceptedBefore{err: broken}).option)
	require.ErrorIs(t, err, broken)
	_, err = relay.Replay(t.Context(), src, h, toSameBus, func(o *relay.ReplayOptions) { o.MissingFrom = (*acceptedBefore)(nil) })
	require.ErrorContains(t, err, "MissingFrom")
	require.Empty(t, bus.calls)

	journal := &acceptedBefore{}
	report := replayed(t, src, h, journal.option)
	_, err = relay.Replay(t.Context(), src, h, toSameBus, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
	require.ErrorIs(t, err, relay.ErrCursor, "with a journal it is another question")
}

// A replay tells the handler's journal, unless it goes to another bus.
func TestReplayTellsTheJournal(t *testing.T) {
	for name, c := range map[string]struct {
		option func(*relay.ReplayOptions)
		want   []string
	}{
		"the same bus": {toSameBus, []string{"event-1", "event-2"}},
		"another bus":  {func(o *relay.ReplayOptions) { o.To = relay.ToBus("b") }, nil},
		"a dry run":    {func(o *relay.ReplayOptions) { o.To, o.DryRun = relay.ToSameBus(), true }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			journal := &recordingJournal{}
			h := newHandler(t, &scriptedBus{}, &recordingSink{}, journal.option)
			_, err := relay.Replay(t.Context(), pagesOf{question: "q", pages: inPages(3, records(1, 2))}, h, c.option)
			require.NoError(t, err)
			var told []string
			for _, call := range journal.calls {
				for _, d := range call {
					told = append(told, d.EventID)
				}
			}
			require.Equal(t, fmt.Sprint(c.want), fmt.Sprint(told))
		})
	}
}
