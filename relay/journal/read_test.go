package journal_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/faketable"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
)

// idsOf are the ids of the events.
func idsOf(done []relay.Done) (ids []string) {
	for _, d := range done {
		ids = append(ids, d.EventID)
	}
	return ids
}

// The borders are exact: what was done at from is in, and what was done at to is
// not.
func TestAcceptedHasExactBorders(t *testing.T) {
	db := &faketable.Tables{}
	table := journal.New(db, "journal")
	minute := lately()
	var done []relay.Done
	for id, at := range map[string]time.Duration{
		"a": -1, "b": 0, "c": 1, "d": 30 * time.Second, "e": time.Minute - 1, "f": time.Minute, "g": time.Minute + 1, "h": 2 * time.Minute,
	} {
		done = append(done, relay.Done{EventID: id, At: minute.Add(at)})
	}
	require.NoError(t, table.Record(t.Context(), done))
	require.Len(t, db.Items("journal"), 4, "one for each minute")
	for _, tt := range []struct {
		from, to time.Duration
		want     []string
		minutes  int
	}{
		{0, time.Minute, []string{"b", "c", "d", "e"}, 1},
		{0, time.Minute + 1, []string{"b", "c", "d", "e", "f"}, 2},
		{-1, 0, []string{"a"}, 1},
		{-1, 1, []string{"a", "b"}, 2},
		{1, 30 * time.Second, []string{"c"}, 1},
		{1, 30*time.Second + 1, []string{"c", "d"}, 1},
		{time.Minute, time.Minute + 1, []string{"f"}, 1},
		{time.Minute + 1, 2 * time.Minute, []string{"g"}, 1},
		{-time.Hour, time.Hour, []string{"a", "b", "c", "d", "e", "f", "g", "h"}, 120},
		{30 * time.Second, 30 * time.Second, nil, 1},
		{0, 0, nil, 0},
		{3 * time.Minute, 4 * time.Minute, nil, 1},
	} {
		t.Run(fmt.Sprintf("%v to %v", tt.from, tt.to), func(t *testing.T) {
			_ = db.Queries()
			there := time.FixedZone("", -7*60*60)
			require.Equal(t, tt.want, idsOf(all(t, table, minute.Add(tt.from).In(there), minute.Add(tt.to).In(there))))
			require.Equal(t, 16*tt.minutes, db.Queries())
		})
	}
}

// What comes in pages is read to its end.
func TestAcceptedReadsEveryPage(t *testing.T) {
	db := &faketable.Tables{PageBytes: 200}
	table := journal.New(db, "journal")
	minute := lately()
	for i := range 500 {
		require.NoError(t, table.Record(t.Context(), []relay.Done{{EventID: fmt.Sprintf("event-%03d", i), At: minute.Add(time.Duration(i))}}))
	}
	done := all(t, table, minute, minute.Add(time.Minute))
	require.Len(t, done, 500)
	for i, d := range done {
		require.Equal(t, fmt.Sprintf("event-%03d", i), d.EventID)
	}
	require.Greater(t, db.Queries(), 150)
}

func TestAQuestionThatCannotBe(t *testing.T) {
	now := time.Now()
	for want, q := range map[string][2]time.Time{
		"the time ends before it begins": {now, now.Add(-time.Minute)},
		"from and to are required":       {{}, now},
		"are required: ":                 {now, {}},
		"keeps an item for 48h0m0s, so":  {now.Add(-48*time.Hour - time.Second), now},
	} {
		db := &faketable.Tables{}
		table := journal.New(db, "journal", func(o *journal.Options) { o.TTL = 48 * time.Hour })
		faults := 0
		for _, err := range table.Accepted(t.Context(), q[0], q[1]) {
			require.ErrorContains(t, err, want)
			faults++
		}
		require.Equal(t, 1, faults)
		require.Zero(t, db.Queries())
	}
	table := journal.New(&faketable.Tables{}, "journal", func(o *journal.Options) { o.TTL = 48 * time.Hour })
	require.Empty(t, all(t, table, now.Add(-48*time.Hour+time.Minute), now.Add(-47*time.Hour)))
	_, err := table.Find(t.Context(), "event-1", now.Add(-49*time.Hour))
	require.ErrorContains(t, err, "keeps an item for 48h0m0s")
	require.NotErrorIs(t, err, journal.ErrNotFound)
}

