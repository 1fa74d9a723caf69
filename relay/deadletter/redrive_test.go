package deadletter_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

var invalidLetter = relay.Result{Class: relay.EventFault, Code: "InvalidArgument"}

func TestRedrive(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(25)...)
	bus := &letterBus{says: refuses(invalidLetter, "event-3", "event-4")}
	h := letterHandler(t, bus, sink)
	var seen []string
	var sums []redriveReport
	options := func(o *redriveOptions) {
		o.PageSize = 10
		o.Progress = func(page []redriveLetter, sum redriveReport) {
			sums = append(sums, sum)
			for _, l := range page {
				seen = append(seen, fmt.Sprint(l.EventID, " ", l.Published, " ", l.Code))
			}
		}
	}
	dry, err := sink.Redrive(t.Context(), db, h, options, func(o *redriveOptions) { o.DryRun = true })
	require.NoError(t, err)
	require.Equal(t, redriveReport{Read: 25, Published: 25}, dry)
	require.Zero(t, bus.calls, "a dry run sends nothing")
	require.Len(t, db.items("dead"), 25, "and deletes nothing")
	seen, sums = nil, nil

	sum, err := sink.Redrive(t.Context(), db, h, options)
	require.NoError(t, err)
	require.Equal(t, redriveReport{Read: 25, Published: 23, Failed: 2}, sum)
	require.Len(t, bus.accepted, 23)
	require.Len(t, db.items("dead"), 2, "what the bus refuses stays")
	require.Len(t, sums, 3)
	require.Equal(t, 10, sums[0].Read)
	require.NotEmpty(t, sums[0].Next)
	require.Equal(t, []string{"event-2 true ", "event-3 false InvalidArgument"}, seen[1:3])

	again, err := sink.Redrive(t.Context(), db, h)
	require.NoError(t, err)
	require.Equal(t, redriveReport{Read: 2, Failed: 2}, again, "dead letters hold nothing up, and are judged each by itself")
}

// The memory of the stream is not consulted: a redrive is there to send again.
func TestRedriveForgetsTheMemory(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(3)...)
	bus := &letterBus{}
	h := letterHandler(t, bus, sink)
	_, err := h.Invoke(t.Context(), delivery(storedEvents(3)...))
	require.NoError(t, err)
	sum, err := sink.Redrive(t.Context(), db, h)
	require.NoError(t, err)
	require.Equal(t, 3, sum.Published)
	require.Len(t, bus.accepted, 6)
}

func TestRedriveByCodeLimitAndCursor(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(6)...)
	require.NoError(t, sink.Put(t.Context(), tableLetter{EventID: "x", Record: []byte("{}"), Code: "Other", StreamARN: storeARN, SequenceNumber: "99", Time: time.Now()}))
	h := letterHandler(t, &letterBus{}, sink)
	sum, err := sink.Redrive(t.Context(), db, h, func(o *redriveOptions) { o.Codes, o.DryRun = []string{"Other"}, true })
	require.NoError(t, err)
	require.Equal(t, redriveReport{Read: 1, Failed: 1}, sum)
	sum, err = sink.Redrive(t.Context(), db, h, func(o *redriveOptions) { o.PageSize, o.Limit = 2, 3 })
	require.NoError(t, err)
	require.Equal(t, 4, sum.Read, "to the end of a page")
	require.NotEmpty(t, sum.Next)
	rest, err := sink.Redrive(t.Context(), db, h, func(o *redriveOptions) { o.Start = sum.Next })
	require.NoError(t, err)
	require.Equal(t, 3, rest.Read)
	require.Empty(t, rest.Next)
	_, err = sink.Redrive(t.Context(), db, h, func(o *redriveOptions) { o.Start = "nonsense" })
	require.ErrorContains(t, err, "RedriveOptions.Start")
}

