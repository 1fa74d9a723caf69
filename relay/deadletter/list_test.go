package deadletter_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
)

func lettersIn(t *testing.T, db *fakeTable, sink *tableSink) []deadletter.Kept {
	t.Helper()
	var all []deadletter.Kept
	for l, err := range sink.Letters(t.Context(), db) {
		require.NoError(t, err)
		all = append(all, l)
	}
	return all
}

func TestLetters(t *testing.T) {
	put := storedEvent{n: 2, aggregate: "a"}.letter()
	put.Bus, put.Message, put.Attempts, put.Time = "orders", "because", 3, put.Time.UTC().Truncate(time.Millisecond)
	db, sink := lettersOf(t, storedEvent{n: 1, withoutWhole: true})
	require.NoError(t, sink.Put(t.Context(), put))
	letters := lettersIn(t, db, sink)
	require.Len(t, letters, 2)
	require.True(t, letters[0].Truncated)
	require.Equal(t, "event-1", letters[0].EventID)
	require.Equal(t, "event-store", letters[1].Table)
	whole, err := sink.Read(t.Context(), db, letters[1].Key)
	require.NoError(t, err)
	require.Equal(t, put, whole.DeadLetter, "as it was put")
	listed := put
	listed.Record, listed.Message = nil, ""
	require.Equal(t, listed, letters[1].DeadLetter)

	_, err = sink.Read(t.Context(), db, deadletter.Key{PK: "x", SK: "y"})
	require.ErrorIs(t, err, deadletter.ErrNoLetter)
	db.err = errors.New("broken")
	_, err = sink.Read(t.Context(), db, letters[1].Key)
	require.ErrorIs(t, err, db.err)
	for _, err := range sink.Letters(t.Context(), db) {
		require.ErrorIs(t, err, db.err)
	}
	for _, err := range sink.Letters(t.Context(), nil) {
		require.ErrorContains(t, err, "client is nil")
	}
}

func TestDiscard(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(3)...)
	letters := lettersIn(t, db, sink)
	require.ErrorContains(t, sink.Discard(t.Context(), db, letters[1], "", nil), "a reason is required")
	require.Len(t, db.items("dead"), 3)
	var log bytes.Buffer
	require.NoError(t, sink.Discard(t.Context(), db, letters[1], "a test event", slog.New(slog.NewJSONHandler(&log, nil))))
	require.Contains(t, log.String(), "a test event")
	require.Contains(t, log.String(), "event-2")
	require.NotContains(t, log.String(), storeSecret)
	require.ErrorIs(t, sink.Discard(t.Context(), db, letters[1], "again", nil), deadletter.ErrNoLetter)
	require.Len(t, db.items("dead"), 2)

	again := storedEvent{n: 3}.letter()
	again.Time = again.Time.Add(time.Hour)
	require.NoError(t, sink.Put(t.Context(), again))
	require.ErrorIs(t, sink.Discard(t.Context(), db, letters[2], "old", nil), deadletter.ErrNoLetter, "it was put again")
	require.Len(t, db.items("dead"), 2)
}

// What the event store has now is published, and the letter's own record only
// where there is no such item.
func TestRedriveOfAMendedItem(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(4)...)
	db.put("event-store", storedEvent{n: 1, payload: `{"M":{"mended":{"BOOL":true}}}`}.image())
	taken := storedEvent{n: 9, payload: `{"M":{"another":{"BOOL":true}}}`}
	db.put("event-store", replaceKey(taken, storedEvent{n: 2}))
	db.put("event-store", `{"pk":{"S":"event-3"},"sk":{"N":"3"},"event":{"M":{}}}`)
	bus := &letterBus{}
	sum, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink))
	require.NoError(t, err)
	require.Equal(t, redriveReport{Read: 4, Published: 4}, sum)
	require.Contains(t, bus.details["event-1"], `"payload":{"mended":true}`)
	for n := 2; n <= 4; n++ {
		require.Contains(t, bus.details[fmt.Sprintf("event-%d", n)], storeSecret, "the record of letter %d", n)
	}
	require.NotContains(t, bus.details, "event-9")
	require.Empty(t, db.items("dead"))
}

// replaceKey is the image of an event under the key of another one.
func replaceKey(e, of storedEvent) string {
	inner := func(e storedEvent) string { keys := e.keys(); return keys[1 : len(keys)-1] }
	return "{" + inner(of) + e.image()[len(inner(e))+1:]
}

// A letter whose item cannot be read stays: the record that it kept may be what
// was mended. Where the table is gone, there is nothing to mend.
func TestRedriveWhenTheEventStoreCannotBeRead(t *testing.T) {
	for code, published := range map[string]int{
		"AccessDeniedException": 0, "InternalServerError": 0, "ResourceNotFoundException": 2, "ValidationException": 2,
	} {
		db, sink := lettersOf(t, storedEvents(2)...)
		store := &fakeTable{err: apiFault(code)}
		sum, err := sink.Redrive(t.Context(), db, letterHandler(t, &letterBus{}, sink), func(o *redriveOptions) { o.EventStore = store })
		require.NoError(t, err)
		require.Equal(t, redriveReport{Read: 2, Published: published, Failed: 2 - published}, sum, code)
		require.Len(t, db.items("dead"), 2-published)
	}
}

// An aggregate is held over the whole redrive, not only a page of it.
func TestRedriveHoldsAnAggregateToItsEnd(t *testing.T) {
	var events []storedEvent
	for n := 1; n <= 9; n++ {
		events = append(events, storedEvent{n: n, aggregate: []string{"c", "a", "b"}[n%3]})
	}
	db, sink := lettersOf(t, events...)
	bus := &letterBus{says: refuses(invalidLetter, "event-1")}
	sum, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink, inOrder), func(o *redriveOptions) { o.PageSize = 2 })
	require.NoError(t, err)
	require.Equal(t, redriveReport{Read: 9, Published: 6, Failed: 3}, sum)
	require.Equal(t, []string{"event-2", "event-3", "event-5", "event-6", "event-8", "event-9"}, bus.accepted)
}

func TestRedriveOfChosenEvents(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(5)...)
	bus := &letterBus{}
	sum, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink), func(o *redriveOptions) { o.EventIDs = []string{"event-4", "event-9"} })
	require.NoError(t, err)
	require.Equal(t, redriveReport{Read: 1, Published: 1}, sum)
	require.Equal(t, []string{"event-4"}, bus.accepted)
}
