// Package journal judges the journal of package relay/journal on the engines: that
// each event is in it, and read back as it was, what it costs, and how much longer
// an invocation takes.
//
//	go -C internal/conformance test ./relay/journal -v
//	go -C internal/conformance test ./relay/journal -run '^$' -bench .
package journal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// meter is a client that asks for the capacity of each write, and adds it up.
type meter struct {
	*dynamodb.Client
	mu      sync.Mutex // guards what follows
	units   float64
	puts    int
	queries int
}

func (m *meter) Query(ctx context.Context, in *dynamodb.QueryInput, optFns ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	m.mu.Lock()
	m.queries++
	m.mu.Unlock()
	return m.Client.Query(ctx, in, optFns...)
}

func (m *meter) PutItem(ctx context.Context, in *dynamodb.PutItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	in.ReturnConsumedCapacity = types.ReturnConsumedCapacityTotal
	out, err := m.Client.PutItem(ctx, in, optFns...)
	if err == nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.puts++
		m.units += *out.ConsumedCapacity.CapacityUnits
	}
	return out, err
}

// bus accepts everything and gives each event a UUID, as EventBridge does.
type bus struct {
	mu  sync.Mutex // guards ids
	ids map[string]string
}

func (*bus) Limits() relay.Limits   { return relay.Limits{Entries: 10, Bytes: 1_000_000} }
func (*bus) Size(e relay.Entry) int { return len(e.Detail) }

func (b *bus) Publish(_ context.Context, entries []relay.Entry) ([]relay.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	results := make([]relay.Result, len(entries))
	for i, e := range entries {
		var u [16]byte
		_, _ = rand.Read(u[:]) // it never fails
		id := fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
		results[i] = relay.Result{Class: relay.Accepted, ID: id}
		if b.ids != nil {
			b.ids[e.EventID] = id
		}
	}
	return results, nil
}

// tableOn makes a journal on an engine. It goes with the test.
func tableOn(t testing.TB, e *engine.Engine, client journal.APIClient, optFns ...func(*journal.Options)) *journal.Table {
	t.Helper()
	name := enginetest.Unique(t)
	table, db := journal.New(client, name, optFns...), e.DynamoDB()
	_, err := db.CreateTable(t.Context(), table.CreateTableInput())
	require.NoError(t, err)
	t.Cleanup(func() { // the test's context has ended by now
		if _, err := db.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &name}); err != nil {
			t.Logf("delete table %s on %s: %v", name, e.Name, err)
		}
	})
	return table
}

func eventsOf(t testing.TB, n int) []envelope.CustomEvent {
	t.Helper()
	events := make([]envelope.CustomEvent, n)
	for i := range events {
		ev, err := envelope.New(t.Context(), "Order.Placed", map[string]any{"order": i, "note": strings.Repeat("x", 300)})
		require.NoError(t, err)
		ev.Headers.Source = "orders"
		events[i] = ev
	}
	return events
}

// Every event that the relay has brought to the bus is in the journal, once, with
// the id of the bus; and one item is enough for an invocation.
func TestEveryEventIsInTheJournal(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		client := &meter{Client: e.DynamoDB()}
		table := tableOn(t, e, client, func(o *journal.Options) { o.PK, o.SK, o.TTL = "minute", "at", 48*time.Hour })
		bus := &bus{ids: map[string]string{}}
		h, err := relay.NewHandler(bus, relay.Block, func(o *relay.Options) { o.Journal = table })
		require.NoError(t, err)
		begin := time.Now().UTC()
		var stream relaytest.Stream
		for batch := range slices.Chunk(stream.Insert(eventsOf(t, 1000)...), 100) {
			_, err := h.Invoke(t.Context(), relaytest.StreamEvent(batch...))
			require.NoError(t, err)
		}
		end := time.Now().UTC().Add(1)
		minutes := int(end.Truncate(time.Minute).Sub(begin.Truncate(time.Minute)) / time.Minute)
		require.GreaterOrEqual(t, client.puts, 10)
		require.LessOrEqual(t, client.puts, 10+minutes, "one item, unless a minute ends in the middle")

		seen := map[string]string{}
		for d, err := range table.Accepted(t.Context(), begin, end) {
			require.NoError(t, err)
			require.Empty(t, seen[d.EventID], "once")
			seen[d.EventID] = d.BusID
			require.WithinRange(t, d.At, begin, end)
		}
		require.Equal(t, bus.ids, seen)
		for id := range seen {
			d, err := table.Find(t.Context(), id, begin)
			require.NoError(t, err)
			require.Equal(t, bus.ids[id], d.BusID)
			break
		}
		_, err = table.Find(t.Context(), "another", begin)
		require.ErrorIs(t, err, journal.ErrNotFound)
	})
}

// The borders of a question are exact, to the nanosecond.
func TestTheBordersOfAQuestion(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		table := tableOn(t, e, e.DynamoDB())
		minute := time.Now().UTC().Truncate(time.Minute).Add(-time.Hour)
		require.NoError(t, table.Record(t.Context(), []relay.Done{
			{EventID: "before", At: minute.Add(-1)}, {EventID: "first", At: minute}, {EventID: "dead", DeadLettered: true, At: minute.Add(time.Second)},
			{EventID: "last", Bus: "audit", BusID: "id/1", At: minute.Add(2*time.Minute - 1)}, {EventID: "behind", At: minute.Add(2 * time.Minute)},
		}))
		var got []relay.Done
		for d, err := range table.Accepted(t.Context(), minute, minute.Add(2*time.Minute)) {
			require.NoError(t, err)
			got = append(got, d)
		}
		slices.SortFunc(got, func(a, b relay.Done) int { return a.At.Compare(b.At) })
		require.Equal(t, []relay.Done{
			{EventID: "first", At: minute}, {EventID: "dead", DeadLettered: true, At: minute.Add(time.Second)},
			{EventID: "last", Bus: "audit", BusID: "id/1", At: minute.Add(2*time.Minute - 1)},
		}, got)
	})
}

