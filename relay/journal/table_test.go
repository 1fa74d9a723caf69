package journal_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/faketable"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// What is wrong with a table is found before anything is written or read.
func TestATableThatCannotBe(t *testing.T) {
	client := dynamodb.New(dynamodb.Options{})
	for _, tt := range []struct {
		name  string
		table *journal.Table
		want  string
	}{
		{"no client", journal.New(nil, "journal"), "dynamodb client is nil"},
		{"a typed nil client", journal.New((*dynamodb.Client)(nil), "journal"), "dynamodb client is nil"},
		{"no table", journal.New(client, ""), "table name is empty"},
		{"TTL", journal.New(client, "journal", func(o *journal.Options) { o.TTL = 7 }), "TTL"},
		{"a negative TTL", journal.New(client, "journal", func(o *journal.Options) { o.TTL = -time.Hour }), "TTL"},
		{"names", journal.New(client, "journal", func(o *journal.Options) { o.PK = "events" }), `two attributes are named "events"`},
		{"equal keys", journal.New(client, "journal", func(o *journal.Options) { o.PK, o.SK = "k", "k" }), `two attributes are named "k"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := relay.NewHandler(relay.NewEventBridge(&relaytest.Bus{}, "orders"), relay.Block, func(o *relay.Options) { o.Journal = tt.table })
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, tt.table.Record(t.Context(), []relay.Done{{}}), tt.want)
			for _, err := range tt.table.Accepted(t.Context(), lately(), time.Now()) {
				require.ErrorContains(t, err, tt.want)
			}
			_, err = tt.table.Find(t.Context(), "event-1", lately())
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestCreateTableInput(t *testing.T) {
	for _, name := range []string{"journal", "arn:aws:dynamodb:eu-west-1:123456789012:table/journal"} {
		in := journal.New(nil, name, func(o *journal.Options) { o.SK = "at" }).CreateTableInput()
		require.Equal(t, "journal", *in.TableName)
		require.Equal(t, types.BillingModePayPerRequest, in.BillingMode)
		require.Len(t, in.KeySchema, 2)
		require.Equal(t, "pk", *in.KeySchema[0].AttributeName)
		require.Equal(t, types.KeyTypeHash, in.KeySchema[0].KeyType)
		require.Equal(t, "at", *in.KeySchema[1].AttributeName)
		require.Equal(t, types.KeyTypeRange, in.KeySchema[1].KeyType)
		require.Len(t, in.AttributeDefinitions, 2)
	}
}

// An invocation is one item.
func TestItem(t *testing.T) {
	db := &faketable.Tables{}
	table := journal.New(db, "journal", func(o *journal.Options) { o.TTL, o.TTLAttribute = 90*24*time.Hour, "expires" })
	minute := lately()
	require.NoError(t, table.Record(t.Context(), []relay.Done{
		{EventID: "event-1", BusID: "bus-1", At: minute.Add(7*time.Second + 5*time.Millisecond)},
		{EventID: "event-2", DeadLettered: true, At: minute.Add(59 * time.Second)},
	}))
	require.Len(t, db.Items("journal"), 1)
	it := db.Items("journal")[0]
	require.Regexp(t, "^"+minute.Format("2006-01-02T15:04Z")+`/(0\d|1[0-5])$`, faketable.Text(it["pk"]))
	require.Regexp(t, "^"+minute.Format("2006-01-02T15:04")+`:07\.005Z/[A-Z2-7]{26}$`, faketable.Text(it["sk"]))
	require.Equal(t, fmt.Sprint(minute.Add(time.Minute+90*24*time.Hour).Unix()), faketable.Text(it["expires"]), "epoch seconds")
	require.IsType(t, &types.AttributeValueMemberN{}, it["expires"])
	require.IsType(t, &types.AttributeValueMemberB{}, it["events"])
	require.Len(t, it, 4)

	require.NoError(t, journal.New(db, "journal").Record(t.Context(), []relay.Done{{EventID: "event-1", At: minute.Add(time.Hour)}}))
	require.Len(t, db.Items("journal")[1], 3, "without a time to live")
}

// Items of the same moment do not replace each other, and use all the keys.
func TestItemsAreSpread(t *testing.T) {
	db := &faketable.Tables{}
	table := journal.New(db, "journal")
	minute := lately()
	for range 1000 {
		require.NoError(t, table.Record(t.Context(), []relay.Done{{EventID: "event-1", At: minute}}))
	}
	require.Len(t, db.Items("journal"), 1000)
	parts := map[string]int{}
	for _, it := range db.Items("journal") {
		parts[faketable.Text(it["pk"])]++
	}
	require.Len(t, parts, 16)
	for pk, n := range parts {
		require.Less(t, n, 200, pk)
	}
	require.Len(t, all(t, table, minute, minute.Add(1)), 1000)
}

// However many events an invocation has, and whatever their ids are like, each
// is in the journal, and each item is one that DynamoDB takes.
func TestRecordSplits(t *testing.T) {
	minute := lately()
	many := func(n int, event func(i int) relay.Done) (done []relay.Done) {
		for i := range n {
			d := event(i)
			d.At = minute.Add(time.Duration(i/10) * time.Millisecond)
			done = append(done, d)
		}
		return done
	}
	for _, tt := range []struct {
		name  string
		done  []relay.Done
		items int
	}{
		{"a thousand", many(1000, plain), 1},
		{"the largest batch", many(10_000, plain), 2},
		{"the largest batch, with ids of text", many(10_000, func(i int) relay.Done {
			return relay.Done{EventID: fmt.Sprintf("User.Created/%023d", i), Bus: "arn:aws:events:eu-west-1:123456789012:event-bus/orders", BusID: fmt.Sprintf("id-of-the-bus-%024d", i)}
		}), 3},
		{"two buses with long names, in turn", many(5_000, func(i int) relay.Done {
			d := plain(i)
			d.Bus = strings.Repeat(string(rune('a'+i%2)), 1000)
			return d
		}), 1},
		{"ids of 2 KB", many(1000, func(i int) relay.Done { return relay.Done{EventID: fmt.Sprintf("%02048d", i)} }), 7},
		{"the largest id that fits", many(3, func(i int) relay.Done { return relay.Done{EventID: fmt.Sprintf("%0339980d", i)} }), 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := &faketable.Tables{}
			table := journal.New(db, "journal", func(o *journal.Options) {
				o.TTL, o.TTLAttribute = 2*time.Hour, strings.Repeat("t", 60_000) // an attribute's name counts, too
			})
			want := sorted(append([]relay.Done(nil), tt.done...))
			require.NoError(t, table.Record(t.Context(), tt.done))
			require.Len(t, db.Items("journal"), tt.items)
			require.Equal(t, want, all(t, table, minute, minute.Add(time.Minute)))
			for _, it := range db.Items("journal") {
				n, err := itemsize.Measure(it)
				require.NoError(t, err)
				require.LessOrEqual(t, n, 409_600)
			}
		})
	}
}

// An event that fits in no item is named, and the others are kept.
func TestAnEventThatFitsInNoItem(t *testing.T) {
	for name, large := range map[string]relay.Done{
		"its id":      {EventID: "event-2-" + strings.Repeat("x", 340_000)},
		"its bus":     {EventID: "event-2-", Bus: strings.Repeat("x", 340_000)},
		"all of them": {EventID: "event-2-", Bus: strings.Repeat("x", 200_000), BusID: strings.Repeat("x", 200_000)},
		"nearly fits": {EventID: "event-2-", BusID: strings.Repeat("x", 339_990)},
	} {
		t.Run(name, func(t *testing.T) {
			db := &faketable.Tables{}
			table := journal.New(db, "journal")
			minute := lately()
			large.At = minute
			err := table.Record(t.Context(), []relay.Done{{EventID: "event-1", At: minute}, large, {EventID: "event-3", At: minute}})
			require.ErrorContains(t, err, `journal: table journal: event "event-2-`)
			require.Less(t, len(err.Error()), 400)
			require.Equal(t, []relay.Done{{EventID: "event-1", At: minute}, {EventID: "event-3", At: minute}}, all(t, table, minute, minute.Add(1)))
		})
	}
}