// A table that cannot be read is an error, at whichever page, and the last thing
// that comes.
func TestATableThatCannotBeRead(t *testing.T) {
	denied := errors.New("not authorized to perform: dynamodb:Query")
	for name, at := range map[string]int{"the first page": 0, "a page": 9, "a page of the second minute": 30, "a second page": 35} {
		t.Run(name, func(t *testing.T) {
			db := &faketable.Tables{PageBytes: 1, Fault: failing("Query", at, denied)}
			table := journal.New(db, "journal")
			minute := lately()
			for range 64 {
				require.NoError(t, table.Record(t.Context(), []relay.Done{{EventID: "event-1", At: minute.Add(time.Minute)}}))
			}
			var last error
			for _, err := range table.Accepted(t.Context(), minute, minute.Add(3*time.Minute)) {
				require.NoError(t, last)
				last = err
			}
			require.ErrorIs(t, last, denied)
			require.ErrorContains(t, last, "journal: query table journal: ")
			db.Fault = failing("Query", at, denied)
			_, err := table.Find(t.Context(), "event-2", minute.Add(time.Minute))
			require.ErrorIs(t, err, denied)
		})
	}
}

// A table that repeats its last key is an error, and no question without an end.
func TestATableThatDoesNotMoveOn(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	db := &faketable.Tables{Stuck: true}
	table := journal.New(db, "journal")
	minute := lately()
	require.NoError(t, table.Record(t.Context(), []relay.Done{{EventID: "event-1", At: minute}}))
	var last error
	for _, err := range table.Accepted(ctx, minute, minute.Add(time.Minute)) {
		last = err
	}
	require.ErrorContains(t, last, "does not move on")
	_, err := table.Find(ctx, "a", minute)
	require.ErrorContains(t, err, "does not move on")
}

// Whoever has enough stops, and nothing is asked for any more.
func TestAcceptedStops(t *testing.T) {
	db := &faketable.Tables{}
	table := journal.New(db, "journal")
	minute := lately()
	for i := range 10 {
		require.NoError(t, table.Record(t.Context(), []relay.Done{{EventID: "event-1", At: minute.Add(time.Duration(i) * time.Minute)}}))
	}
	for d, err := range table.Accepted(t.Context(), minute, minute.Add(time.Hour)) {
		require.NoError(t, err)
		require.Equal(t, minute, d.At, "the earliest minute comes first")
		break
	}
	require.Equal(t, 16, db.Queries())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range table.Accepted(ctx, minute, minute.Add(time.Hour)) {
		require.NoError(t, last)
		last = err
		cancel()
	}
	require.ErrorIs(t, last, context.Canceled)
}

func TestFind(t *testing.T) {
	db := &faketable.Tables{}
	table := journal.New(db, "journal")
	made := time.Now().UTC().Truncate(time.Minute).Add(-30*time.Hour + 20*time.Second)
	record := func(after time.Duration, d relay.Done) {
		d.At = made.Add(after)
		require.NoError(t, table.Record(t.Context(), []relay.Done{{EventID: "other", At: d.At}, d}))
	}
	record(time.Second, relay.Done{EventID: "at once", BusID: "1"})
	record(-10*time.Second, relay.Done{EventID: "a clock that is behind", BusID: "2"})
	record(24*time.Hour, relay.Done{EventID: "at the last moment", BusID: "3"})
	record(26*time.Hour, relay.Done{EventID: "replayed", BusID: "4"})
	record(2*time.Second, relay.Done{EventID: "twice", BusID: "5"})
	record(3*time.Second, relay.Done{EventID: "twice", BusID: "6"})
	record(time.Hour, relay.Done{EventID: "twice", BusID: "7"})
	record(time.Second, relay.Done{EventID: "a dead letter"})
	record(time.Second, relay.Done{EventID: "dead", DeadLettered: true})
	record(2*time.Second, relay.Done{EventID: "dead", DeadLettered: true})
	record(time.Hour, relay.Done{EventID: "dead", DeadLettered: true})
	record(time.Second, relay.Done{EventID: "redriven", DeadLettered: true})
	record(5*time.Hour, relay.Done{EventID: "redriven", BusID: "8"})
	for id, want := range map[string]relay.Done{
		"at once":                {BusID: "1", At: made.Add(time.Second)},
		"a clock that is behind": {BusID: "2", At: made.Add(-10 * time.Second)},
		"at the last moment":     {BusID: "3", At: made.Add(24 * time.Hour)},
		"twice":                  {BusID: "5", At: made.Add(2 * time.Second)},
		"dead":                   {DeadLettered: true, At: made.Add(time.Second)},
		"redriven":               {BusID: "8", At: made.Add(5 * time.Hour)},
	} {
		got, err := table.Find(t.Context(), id, made)
		require.NoError(t, err, id)
		want.EventID = id
		require.Equal(t, want, got)
	}
	for _, id := range []string{"replayed", "nobody", ""} {
		_, err := table.Find(t.Context(), id, made)
		require.ErrorIs(t, err, journal.ErrNotFound)
		require.ErrorContains(t, err, fmt.Sprintf("%q, in table journal, from ", id))
	}
	got, err := table.Find(t.Context(), "replayed", made.Add(26*time.Hour))
	require.NoError(t, err)
	require.Equal(t, "4", got.BusID)

	_ = db.Queries()
	_, err = table.Find(t.Context(), "at once", made)
	require.NoError(t, err)
	require.Equal(t, 32, db.Queries(), "the minute before, and its own")
}

