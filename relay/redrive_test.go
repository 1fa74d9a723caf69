package relay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// buried is a table of n dead letters, event-1 to event-n.
func buried(t *testing.T, n int) (*fakeTable, *DynamoDBDeadLetters) {
	t.Helper()
	db := &fakeTable{}
	sink := NewDynamoDBDeadLetters(db, "dead")
	for i := 1; i <= n; i++ {
		require.NoError(t, sink.Put(t.Context(), DeadRecord{
			EventID: eventID(i), Record: []byte(testRecord{sequence: i}.String()), Code: "MalformedDetail",
			StreamARN: testARN, SequenceNumber: fmt.Sprint(i), Time: time.Now(),
			Keys: fmt.Appendf(nil, `{"pk":{"S":%q},"sk":{"N":"1"}}`, eventID(i)),
		}))
	}
	return db, sink
}

func TestRedrive(t *testing.T) {
	db, sink := buried(t, 25)
	bus := &scriptBus{answer: refuse(Result{Class: EventFault, Code: "InvalidArgument"}, "event-3", "event-4")}
	h := newTestHandler(t, bus, sink)
	var seen []string
	var sums []RedriveReport
	options := func(o *RedriveOptions) {
		o.PageSize = 10
		o.Progress = func(page []RedriveLetter, sum RedriveReport) {
			sums = append(sums, sum)
			for _, l := range page {
				seen = append(seen, fmt.Sprint(l.EventID, " ", l.Published, " ", l.Code))
			}
		}
	}
	dry, err := sink.Redrive(t.Context(), db, h, options, func(o *RedriveOptions) { o.DryRun = true })
	require.NoError(t, err)
	require.Equal(t, RedriveReport{Read: 25, Published: 25}, dry)
	require.Empty(t, bus.calls, "a dry run sends nothing")
	require.Len(t, db.items("dead"), 25, "and deletes nothing")
	seen, sums = nil, nil

	sum, err := sink.Redrive(t.Context(), db, h, options)
	require.NoError(t, err)
	require.Equal(t, RedriveReport{Read: 25, Published: 23, Failed: 2}, sum)
	require.Len(t, bus.accepted, 23)
	require.Len(t, db.items("dead"), 2, "what the bus refuses stays")
	require.Len(t, sums, 3)
	require.Equal(t, 10, sums[0].Read)
	require.NotEmpty(t, sums[0].Next)
	require.Equal(t, []string{"event-2 true ", "event-3 false InvalidArgument"}, seen[1:3])

	again, err := sink.Redrive(t.Context(), db, h)
	require.NoError(t, err)
	require.Equal(t, RedriveReport{Read: 2, Failed: 2}, again, "dead letters hold nothing up, and are judged each by itself")
}

// The memory of the stream is not consulted: a redrive is there to send again.
func TestRedriveForgetsTheMemory(t *testing.T) {
	db, sink := buried(t, 3)
	bus := &scriptBus{}
	h := newTestHandler(t, bus, sink)
	_, err := h.Invoke(t.Context(), events(1, 3))
	require.NoError(t, err)
	sum, err := sink.Redrive(t.Context(), db, h)
	require.NoError(t, err)
	require.Equal(t, 3, sum.Published)
	require.Len(t, bus.accepted, 6)
}

func TestRedriveByCodeLimitAndCursor(t *testing.T) {
	db, sink := buried(t, 6)
	require.NoError(t, sink.Put(t.Context(), DeadRecord{EventID: "x", Record: []byte("{}"), Code: "Other", StreamARN: testARN, SequenceNumber: "99", Time: time.Now()}))
	h := newTestHandler(t, &scriptBus{}, sink)
	sum, err := sink.Redrive(t.Context(), db, h, func(o *RedriveOptions) { o.Codes, o.DryRun = []string{"Other"}, true })
	require.NoError(t, err)
	require.Equal(t, RedriveReport{Read: 1, Failed: 1}, sum)
	sum, err = sink.Redrive(t.Context(), db, h, func(o *RedriveOptions) { o.PageSize, o.Limit = 2, 3 })
	require.NoError(t, err)
	require.Equal(t, 4, sum.Read, "to the end of a page")
	require.NotEmpty(t, sum.Next)
	rest, err := sink.Redrive(t.Context(), db, h, func(o *RedriveOptions) { o.Start = sum.Next })
	require.NoError(t, err)
	require.Equal(t, 3, rest.Read)
	require.Empty(t, rest.Next)
	_, err = sink.Redrive(t.Context(), db, h, func(o *RedriveOptions) { o.Start = "nonsense" })
	require.ErrorContains(t, err, "RedriveOptions.Start")
}

