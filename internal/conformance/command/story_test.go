package command_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// auditResult and replayResult are what is read of the results.
type auditResult struct {
	Committed, Accepted, DeadLettered, Discarded, Young, NeverAccepted, Unreadable int
	Events                                                                         []struct{ EventID, State string }
}

type replayResult struct {
	Executed, Done                          bool
	Read, Filtered, Published, Failed, Held int
	Bytes                                   int64
	ReadUnits                               float64
	Failures                                []struct{ EventID, Code string }
	Missing                                 []struct{ EventID, Reason string }
	PriceUSD                                struct{ PutEvents, Reads float64 }
	CannotKnow                              []string
	Error                                   string
	Messages                                int
}

// consumer does its work once for each event, with a receipt. What it returns gives
// it all that the bus has accepted since, and says for which events the work is done.
func (w *world) consumer(t *testing.T) func() map[string]bool {
	t.Helper()
	receipts := enginetest.BusinessTable(t, w.db, twoKeys)
	work := enginetest.BusinessTable(t, w.db)
	inbox, err := outbox.NewInbox(receipts.Name, "messaging")
	require.NoError(t, err)
	c, err := outbox.NewConsumer(func(ctx context.Context, ev envelope.CustomEvent) error {
		in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Update: &types.Update{
			TableName: &work.Name, Key: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: ev.Headers.EventID}},
			UpdateExpression: aws.String("ADD done :one"), ExpressionAttributeValues: map[string]types.AttributeValue{":one": &types.AttributeValueMemberN{Value: "1"}},
		}}}}
		if err := inbox.Append(in, ev); err != nil {
			return err
		}
		return outbox.Commit(ctx, w.client, in, inbox)
	})
	require.NoError(t, err)
	return func() map[string]bool {
		for batch := range slices.Chunk(append(w.relayWire.take(), w.wire.take()...), 10) {
			var entries []relaytest.Entry
			for _, e := range batch {
				entries = append(entries, relaytest.Entry{ID: e.ServerID, Source: e.Source, DetailType: e.DetailType, Detail: json.RawMessage(e.Detail)})
			}
			_, err = c.Invoke(t.Context(), relaytest.SQSEvent(entries...))
			require.NoError(t, err)
		}
		done := map[string]bool{}
		for _, item := range work.Items(t, w.db) {
			require.Equal(t, "1", item["done"].(*types.AttributeValueMemberN).Value, "the work of an event is done once")
			done[item["pk"].(*types.AttributeValueMemberS).Value] = true
		}
		return done
	}
}

// TestStory: the relay was down for longer than the stream remembers. The stream
// forgets here when a relay lets batches go by that it does not publish, as Lambda
// does with what it has given up: whoever reads the stream after that is behind
// them. The audit names exactly what was never published, the replay publishes it,
// and the consumers, which have receipts, do everything once.
func TestStory(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		w := newWorld(t, db)
		consumed := w.consumer(t)
		published := w.signUps(t, 200)
		w.relay(t, publishing)
		lost := w.signUps(t, 1700)
		w.relay(t, forgetting)
		later := w.signUps(t, 100)
		w.relay(t, publishing)
		require.Len(t, consumed(), len(published)+len(later))

		var audit auditResult
		w.json(t, 1, &audit, "audit", "--from", "1h", "--lag", "0s", "--list")
		require.Equal(t, 2000, audit.Committed)
		require.Equal(t, len(published)+len(later), audit.Accepted)
		require.Equal(t, len(lost), audit.NeverAccepted)
		var named []string
		for _, e := range audit.Events {
			require.Equal(t, "never accepted", e.State)
			named = append(named, e.EventID)
		}
		require.ElementsMatch(t, lost, named)

		var look replayResult
		w.json(t, 0, &look, "replay", "--from", "1h", "--missing", "--to-same-bus")
		require.False(t, look.Executed)
		require.Equal(t, len(lost), look.Published)
		require.Positive(t, look.Bytes)
		require.NotEmpty(t, look.CannotKnow)
		require.Empty(t, w.wire.Accepted(), "nothing is published without --execute")

		var done replayResult
		r := w.json(t, 0, &done, "replay", "--from", "1h", "--missing", "--to-same-bus", "--execute", "--cursor", "cursor.json", "--reason", "the relay was down")
		require.True(t, done.Executed && done.Done)
		require.Equal(t, len(lost), done.Published)
		require.Contains(t, r.Stderr, `"reason":"the relay was down"`)
		require.NoFileExists(t, filepath.Join(w.dir, "cursor.json"), "there is nothing to go on from")

		require.Len(t, w.wire.EventIDs(), len(lost))
		all := consumed()
		for _, ids := range [][]string{published, lost, later} {
			for _, id := range ids {
				require.True(t, all[id])
			}
		}
		require.Len(t, all, 2000)
		w.json(t, 0, &audit, "audit", "--from", "1h", "--lag", "0s")
		require.Zero(t, audit.NeverAccepted)
		require.Equal(t, 2000, audit.Accepted)
	})
}