// An item that cannot be written keeps no other from being written.
func TestATableThatCannotBeWrittenTo(t *testing.T) {
	throttled := errors.New("throttled")
	db := &faketable.Tables{Fault: failing("PutItem", 1, throttled)}
	table := journal.New(db, "journal")
	minute := lately()
	err := table.Record(t.Context(), []relay.Done{
		{EventID: "event-1", At: minute}, {EventID: "event-2", At: minute.Add(time.Minute)}, {EventID: "event-3", At: minute.Add(2 * time.Minute)},
	})
	require.ErrorIs(t, err, throttled)
	require.ErrorContains(t, err, "journal: put 1 events into table journal: ")
	require.Len(t, all(t, table, minute, minute.Add(time.Hour)), 2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, table.Record(ctx, []relay.Done{{EventID: "event-1", At: minute}}), context.Canceled)
}

// What the relay tells is what a reader is told.
func TestAHandlerWithAJournal(t *testing.T) {
	db, bus, stream := &faketable.Tables{}, &relaytest.Bus{}, &relaytest.Stream{}
	table := journal.New(db, "journal")
	h, err := relay.NewHandler(relay.NewEventBridge(bus, "orders"), relay.Block, func(o *relay.Options) { o.Journal = table })
	require.NoError(t, err)
	begin := time.Now()
	var events []envelope.CustomEvent
	for range 25 {
		ev, err := envelope.New(t.Context(), "Order.Placed", map[string]int{})
		require.NoError(t, err)
		events = append(events, ev)
	}
	_, err = h.Invoke(t.Context(), relaytest.StreamEvent(stream.Insert(events...)...))
	require.NoError(t, err)
	done := all(t, table, begin, time.Now().Add(1))
	require.LessOrEqual(t, len(db.Items("journal")), 2, "one item per invocation, unless a new minute begins in it")
	require.Len(t, done, 25)
	for _, d := range done {
		found, err := table.Find(t.Context(), d.EventID, begin)
		require.NoError(t, err)
		require.Equal(t, d, found)
	}
}