// A letter that does not hold its whole record is completed from the event
// store, by its keys.
func TestRedriveReadsTheEventStore(t *testing.T) {
	db, sink := buried(t, 4)
	item := func(i int) string {
		_, after, _ := strings.Cut(testRecord{sequence: i}.template(), `"NewImage":`)
		image, _, _ := strings.Cut(after, `,"SequenceNumber"`)
		return stamp(strings.Replace(image, `"sk":{"N":"$ms"}`, `"sk":{"N":"1"}`, 1), time.Now())
	}
	for i := 1; i <= 3; i++ {
		rec := DeadRecord{
			EventID: eventID(i), StreamARN: testARN, SequenceNumber: fmt.Sprint(i), Time: time.Now(),
			Record: []byte(strings.Repeat("x", 500_000)),
			Keys:   fmt.Appendf(nil, `{"pk":{"S":%q},"sk":{"N":"1"}}`, eventID(i)),
		}
		if i == 3 {
			rec.Keys = nil
		}
		require.NoError(t, sink.Put(t.Context(), rec))
	}
	db.put("event-store", item(1))
	bus := &scriptBus{}
	h := newTestHandler(t, bus, sink)
	codes := map[string]string{}
	sum, err := sink.Redrive(t.Context(), db, h, func(o *RedriveOptions) {
		o.Progress = func(page []RedriveLetter, _ RedriveReport) {
			for _, l := range page {
				codes[l.EventID] = l.Code
			}
		}
	})
	require.NoError(t, err)
	require.Equal(t, RedriveReport{Read: 4, Published: 2, Failed: 2}, sum)
	require.Equal(t, map[string]string{"event-1": "", "event-2": "Unresolved", "event-3": "Unresolved", "event-4": ""}, codes)
	require.JSONEq(t, goodHeadersOf(1)+`,"payload":{"secret":"`+testSecret+`"}}`, withoutTime(bus.details["event-1"]))
	require.Equal(t, 2, db.gets)

	db, sink = buried(t, 0)
	require.NoError(t, sink.Put(t.Context(), DeadRecord{EventID: "event-1", StreamARN: testARN, SequenceNumber: "1", Time: time.Now(),
		Record: []byte("damaged"), Keys: []byte(`{"pk":{"S":"event-1"},"sk":{"N":"1"}}`)}))
	store := &fakeTable{}
	store.put("event-store", item(1))
	sum, err = sink.Redrive(t.Context(), db, h, func(o *RedriveOptions) { o.EventStore = store })
	require.NoError(t, err)
	require.Equal(t, 1, sum.Published, "another client may read the event store")
}

func goodHeadersOf(i int) string { return strings.Replace(goodHeaders, "event-2", eventID(i), 1) }

// Letters that cannot be read spoil nothing.
func TestRedriveOfUnreadableLetters(t *testing.T) {
	db, sink := buried(t, 3)
	for i, record := range []string{`{"eventName":"INSERT","dynamodb":{"StreamViewType":"KEYS_ONLY","SequenceNumber":"5"}}`, `7`, `null`, `{}`} {
		require.NoError(t, sink.Put(t.Context(), DeadRecord{Record: []byte(record), StreamARN: testARN, SequenceNumber: fmt.Sprint(50 + i), Time: time.Now()}))
	}
	h := newTestHandler(t, &scriptBus{}, sink)
	sum, err := sink.Redrive(t.Context(), db, h)
	require.NoError(t, err)
	require.Equal(t, RedriveReport{Read: 7, Published: 3, Failed: 4}, sum)
	require.Len(t, db.items("dead"), 4)
}