// A letter that does not hold its whole record is completed from the event
// store, by its keys.
func TestRedriveReadsTheEventStore(t *testing.T) {
	events := storedEvents(4)
	for i := range events[:3] {
		events[i].withoutWhole = true
	}
	events[2].withoutKeys = true
	db, sink := lettersOf(t, events...)
	db.put("event-store", events[0].image())
	bus := &letterBus{}
	h := letterHandler(t, bus, sink)
	codes := map[string]string{}
	sum, err := sink.Redrive(t.Context(), db, h, func(o *redriveOptions) {
		o.Progress = func(page []redriveLetter, _ redriveReport) {
			for _, l := range page {
				codes[l.EventID] = l.Code
			}
		}
	})
	require.NoError(t, err)
	require.Equal(t, redriveReport{Read: 4, Published: 2, Failed: 2}, sum)
	require.Equal(t, map[string]string{"event-1": "", "event-2": "Unresolved", "event-3": "Unresolved", "event-4": ""}, codes)
	require.Contains(t, bus.details["event-1"], `"payload":{"secret":"`+storeSecret+`"}`)
	require.Equal(t, 3, db.gets)

	db, sink = lettersOf(t)
	damaged := storedEvent{n: 1}.letter()
	damaged.Record = []byte("damaged")
	require.NoError(t, sink.Put(t.Context(), damaged))
	store := &fakeTable{}
	store.put("event-store", storedEvent{n: 1}.image())
	sum, err = sink.Redrive(t.Context(), db, h, func(o *redriveOptions) { o.EventStore = store })
	require.NoError(t, err)
	require.Equal(t, 1, sum.Published, "another client may read the event store")
}

// Letters that cannot be read spoil nothing.
func TestRedriveOfUnreadableLetters(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(3)...)
	for i, record := range []string{`{"eventName":"INSERT","dynamodb":{"StreamViewType":"KEYS_ONLY","SequenceNumber":"5"}}`, `7`, `null`, `{}`} {
		require.NoError(t, sink.Put(t.Context(), tableLetter{Record: []byte(record), StreamARN: storeARN, SequenceNumber: fmt.Sprint(50 + i), Time: time.Now()}))
	}
	h := letterHandler(t, &letterBus{}, sink)
	sum, err := sink.Redrive(t.Context(), db, h)
	require.NoError(t, err)
	require.Equal(t, redriveReport{Read: 7, Published: 3, Failed: 4}, sum)
	require.Len(t, db.items("dead"), 4)
}

func TestRedriveStops(t *testing.T) {
	t.Run("when the configuration is to blame", func(t *testing.T) {
		db, sink := lettersOf(t, storedEvents(30)...)
		bus := &letterBus{says: always(relay.Result{Class: relay.ConfigFault, Code: "AccessDeniedException"})}
		sum, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink), func(o *redriveOptions) { o.PageSize = 10 })
		require.ErrorContains(t, err, "configuration")
		require.Equal(t, redriveReport{Read: 10, Failed: 10}, sum)
		require.Len(t, db.items("dead"), 30)
	})
	t.Run("when the bus does not exist", func(t *testing.T) {
		db, sink := lettersOf(t, storedEvents(1)...)
		client := &noBus{}
		_, err := sink.Redrive(t.Context(), db, letterHandler(t, relay.NewEventBridge(client, "orders"), sink))
		require.Error(t, err)
		require.Zero(t, client.sent)
		require.Len(t, db.items("dead"), 1)
	})
	t.Run("when the table cannot be read or written", func(t *testing.T) {
		db, sink := lettersOf(t, storedEvents(1)...)
		db.err = errors.New("broken")
		_, err := sink.Redrive(t.Context(), db, letterHandler(t, &letterBus{}, sink))
		require.ErrorIs(t, err, db.err)
	})
	t.Run("when there is no time", func(t *testing.T) {
		db, sink := lettersOf(t, storedEvents(1)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := sink.Redrive(ctx, db, letterHandler(t, &letterBus{}, sink))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, db.items("dead"), 1)
	})
	t.Run("at bad arguments", func(t *testing.T) {
		db, sink := lettersOf(t, storedEvents(1)...)
		_, err := sink.Redrive(t.Context(), nil, nil, func(o *redriveOptions) { o.PageSize, o.Limit = -1, -1 })
		for _, want := range []string{"client is nil", "handler is nil", "RedriveOptions.PageSize", "RedriveOptions.Limit"} {
			require.ErrorContains(t, err, want)
		}
		_, err = newTableSink(nil, "").Redrive(t.Context(), db, letterHandler(t, &letterBus{}, sink))
		require.ErrorContains(t, err, "table name is empty")
	})
}

// A letter that is put again while its event is published stays.
func TestRedriveLeavesWhatWasPutAgain(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(1)...)
	again := storedEvent{n: 1}.letter()
	again.Time, again.Code = again.Time.Add(time.Hour), "Again"
	bus := &letterBus{says: func(relay.Entry) relay.Result {
		require.NoError(t, sink.Put(t.Context(), again))
		return relay.Result{Class: relay.Accepted}
	}}
	sum, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink))
	require.NoError(t, err)
	require.Equal(t, 1, sum.Published)
	require.Len(t, db.items("dead"), 1)
	require.Equal(t, "Again", av(db.items("dead")[0], "code"))
}
