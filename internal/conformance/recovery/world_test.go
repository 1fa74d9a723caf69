// Package recovery_test runs replays on real engines: from the event store, in
// every layout, and from its stream.
package recovery_test

import (
	"encoding/json"
	"fmt"
	"os"
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
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

func TestMain(m *testing.M) {
	if order := os.Getenv(childEnv); order != "" {
		if err := child(order); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(enginetest.Main(m))
}

// A single table holds everything of a service, and the events of an aggregate
// beside it.
func singleTable() envelope.Layout {
	return envelope.Layout{
		PK: "PK", SK: "SK", Event: "outboxEvent", Marker: "_outbox", Ordered: true,
		Keys: func(ev envelope.CustomEvent) (string, string) {
			return "USER#" + ev.Headers.AggregateID, fmt.Sprintf("EVENT#%020d", ev.Headers.Sequence)
		},
	}
}

var layouts = map[string]envelope.Layout{"zero": {}, "aggregate": envelope.AggregateLayout(), "single table": singleTable()}

// world is an event store on an engine, with what was committed to it.
type world struct {
	engine *engine.Engine
	db     *dynamodb.Client
	table  enginetest.Table
	layout envelope.Layout
	writer *outbox.Writer
	begin  time.Time

	events []envelope.CustomEvent
}

func newWorld(t *testing.T, e *engine.Engine, layout envelope.Layout) *world {
	t.Helper()
	w := &world{engine: e, db: e.DynamoDB(), layout: layout, begin: time.Now().Add(-time.Second)}
	w.table = enginetest.EventStore(t, e, func(o *enginetest.TableOptions) {
		l := layout.WithDefaults()
		o.PK, o.SK = l.PK, l.SK
		if layout.Keys != nil && !layout.NumericSK {
			o.SKType = types.ScalarAttributeTypeS
		}
	})
	var err error
	w.writer, err = outbox.NewWriter(w.table.Name, func(o *outbox.Options) {
		o.Source, o.Region, o.Layout = "userService", "eu-west-1", layout
	})
	require.NoError(t, err)
	return w
}

// commit commits n events of these aggregates, in turns, and other items of the
// single table between them.
func (w *world) commit(t *testing.T, n, aggregates int, optFns ...func(i int, h *envelope.Headers)) {
	t.Helper()
	for len(w.events) < n {
		in := &dynamodb.TransactWriteItemsInput{}
		for range min(n-len(w.events), 50) {
			i := len(w.events)
			ev, err := envelope.New(t.Context(), "User.Changed", map[string]any{"n": i, "text": "é\"\\\n"}, func(h *envelope.Headers) {
				h.AggregateID, h.Sequence = fmt.Sprintf("u%d", i%aggregates), int64(i/aggregates+1)
				for _, fn := range optFns {
					fn(i, h)
				}
			})
			require.NoError(t, err)
			require.NoError(t, w.writer.Append(in, ev))
			w.events = append(w.events, ev)
		}
		_, err := w.db.TransactWriteItems(t.Context(), in)
		require.NoError(t, err)
		if w.layout.Marker != "" {
			item := map[string]types.AttributeValue{
				w.layout.PK: &types.AttributeValueMemberS{Value: fmt.Sprintf("USER#u%d", len(w.events)%aggregates)},
				w.layout.SK: &types.AttributeValueMemberS{Value: fmt.Sprintf("EVENT#profile-%d", len(w.events))},
			}
			_, err := w.db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &w.table.Name, Item: item})
			require.NoError(t, err)
		}
	}
}

// ids are those of all events.
func (w *world) ids() []string {
	ids := make([]string, len(w.events))
	for i, ev := range w.events {
		ids[i] = ev.Headers.EventID
	}
	return ids
}

func (w *world) handler(t *testing.T, bus *relaytest.Bus, optFns ...func(*relay.Options)) *relay.Handler {
	t.Helper()
	h, err := relay.NewHandler(relay.NewEventBridge(bus, "orders"), relay.Block, append([]func(*relay.Options){func(o *relay.Options) { o.Layout = w.layout }}, optFns...)...)
	require.NoError(t, err)
	return h
}

// idsIn are the ids of what a bus has accepted.
func idsIn(bus *relaytest.Bus) (ids []string) {
	for _, e := range bus.Entries() {
		ids = append(ids, e.EventID)
	}
	return ids
}

// disorder names the events that were accepted behind a later one of their aggregate.
func disorder(t *testing.T, bus *relaytest.Bus) (ids []string) {
	t.Helper()
	last := map[string]int64{}
	for _, e := range bus.Entries() {
		var d struct {
			Headers struct {
				AggregateID string
				Sequence    int64
			}
		}
		require.NoError(t, json.Unmarshal(e.Detail, &d))
		if d.Headers.Sequence < last[d.Headers.AggregateID] {
			ids = append(ids, e.EventID)
		}
		last[d.Headers.AggregateID] = max(last[d.Headers.AggregateID], d.Headers.Sequence)
	}
	return ids
}

func sameBus(o *relay.ReplayOptions) { o.To = relay.ToSameBus() }

// eachWorld runs a test in every layout on every engine.
func eachWorld(t *testing.T, test func(*testing.T, *world)) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		t.Parallel()
		for name, layout := range layouts {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(t, newWorld(t, e, layout))
			})
		}
	})
}