func TestRedriveStops(t *testing.T) {
	t.Run("when the configuration is to blame", func(t *testing.T) {
		db, sink := buried(t, 30)
		bus := &scriptBus{answer: func(_ context.Context, _ int, e []Entry) ([]Result, error) {
			return fill(len(e), Result{Class: ConfigFault, Code: "AccessDeniedException"}), nil
		}}
		sum, err := sink.Redrive(t.Context(), db, newTestHandler(t, bus, sink), func(o *RedriveOptions) { o.PageSize = 10 })
		require.ErrorContains(t, err, "configuration")
		require.Equal(t, RedriveReport{Read: 10, Failed: 10}, sum)
		require.Len(t, db.items("dead"), 30)
	})
	t.Run("when the bus does not exist", func(t *testing.T) {
		db, sink := buried(t, 1)
		bus := &checkedBus{check: func(context.Context, string) error { return ErrNoSuchBus }}
		_, err := sink.Redrive(t.Context(), db, newTestHandler(t, bus, sink))
		require.ErrorIs(t, err, ErrNoSuchBus)
		require.Empty(t, bus.calls)
	})
	t.Run("when the table cannot be read or written", func(t *testing.T) {
		db, sink := buried(t, 1)
		db.err = errors.New("broken")
		_, err := sink.Redrive(t.Context(), db, newTestHandler(t, &scriptBus{}, sink))
		require.ErrorIs(t, err, db.err)
	})
	t.Run("when there is no time", func(t *testing.T) {
		db, sink := buried(t, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := sink.Redrive(ctx, db, newTestHandler(t, &scriptBus{}, sink))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Len(t, db.items("dead"), 1)
	})
	t.Run("at bad arguments", func(t *testing.T) {
		db, sink := buried(t, 1)
		_, err := sink.Redrive(t.Context(), nil, nil, func(o *RedriveOptions) { o.PageSize, o.Limit = -1, -1 })
		for _, want := range []string{"client is nil", "handler is nil", "RedriveOptions.PageSize", "RedriveOptions.Limit"} {
			require.ErrorContains(t, err, want)
		}
		_, err = NewDynamoDBDeadLetters(nil, "").Redrive(t.Context(), db, newTestHandler(t, &scriptBus{}, sink))
		require.ErrorContains(t, err, "table name is empty")
	})
}

// A letter that is put again while its event is published stays.
func TestRedriveLeavesWhatWasPutAgain(t *testing.T) {
	db, sink := buried(t, 1)
	bus := &scriptBus{}
	bus.answer = func(ctx context.Context, _ int, entries []Entry) ([]Result, error) {
		return accept(entries), sink.Put(ctx, DeadRecord{StreamARN: testARN, SequenceNumber: "1", Time: time.Now().Add(time.Hour)})
	}
	sum, err := sink.Redrive(t.Context(), db, newTestHandler(t, bus, sink))
	require.NoError(t, err)
	require.Equal(t, 1, sum.Published)
	require.Len(t, db.items("dead"), 1)
}

// An event that cannot even be sent holds up the later ones of its aggregate, as
// one that the bus refuses does, and nothing else.
func TestRedriveHoldsUpTheAggregate(t *testing.T) {
	db := &fakeTable{}
	sink := NewDynamoDBDeadLetters(db, "dead")
	for i, aggregate := range []string{"a", "a", "b"} {
		rec := testRecord{sequence: i + 1, aggregate: aggregate}
		require.NoError(t, sink.Put(t.Context(), DeadRecord{
			EventID: eventID(i + 1), Record: []byte(rec.String()), Code: "MalformedDetail",
			StreamARN: testARN, SequenceNumber: fmt.Sprint(i + 1), Time: time.Now(),
		}))
	}
	for name, answer := range map[string]struct {
		bus   *scriptBus
		route func(*Entry) error
	}{
		"not routed": {&scriptBus{}, func(e *Entry) error {
			if e.EventID == "event-1" {
				return errors.New("no route")
			}
			return nil
		}},
		"refused by the bus": {&scriptBus{answer: refuse(Result{Class: EventFault, Code: "InvalidArgument"}, "event-1")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestHandler(t, answer.bus, sink, ordered, func(o *Options) { o.Route = answer.route })
			var codes []string
			sum, err := sink.Redrive(t.Context(), db, h, func(o *RedriveOptions) {
				o.Progress = func(page []RedriveLetter, _ RedriveReport) {
					for _, l := range page {
						codes = append(codes, fmt.Sprint(l.EventID, " ", l.Published))
					}
				}
			})
			require.NoError(t, err)
			require.Equal(t, []string{"event-1 false", "event-2 false", "event-3 true"}, codes)
			require.Equal(t, 1, sum.Published)
			require.Len(t, answer.bus.accepted, 1)
		})
		// put the one back that was published, for the next row
		require.NoError(t, sink.Put(t.Context(), DeadRecord{
			EventID: "event-3", Record: []byte(testRecord{sequence: 3, aggregate: "b"}.String()), Code: "MalformedDetail",
			StreamARN: testARN, SequenceNumber: "3", Time: time.Now(),
		}))
	}
}