// What a journal costs beside the events themselves, in write units: one for each
// KB of an item that is begun
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html),
// by DynamoDB's rules for the size of an item. The package documentation has
// these figures.
func TestWriteUnits(t *testing.T) {
	const events = 1000
	for perInvocation, want := range map[int]int{1: 1000, 10: 100, 100: 40} {
		db := &faketable.Tables{}
		table := journal.New(db, "journal", func(o *journal.Options) { o.TTL = 90 * 24 * time.Hour })
		for range events / perInvocation {
			at := lately().Add(time.Duration(rand.Int64N(int64(50 * time.Second))))
			var done []relay.Done
			for i := range perInvocation {
				d := plain(i)
				d.At = at.Add(time.Duration(i/10) * 8 * time.Millisecond) // ten events a call
				done = append(done, d)
			}
			require.NoError(t, table.Record(t.Context(), done))
		}
		units := 0
		for _, it := range db.Items("journal") {
			n, err := itemsize.Measure(it)
			require.NoError(t, err)
			units += (n + 1023) / 1024
		}
		require.Equal(t, want, units, "invocations of %d", perInvocation)
		eventWrites := 2 * events // an event of up to 1 KB, in a transaction
		t.Logf("%d events per invocation: %d write units of the journal for %d events, %.1f %% of their own %d",
			perInvocation, units, events, 100*float64(units)/float64(eventWrites), eventWrites)
	}
}
