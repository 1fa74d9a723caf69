package deadletter_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/faketable"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

func TestRedrive(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(25)...)
	bus := refusing("event-3", "event-4")
	h := letterHandler(t, bus, sink)
	var seen []string
	var sums []deadletter.Report
	options := func(o *deadletter.RedriveOptions) {
		o.PageSize = 10
		o.Progress = func(page []deadletter.Letter, sum deadletter.Report) {
			sums = append(sums, sum)
			for _, l := range page {
				seen = append(seen, fmt.Sprint(l.EventID, " ", l.Published, " ", l.Code))
			}
		}
	}
	dry, err := sink.Redrive(t.Context(), db, h, options, func(o *deadletter.RedriveOptions) { o.DryRun = true })
	require.NoError(t, err)
	require.Equal(t, deadletter.Report{Read: 25, Published: 25}, dry)
	require.Empty(t, bus.Calls(), "a dry run sends nothing")
	require.Len(t, db.Items("dead"), 25, "and deletes nothing")
	seen, sums = nil, nil

	sum, err := sink.Redrive(t.Context(), db, h, options)
	require.NoError(t, err)
	require.Equal(t, deadletter.Report{Read: 25, Published: 23, Failed: 2}, sum)
	require.Len(t, accepted(bus), 23)
	require.Len(t, db.Items("dead"), 2, "what the bus refuses stays")
	require.Len(t, sums, 3)
	require.Equal(t, 10, sums[0].Read)
	require.NotEmpty(t, sums[0].Next)
	require.Equal(t, []string{"event-2 true ", "event-3 false InvalidArgument"}, seen[1:3])

	again, err := sink.Redrive(t.Context(), db, h)
	require.NoError(t, err)
	require.Equal(t, deadletter.Report{Read: 2, Failed: 2}, again, "dead letters hold nothing up, and are judged each by itself")
}

// The memory of the stream is not consulted: a redrive is there to send again.
func TestRedriveForgetsTheMemory(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(3)...)
	bus := &relaytest.Bus{}
	h := letterHandler(t, bus, sink)
	_, err := h.Invoke(t.Context(), relaytest.StreamEvent(records(storedEvents(3)...)...))
	require.NoError(t, err)
	sum, err := sink.Redrive(t.Context(), db, h)
	require.NoError(t, err)
	require.Equal(t, 3, sum.Published)
	require.Len(t, accepted(bus), 6)
}

func TestRedriveByCodeLimitAndCursor(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(6)...)
	require.NoError(t, sink.Put(t.Context(), relay.DeadLetter{EventID: "x", Record: []byte("{}"), Code: "Other", StreamARN: storeARN, SequenceNumber: "99", Time: time.Now()}))
	h := letterHandler(t, &relaytest.Bus{}, sink)
	sum, err := sink.Redrive(t.Context(), db, h, func(o *deadletter.RedriveOptions) { o.Codes, o.DryRun = []string{"Other"}, true })
	require.NoError(t, err)
	require.Equal(t, deadletter.Report{Read: 1, Failed: 1}, sum)
	sum, err = sink.Redrive(t.Context(), db, h, func(o *deadletter.RedriveOptions) { o.PageSize, o.Limit = 2, 3 })
	require.NoError(t, err)
	require.Equal(t, 4, sum.Read, "to the end of a page")
	require.NotEmpty(t, sum.Next)
	rest, err := sink.Redrive(t.Context(), db, h, func(o *deadletter.RedriveOptions) { o.Start = sum.Next })
	require.NoError(t, err)
	require.Equal(t, 3, rest.Read)
	require.Empty(t, rest.Next)
	_, err = sink.Redrive(t.Context(), db, h, func(o *deadletter.RedriveOptions) { o.Start = "nonsense" })
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
	putItem(t, db, events[0].image())
	bus := &relaytest.Bus{}
	h := letterHandler(t, bus, sink)
	codes := map[string]string{}
	sum, err := sink.Redrive(t.Context(), db, h, func(o *deadletter.RedriveOptions) {
		o.Progress = func(page []deadletter.Letter, _ deadletter.Report) {
			for _, l := range page {
				codes[l.EventID] = l.Code
			}
		}
	})
	require.NoError(t, err)
	require.Equal(t, deadletter.Report{Read: 4, Published: 2, Failed: 2}, sum)
	require.Equal(t, map[string]string{"event-1": "", "event-2": "Unresolved", "event-3": "Unresolved", "event-4": ""}, codes)
	require.Contains(t, details(bus)["event-1"], `"payload":{"secret":"`+secret+`"}`)

	db, sink = lettersOf(t)
	damaged := storedEvent{n: 1}.letter()
	damaged.Record = []byte("damaged")
	require.NoError(t, sink.Put(t.Context(), damaged))
	store := &faketable.Tables{}
	putItem(t, store, storedEvent{n: 1}.image())
	sum, err = sink.Redrive(t.Context(), db, h, func(o *deadletter.RedriveOptions) { o.EventStore = store })
	require.NoError(t, err)
	require.Equal(t, 1, sum.Published, "another client may read the event store")
}

