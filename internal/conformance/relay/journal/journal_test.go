// Package journal judges the journal of package relay/journal on the engines: that
// each event is in it, and read back as it was, and how much longer an invocation
// takes.
//
//	go -C internal/conformance test ./relay/journal -v
//	go -C internal/conformance test ./relay/journal -run '^$' -bench .
package journal

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// meter is a client that counts its calls.
type meter struct {
	*dynamodb.Client
	puts, queries atomic.Int32
}

func (m *meter) Query(ctx context.Context, in *dynamodb.QueryInput, optFns ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	m.queries.Add(1)
	return m.Client.Query(ctx, in, optFns...)
}

func (m *meter) PutItem(ctx context.Context, in *dynamodb.PutItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	m.puts.Add(1)
	return m.Client.PutItem(ctx, in, optFns...)
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
		var bus relaytest.Bus
		h, err := relay.NewHandler(relay.NewEventBridge(&bus, "orders"), relay.Block, func(o *relay.Options) { o.Journal = table })
		require.NoError(t, err)
		begin := time.Now().UTC()
		var stream relaytest.Stream
		for batch := range slices.Chunk(stream.Insert(eventsOf(t, 1000)...), 100) {
			_, err := h.Invoke(t.Context(), relaytest.StreamEvent(batch...))
			require.NoError(t, err)
		}
		end := time.Now().UTC().Add(1)
		minutes := int(end.Truncate(time.Minute).Sub(begin.Truncate(time.Minute)) / time.Minute)
		require.GreaterOrEqual(t, int(client.puts.Load()), 10)
		require.LessOrEqual(t, int(client.puts.Load()), 10+minutes, "one item, unless a minute ends in the middle")

		seen := map[string]string{}
		for d, err := range table.Accepted(t.Context(), begin, end) {
			require.NoError(t, err)
			require.Empty(t, seen[d.EventID], "once")
			seen[d.EventID] = d.BusID
			require.WithinRange(t, d.At, begin, end)
		}
		sent := bus.Entries()
		require.Len(t, seen, len(sent))
		for _, e := range sent {
			require.Equal(t, e.ID, seen[e.EventID])
		}
		d, err := table.Find(t.Context(), sent[0].EventID, begin)
		require.NoError(t, err)
		require.Equal(t, sent[0].ID, d.BusID)
		_, err = table.Find(t.Context(), "another", begin)
		require.ErrorIs(t, err, journal.ErrNotFound)
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
		require.Greater(t, client.puts.Load(), int32(48), "so one of the 16 keys has four of them or more, and that is above 1 MB")
		n := 0
		for d, err := range table.Accepted(t.Context(), minute, minute.Add(time.Minute)) {
			require.NoError(t, err)
			require.Equal(t, d.EventID, done[d.At.Sub(minute)].EventID)
			n++
		}
		require.Equal(t, 2*len(done), n)
		require.Greater(t, client.queries.Load(), int32(16))
	})
}