// What is not there yet is not looked for in the future.
func TestFindLooksNotIntoTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &faketable.Tables{}
		table := journal.New(db, "journal")
		_, err := table.Find(t.Context(), "event-1", time.Now().Add(-5*time.Minute))
		require.ErrorIs(t, err, journal.ErrNotFound)
		require.Equal(t, 16*7, db.Queries())
		require.NoError(t, table.Record(t.Context(), []relay.Done{{EventID: "event-2", At: time.Now().Add(30 * time.Second)}}))
		_, err = table.Find(t.Context(), "event-2", time.Now())
		require.NoError(t, err, "clocks do not agree quite")
		_, err = table.Find(t.Context(), "event-3", time.Now().Add(time.Hour))
		require.ErrorIs(t, err, journal.ErrNotFound)
	})
}

// answering is a client that answers Query with that page, and says whether there
// is more.
type answering func(pk string, page int) (items []item, more bool)

func (answering) PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return nil, errors.New("not asked for")
}

func (a answering) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	page, _ := strconv.Atoi(faketable.Text(in.ExclusiveStartKey["page"])) // 0 of the first
	items, more := a(faketable.Text(in.ExpressionAttributeValues[":pk"]), page)
	out := &dynamodb.QueryOutput{Items: items}
	if more {
		out.LastEvaluatedKey = item{"page": &types.AttributeValueMemberN{Value: fmt.Sprint(page + 1)}}
	}
	return out, nil
}

// Millions of events go by, and the memory that is in use stays that of some
// pages.
func TestAcceptedHoldsNoMoreThanSomePages(t *testing.T) {
	minute := lately()
	sound := &faketable.Tables{}
	var done []relay.Done
	for i := range 9_500 {
		d := plain(i)
		d.At = minute
		done = append(done, d)
	}
	require.NoError(t, journal.New(sound, "journal").Record(t.Context(), done))
	require.Len(t, sound.Items("journal"), 1)
	value := sound.Items("journal")[0]["events"].(*types.AttributeValueMemberB).Value
	db := answering(func(pk string, page int) ([]item, bool) {
		var items []item
		for range 3 { // of 330 KB each, as an answer of 1 MB has them
			items = append(items, item{"pk": &types.AttributeValueMemberS{Value: pk}, "events": &types.AttributeValueMemberB{Value: append([]byte(nil), value...)}})
		}
		return items, page < 4
	})
	inUse := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most, n := inUse(), uint64(0), 0
	for _, err := range journal.New(db, "journal").Accepted(t.Context(), minute, minute.Add(time.Minute)) {
		require.NoError(t, err)
		if n++; n%200_000 == 0 {
			most = max(most, inUse())
		}
	}
	require.Equal(t, 16*5*3*9_500, n)
	require.Less(t, most-before, uint64(24<<20), "of 2,280,000 events, 80 MB as they are stored")
}
