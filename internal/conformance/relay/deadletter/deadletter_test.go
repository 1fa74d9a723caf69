// Package deadletter judges relay/deadletter on real engines.
package deadletter

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// The table sink and its redrive on the real engines: what a handler cannot
// publish is in the table, whatever its size, put once however often it comes,
// and comes to the bus by a redrive, from the record or from the event store.
func TestDeadLettersOnEngines(t *testing.T) {
	moto := enginetest.Moto(t)
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		db := e.DynamoDB()
		bus := enginetest.NewBus(t, moto)
		store := enginetest.EventStore(t, e)
		table := enginetest.BusinessTable(t, e, func(o *enginetest.TableOptions) {
			o.SK, o.SKType = "sk", types.ScalarAttributeTypeS
		})
		sink := deadletter.New(db, table.Name, func(o *deadletter.Options) { o.TTL = time.Hour })
		publisher := relay.NewEventBridge(moto.EventBridge(), bus.Name)
		refusing, err := relay.NewHandler(publisher, sink, func(o *relay.Options) {
			o.Route = func(*relay.Entry) error { return fmt.Errorf("not yet: %w", relay.ErrDeadLetter) }
		})
		require.NoError(t, err)
		require.NoError(t, refusing.Check(t.Context()))

		// two that fit whole, and one whose DynamoDB JSON is larger than an item
		// may be, though the item is not: each element of the list costs the
		// record nine bytes and the item two
		w, err := outbox.NewWriter(store.Name, func(o *outbox.Options) { o.Source = "orderService" })
		require.NoError(t, err)
		stream := relaytest.Stream{ARN: store.StreamARN}
		var records []json.RawMessage
		var want []string
		for i := range 3 {
			order := map[string]any{"order": i}
			if i == 2 {
				order["flags"] = make([]any, 120_000)
			}
			ev, err := envelope.New(t.Context(), "Order.Placed", order, func(h *envelope.Headers) { h.Source = "orderService" })
			require.NoError(t, err)
			put, err := w.PutItem(ev)
			require.NoError(t, err)
			_, err = db.PutItem(t.Context(), put)
			require.NoError(t, err)
			records, want = append(records, stream.Insert(ev)...), append(want, ev.Headers.EventID)
		}
		payload := relaytest.StreamEvent(records...)
		for range 2 { // the same records in another process put the same letters
			_, err = refusing.Invoke(t.Context(), payload)
			require.NoError(t, err)
			refusing, err = relay.NewHandler(publisher, sink, func(o *relay.Options) {
				o.Route = func(*relay.Entry) error { return relay.ErrDeadLetter }
			})
			require.NoError(t, err)
		}
		letters := table.Items(t, e)
		require.Len(t, letters, 3)
		truncated := 0
		for _, l := range letters {
			if _, ok := l["recordTruncated"]; ok {
				truncated++
			}
			require.Equal(t, store.Name, l["table"].(*types.AttributeValueMemberS).Value)
			ttl, err := strconv.ParseInt(l["ttl"].(*types.AttributeValueMemberN).Value, 10, 64)
			require.NoError(t, err)
			require.WithinDuration(t, time.Now().Add(time.Hour), time.Unix(ttl, 0), 2*time.Minute)
		}
		require.Equal(t, 1, truncated)

		h, err := relay.NewHandler(publisher, sink)
		require.NoError(t, err)
		dry, err := sink.Redrive(t.Context(), db, h, func(o *deadletter.RedriveOptions) { o.DryRun, o.PageSize = true, 1 })
		require.NoError(t, err)
		require.Equal(t, deadletter.Report{Read: 3, Published: 3}, dry)
		require.Len(t, table.Items(t, e), 3)
		sum, err := sink.Redrive(t.Context(), db, h, func(o *deadletter.RedriveOptions) { o.PageSize = 2 })
		require.NoError(t, err)
		require.Equal(t, deadletter.Report{Read: 3, Published: 3}, sum)
		require.Empty(t, table.Items(t, e))
		require.ElementsMatch(t, want, enginetest.EventIDs(t, bus.Queue.Receive(t, 3)))
	})
}