// Letters that cannot be read spoil nothing.
func TestRedriveOfUnreadableLetters(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(3)...)
	for i, record := range []string{`{"eventName":"INSERT","dynamodb":{"StreamViewType":"KEYS_ONLY","SequenceNumber":"5"}}`, `7`, `null`, `{}`} {
		require.NoError(t, sink.Put(t.Context(), relay.DeadLetter{Record: []byte(record), StreamARN: storeARN, SequenceNumber: fmt.Sprint(50 + i), Time: time.Now()}))
	}
	h := letterHandler(t, &relaytest.Bus{}, sink)
	sum, err := sink.Redrive(t.Context(), db, h)
	require.NoError(t, err)
	require.Equal(t, deadletter.Report{Read: 7, Published: 3, Failed: 4}, sum)
	require.Len(t, db.Items("dead"), 4)
}

func TestRedriveStops(t *testing.T) {
	t.Run("when the configuration is to blame", func(t *testing.T) {
		db, sink := lettersOf(t, storedEvents(30)...)
		bus := &relaytest.Bus{Script: relaytest.RefuseShare(1, 1, "AccessDeniedException")}
		sum, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink), func(o *deadletter.RedriveOptions) { o.PageSize = 10 })
		require.ErrorContains(t, err, "configuration")
		require.Equal(t, deadletter.Report{Read: 10, Failed: 10}, sum)
		require.Len(t, db.Items("dead"), 30)
	})
	t.Run("when the bus does not exist", func(t *testing.T) {
		db, sink := lettersOf(t, storedEvents(1)...)
		bus := &relaytest.Bus{Buses: []string{"another"}}
		_, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink))
		require.Error(t, err)
		require.Empty(t, bus.Calls())
		require.Len(t, db.Items("dead"), 1)
	})
	t.Run("when the table cannot be read or written", func(t *testing.T) {
		db, sink := lettersOf(t, storedEvents(1)...)
		fault := errors.New("broken")
		db.Fault = broken(fault)
		_, err := sink.Redrive(t.Context(), db, letterHandler(t, &relaytest.Bus{}, sink))
		require.ErrorIs(t, err, fault)
	})
	t.Run("when there is no time", func(t *testing.T) {
		db, sink := lettersOf(t, storedEvents(1)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := sink.Redrive(ctx, db, letterHandler(t, &relaytest.Bus{}, sink))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, db.Items("dead"), 1)
	})
	t.Run("at bad arguments", func(t *testing.T) {
		db, sink := lettersOf(t, storedEvents(1)...)
		_, err := sink.Redrive(t.Context(), nil, nil, func(o *deadletter.RedriveOptions) { o.PageSize, o.Limit = -1, -1 })
		for _, want := range []string{"client is nil", "handler is nil", "RedriveOptions.PageSize", "RedriveOptions.Limit"} {
			require.ErrorContains(t, err, want)
		}
		_, err = deadletter.New(nil, "").Redrive(t.Context(), db, letterHandler(t, &relaytest.Bus{}, sink))
		require.ErrorContains(t, err, "table name is empty")
	})
}

// A letter that is put again while its event is published stays.
func TestRedriveLeavesWhatWasPutAgain(t *testing.T) {
	db, sink := lettersOf(t, storedEvents(1)...)
	again := storedEvent{n: 1}.letter()
	again.Time, again.Code = again.Time.Add(time.Hour), "Again"
	bus := &relaytest.Bus{Script: func(int, []relaytest.Entry) relaytest.Answer {
		require.NoError(t, sink.Put(t.Context(), again))
		return relaytest.Answer{}
	}}
	sum, err := sink.Redrive(t.Context(), db, letterHandler(t, bus, sink))
	require.NoError(t, err)
	require.Equal(t, 1, sum.Published)
	require.Len(t, db.Items("dead"), 1)
	require.Equal(t, "Again", faketable.Text(db.Items("dead")[0]["code"]))
}