// TestKilledAndResumed kills the command with SIGKILL in the middle, again and
// again, and goes on from the cursor: nothing is passed over. With --missing nothing
// but what was under way comes twice; without it, at most a page for each kill.
func TestKilledAndResumed(t *testing.T) {
	t.Parallel()
	const page, kills = 50, 3
	to := time.Now().UTC().Add(time.Hour).Format(time.RFC3339)
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		for name, args := range map[string][]string{"missing": {"--to", to, "--missing"}, "everything": {"--to", to}, "stream": {"--stream"}} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, db)
				ids := w.signUps(t, 600)
				w.relay(t, forgetting)
				args := append([]string{"replay", "--from", "1h", "--to-same-bus", "--execute", "--cursor", "cursor.json", "--page-size", fmt.Sprint(page)}, args...)
				for i := range kills {
					before := len(w.wire.Accepted())
					w.killOnce(t, func() bool { return len(w.wire.Accepted()) > before }, append(args, "--rate", "100")...)
					if i == 0 {
						args = append(args, "--resume")
					}
				}
				require.Less(t, len(w.wire.EventIDs()), len(ids), "it was in the middle")

				var done replayResult
				w.json(t, 0, &done, args...)
				counts, twice := w.wire.EventIDs(), 0
				require.Len(t, counts, len(ids), "nothing is passed over")
				for _, id := range ids {
					require.Contains(t, counts, id)
					twice += counts[id] - 1
				}
				if name != "stream" { // whose pages are the engine's
					require.LessOrEqual(t, twice, kills*page)
				}
			})
		}
	})
}

// killOnce starts the command and kills it when the time has come.
func (w *world) killOnce(t *testing.T, when func() bool, args ...string) {
	t.Helper()
	cmd := w.command(t, args...)
	cmd.Stderr = t.Output()
	require.NoError(t, cmd.Start())
	require.Eventually(t, when, 30*time.Second, 20*time.Millisecond)
	require.NoError(t, cmd.Process.Kill())
	var exit *exec.ExitError
	require.True(t, errors.As(cmd.Wait(), &exit))
	require.Equal(t, -1, cmd.ProcessState.ExitCode(), "killed, and not ended")
}

// TestOrderOfAggregates: in the aggregate layout the replay keeps the order of
// each aggregate.
func TestOrderOfAggregates(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		w := newWorld(t, db, func(o *worldOptions) { o.layout, o.yaml = envelope.AggregateLayout(), "layout: aggregate\n" })
		const aggregates, each = 20, 30
		lost := w.signUps(t, aggregates*each, func(i int, h *envelope.Headers) {
			h.AggregateID, h.Sequence = "order-"+string(rune('a'+i%aggregates)), int64(i/aggregates+1)
		})
		w.relay(t, forgetting)

		var done replayResult
		w.json(t, 0, &done, "replay", "--from", "1h", "--missing", "--to-same-bus", "--execute")
		require.Equal(t, len(lost), done.Published)
		last := map[string]int64{}
		for _, e := range w.wire.take() {
			id, n, _ := inDetail(t, e)
			require.Equal(t, last[id]+1, n, "events of %s in order, each once", id)
			last[id] = n
		}
		require.Len(t, last, aggregates)

		var again replayResult
		w.json(t, 0, &again, "replay", "--aggregate", "order-c", "--to-bus", w.bus.Name, "--execute", "--mark", "one-again")
		require.Equal(t, each, again.Published)
		for i, e := range w.wire.take() {
			id, n, mark := inDetail(t, e)
			require.Equal(t, []any{"order-c", int64(i + 1), "one-again"}, []any{id, n, mark})
		}
	})
}

func inDetail(t *testing.T, e wirefault.Accepted) (aggregateID string, sequence int64, mark string) {
	t.Helper()
	var d struct {
		Headers struct {
			AggregateID, Replay string
			Sequence            int64
		}
	}
	require.NoError(t, json.Unmarshal([]byte(e.Detail), &d))
	return d.Headers.AggregateID, d.Headers.Sequence, d.Headers.Replay
}

// TestSharedTable: one table for everything, with key patterns of its own and a
// marker on the events.
func TestSharedTable(t *testing.T) {
	t.Parallel()
	const layout = "pk: PK\nsk: SK\nevent: data\nordered: true\nkeys:\n  pk: ORDER#{aggregateId}\n  sk: EVENT#{sequence:8}\n"
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		w := newWorld(t, db, func(o *worldOptions) {
			o.table = func(o *enginetest.TableOptions) { o.PK, o.SK, o.SKType = "PK", "SK", types.ScalarAttributeTypeS }
			o.yaml = "layout: layout.yaml\nmarker: kind\n"
			o.layout = envelope.Layout{PK: "PK", SK: "SK", Event: "data", Marker: "kind", Ordered: true, Keys: func(ev envelope.CustomEvent) (string, string) {
				return "ORDER#" + ev.Headers.AggregateID, fmt.Sprintf("EVENT#%08d", ev.Headers.Sequence)
			}}
		})
		w.write(t, "layout.yaml", layout)
		for i := range 40 { // what is no event
			_, err := w.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &w.events.Name, Item: map[string]types.AttributeValue{
				"PK": &types.AttributeValueMemberS{Value: "ORDER#a"}, "SK": &types.AttributeValueMemberS{Value: fmt.Sprintf("LINE#%08d", i)},
			}})
			require.NoError(t, err)
		}
		lost := w.signUps(t, 60, func(i int, h *envelope.Headers) { h.AggregateID, h.Sequence = string(rune('a'+i%3)), int64(i/3+1) })
		w.relay(t, forgetting)

		var audit auditResult
		w.json(t, 1, &audit, "audit", "--from", "1h", "--lag", "0s")
		require.Equal(t, len(lost), audit.Committed)
		require.Equal(t, len(lost), audit.NeverAccepted)
		var done replayResult
		w.json(t, 0, &done, "replay", "--from", "1h", "--missing", "--to-same-bus", "--execute")
		require.Equal(t, len(lost), done.Published)
		w.json(t, 0, &audit, "audit", "--from", "1h", "--lag", "0s")
		require.Equal(t, len(lost), audit.Accepted)
		w.json(t, 0, &done, "replay", "--aggregate", "b", "--to-same-bus")
		require.Equal(t, 20, done.Published)
	})
}