// The largest batch that Lambda delivers, with ids that are as long as a key may
// be, is divided between items that the engine takes, and read in several pages.
func TestTheLargestBatch(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		client := &meter{Client: e.DynamoDB()}
		table := tableOn(t, e, client)
		minute := time.Now().UTC().Truncate(time.Minute).Add(-time.Hour)
		long := strings.Repeat("long", 500)
		var done []relay.Done
		for i := range 10_000 {
			id := fmt.Sprintf("01ARZ3NDEKTSV4RRFFQ%07d", i) // a ULID
			if i%2 == 0 {
				id = fmt.Sprintf("%s-%08d", long, i)
			}
			done = append(done, relay.Done{EventID: id, At: minute.Add(time.Duration(i))})
		}
		for range 2 {
			require.NoError(t, table.Record(t.Context(), slices.Clone(done)))
		}
		require.Greater(t, client.puts, 48, "so one of the 16 keys has four of them or more, and that is above 1 MB")
		n := 0
		for d, err := range table.Accepted(t.Context(), minute, minute.Add(time.Minute)) {
			require.NoError(t, err)
			require.Equal(t, d.EventID, done[d.At.Sub(minute)].EventID)
			n++
		}
		require.Equal(t, 2*len(done), n)
		require.Greater(t, client.queries, 16)
	})
}

// An item that is not of a journal, under one of its keys, is named and not passed
// over; one under another key does not matter.
func TestAnItemOfAnotherWriter(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		db := e.DynamoDB()
		table := tableOn(t, e, db)
		name := *table.CreateTableInput().TableName
		minute := time.Now().UTC().Truncate(time.Minute).Add(-time.Hour)
		put := func(pk string) {
			_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &name, Item: map[string]types.AttributeValue{
				"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberS{Value: "of another"},
			}})
			require.NoError(t, err)
		}
		read := func() error {
			for _, err := range table.Accepted(t.Context(), minute, minute.Add(time.Minute)) {
				if err != nil {
					return err
				}
			}
			return nil
		}
		put(minute.Format("2006-01-02T15:04Z") + "/16")
		put("user#1")
		require.NoError(t, read())
		put(minute.Format("2006-01-02T15:04Z") + "/15")
		require.ErrorContains(t, read(), `sk="of another"`)
	})
}

// A table that is not there fails nothing: the events are published, and each of
// them is counted.
func TestAJournalThatIsNotThere(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		table := journal.New(e.DynamoDB(), enginetest.Unique(t))
		bus := &bus{ids: map[string]string{}}
		var m relay.Metrics
		h, err := relay.NewHandler(bus, relay.Block, func(o *relay.Options) {
			o.Journal, o.Metrics = table, func(_ context.Context, got relay.Metrics) { m = got }
		})
		require.NoError(t, err)
		var stream relaytest.Stream
		_, err = h.Invoke(t.Context(), relaytest.StreamEvent(stream.Insert(eventsOf(t, 25)...)...))
		require.NoError(t, err)
		require.Len(t, bus.ids, 25)
		require.Equal(t, 25, m.Published)
		require.Equal(t, 25, m.JournalFailed)
		var notFound *types.ResourceNotFoundException
		for _, err := range table.Accepted(t.Context(), time.Now().Add(-time.Second), time.Now()) {
			require.True(t, errors.As(err, &notFound), "%v", err)
		}
	})
}

// What the journal costs beside the events themselves, in write units as the
// engine counts them: for 1,000 events in batches of 1, 10 and 100.
func TestWriteUnitsOnEngines(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		const n = 1000
		events := eventsOf(t, n)
		store := enginetest.EventStore(t, e)
		w, err := outbox.NewWriter(store.Name, func(o *outbox.Options) { o.Source = "orders" })
		require.NoError(t, err)
		committed := 0.0
		for chunk := range slices.Chunk(events, 100) { // what an event costs does not depend on how many are in a transaction
			in := &dynamodb.TransactWriteItemsInput{ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal}
			require.NoError(t, w.Append(in, chunk...))
			out, err := e.DynamoDB().TransactWriteItems(t.Context(), in)
			require.NoError(t, err)
			for _, c := range out.ConsumedCapacity {
				committed += *c.CapacityUnits
			}
		}
		require.Equal(t, 2.0*n, committed, "an event of up to 1 KB, in a transaction")
		for _, tt := range []struct{ batch, units int }{{1, 1000}, {10, 100}, {100, 40}} {
			client := &meter{Client: e.DynamoDB()}
			table := tableOn(t, e, client, func(o *journal.Options) { o.TTL = 90 * 24 * time.Hour })
			h, err := relay.NewHandler(&bus{}, relay.Block, func(o *relay.Options) { o.Journal = table })
			require.NoError(t, err)
			var stream relaytest.Stream
			for batch := range slices.Chunk(stream.Insert(events...), tt.batch) {
				_, err := h.Invoke(t.Context(), relaytest.StreamEvent(batch...))
				require.NoError(t, err)
			}
			// a minute that ends in the middle of a batch makes two items of it
			require.GreaterOrEqual(t, client.units, float64(tt.units))
			require.LessOrEqual(t, client.units, float64(tt.units+5))
			t.Logf("%s, batches of %d: %.0f write units of the journal for %d events, whose own are %d: %.1f %%",
				e.Name, tt.batch, client.units, n, 2*n, 100*client.units/(2*n))
		}
	})
}
