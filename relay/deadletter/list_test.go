package deadletter_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/faketable"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

func lettersIn(t *testing.T, db *faketable.Tables, sink *deadletter.Table) []deadletter.Kept {
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
	fault := errors.New("broken")
	db.Fault = broken(fault)
	_, err = sink.Read(t.Context(), db, letters[1].Key)
	require.ErrorIs(t, err, fault)
	for _, err := range sink.Letters(t.Context(), db) {
		require.ErrorIs(t, err, fault)
	}
	for _, err := range sink.Letters(t.Context(), nil) {
		require.ErrorContains(t, err, "client is nil")
	}
}

func TestDiscard(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(3)...)
	letters := lettersIn(t, db, sink)
	require.ErrorContains(t, sink.Discard(t.Context(), db, letters[1], "", nil), "a reason is required")
	require.Len(t, db.Items("dead"), 3)
	var log bytes.Buffer
	require.NoError(t, sink.Discard(t.Context(), db, letters[1], "a test event", slog.New(slog.NewJSONHandler(&log, nil))))
	require.Contains(t, log.String(), "a test event")
	require.Contains(t, log.String(), "event-2")
	require.NotContains(t, log.String(), secret)
	err := sink.Discard(t.Context(), db, letters[1], "again", nil)
	require.ErrorIs(t, err, deadletter.ErrNoLetter)
	require.ErrorContains(t, err, `table dead, event "event-2"`)
	require.Len(t, db.Items("dead"), 2)

	again := storedEvent{n: 3}.letter()
	again.Time = again.Time.Add(time.Hour)
	require.NoError(t, sink.Put(t.Context(), again))
	require.ErrorIs(t, sink.Discard(t.Context(), db, letters[2], "old", nil), deadletter.ErrNoLetter, "it was put again")
	require.Len(t, db.Items("dead"), 2)
	db.Fault = broken(errors.New("throttled"))
	require.EqualError(t, sink.Discard(t.Context(), db, letters[0], "a test event", nil),
		`deadletter: discard the dead letter of event "event-1" from table dead: throttled`)
}

// What the event store has now is published, and the letter's own record only
// where there is no such item.
func TestRedriveOfAMendedItem(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(4)...)
	putItem(t, db, storedEvent{n: 1, payload: `{"M":{"mended":{"BOOL":true}}}`}.image())
	taken := storedEvent{n: 9, payload: `{"M":{"another":{"BOOL":true}}}`}
	putItem(t, db, replaceKey(taken, storedEvent{n: 2}))
	putItem(t, db, `{"pk":{"S":"event-3"},"sk":{"N":"3"},"event":{"M":{}}}`)
	bus := &relaytest.Bus{}
	sum, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink))
	require.NoError(t, err)
	require.Equal(t, deadletter.Report{Read: 4, Published: 4}, sum)
	require.Contains(t, details(bus)["event-1"], `"payload":{"mended":true}`)
	for n := 2; n <= 4; n++ {
		require.Contains(t, details(bus)[fmt.Sprintf("event-%d", n)], secret, "the record of letter %d", n)
	}
	require.NotContains(t, details(bus), "event-9")
	require.Empty(t, db.Items("dead"))
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
		store := &faketable.Tables{Fault: broken(&smithy.GenericAPIError{Code: code})}
		sum, err := sink.Redrive(t.Context(), db, letterHandler(t, &relaytest.Bus{}, sink), func(o *deadletter.RedriveOptions) { o.EventStore = store })
		require.NoError(t, err)
		require.Equal(t, deadletter.Report{Read: 2, Published: published, Failed: 2 - published}, sum, code)
		require.Len(t, db.Items("dead"), 2-published)
	}
}

// An aggregate is held over the whole redrive, not only a page of it.
func TestRedriveHoldsAnAggregateToItsEnd(t *testing.T) {
	var events []storedEvent
	for n := 1; n <= 9; n++ {
		events = append(events, storedEvent{n: n, aggregate: []string{"c", "a", "b"}[n%3]})
	}
	db, sink := lettersOf(t, events...)
	bus := refusing("event-1")
	sum, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink, inOrder), func(o *deadletter.RedriveOptions) { o.PageSize = 2 })
	require.NoError(t, err)
	require.Equal(t, deadletter.Report{Read: 9, Published: 6, Failed: 3}, sum)
	require.Equal(t, []string{"event-2", "event-3", "event-5", "event-6", "event-8", "event-9"}, accepted(bus))
}

func TestRedriveOfChosenEvents(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(5)...)
	bus := &relaytest.Bus{}
	sum, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink), func(o *deadletter.RedriveOptions) { o.EventIDs = []string{"event-4", "event-9"} })
	require.NoError(t, err)
	require.Equal(t, deadletter.Report{Read: 1, Published: 1}, sum)
	require.Equal(t, []string{"event-4"}, accepted(bus))
}
