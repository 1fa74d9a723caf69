package command_test

import (
	"bufio"
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// TestInspect: what is known of an event that was published and consumed, of one
// that is a dead letter, of one that was never published, and of none.
func TestInspect(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		w := newWorld(t, db)
		published := w.signUps(t, 1)[0]
		poison, _ := w.poison(t)
		w.relay(t, publishing)
		lost := w.signUps(t, 1)[0]
		receipts := enginetest.BusinessTable(t, db, twoKeys)
		w.receipt(t, receipts, published)
		_, err := w.client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &receipts.Name, Item: map[string]types.AttributeValue{
			"pk": &types.AttributeValueMemberS{Value: published}, "sk": &types.AttributeValueMemberS{Value: "email"}, // the consumer's own work, beside its receipt
		}})
		require.NoError(t, err)

		type receiptFound struct{ Consumer string }
		type inspection struct {
			EventID string
			Item    *struct {
				Items, Bytes int
				Fault        string
				Headers      struct{ EventID, EventName string }
			}
			Journal *struct {
				BusID        string
				DeadLettered bool
			}
			DeadLetters []struct{ Code, Message string }
			Receipts    []receiptFound
			Payload     *struct{ Email string }
		}
		var in inspection
		w.json(t, 0, &in, "inspect", published, "--receipts", receipts.Name)
		require.Equal(t, published, in.Item.Headers.EventID)
		require.Equal(t, 1, in.Item.Items)
		require.NotEmpty(t, in.Journal.BusID)
		require.False(t, in.Journal.DeadLettered)
		require.Empty(t, in.DeadLetters)
		require.Equal(t, []receiptFound{{"messaging"}}, in.Receipts)
		require.Nil(t, in.Payload, "only with --payload")
		text := w.run(t, "inspect", published)
		require.NotContains(t, text.Stdout, "ada@example.com")
		text = w.run(t, "inspect", published, "--payload")
		require.Contains(t, text.Stdout, "ada@example.com")

		in = inspection{}
		w.json(t, 0, &in, "inspect", lost, "--payload")
		require.NotNil(t, in.Item)
		require.Nil(t, in.Journal)
		require.Equal(t, "ada@example.com", in.Payload.Email)

		text = w.run(t, "inspect", lost, "--dead-letters", "none")
		require.Regexp(t, `journal +nothing`, text.Stdout, "it was asked")
		require.NotRegexp(t, `dead letters +none\n`, text.Stdout, "they were not")

		in = inspection{}
		w.json(t, 0, &in, "inspect", poison)
		require.Equal(t, "MissingPayload", in.Item.Fault)
		require.Equal(t, "MissingPayload", in.DeadLetters[0].Code)
		require.True(t, in.Journal.DeadLettered)

		in = inspection{}
		w.json(t, 1, &in, "inspect", "01HZZZZZZZZZZZZZZZZZZZZZZZ")
		require.Nil(t, in.Item)
	})
}

// receipt makes the receipt of a consumer.
func (w *world) receipt(t *testing.T, table enginetest.Table, id string) {
	t.Helper()
	inbox, err := outbox.NewInbox(table.Name, "messaging")
	require.NoError(t, err)
	in := &dynamodb.TransactWriteItemsInput{}
	require.NoError(t, inbox.Append(in, envelope.CustomEvent{Headers: envelope.Headers{EventID: id, EventName: "User.Created"}}))
	_, err = w.client.TransactWriteItems(t.Context(), in)
	require.NoError(t, err)
}

// poison writes an item that can never be published, beside the library. It
// returns the event id, and what gives it a payload.
func (w *world) poison(t *testing.T) (id string, mend func()) {
	t.Helper()
	ev, err := envelope.New(t.Context(), "User.Created", map[string]any{})
	require.NoError(t, err)
	items, err := w.writer.Items(ev)
	require.NoError(t, err)
	put := &dynamodb.PutItemInput{TableName: &w.events.Name, Item: items[0].Put.Item}
	event := put.Item["event"].(*types.AttributeValueMemberM).Value
	payload := event["payload"]
	delete(event, "payload")
	_, err = w.client.PutItem(t.Context(), put)
	require.NoError(t, err)
	return ev.Headers.EventID, func() {
		event["payload"] = payload
		_, err := w.client.PutItem(t.Context(), put)
		require.NoError(t, err)
	}
}

// TestRedrive: the letters are listed and shown, published when the item is
// mended, and discarded with a reason.
func TestRedrive(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		w := newWorld(t, db)
		w.signUps(t, 1)
		mended, mend := w.poison(t)
		bad, _ := w.poison(t)
		junk, _ := w.poison(t)
		w.relay(t, publishing)
		require.Len(t, w.letters.Items(t, db), 3)

		var list struct {
			Letters []struct{ EventID, Code, EventName, Message string }
			ByCode  map[string]int
		}
		w.json(t, 0, &list, "redrive", "list")
		require.Equal(t, map[string]int{"MissingPayload": 3}, list.ByCode)
		require.Equal(t, "User.Created", list.Letters[0].EventName)
		w.json(t, 0, &list, "redrive", "list", "--code", "TooLarge")
		require.Empty(t, list.Letters)
		var shown []struct {
			EventID string
			Record  json.RawMessage
		}
		w.json(t, 0, &shown, "redrive", "show", bad)
		require.Equal(t, bad, shown[0].EventID)
		require.Empty(t, shown[0].Record)
		w.json(t, 0, &shown, "redrive", "show", bad, "--payload")
		require.NotEmpty(t, shown[0].Record)
		require.Equal(t, 2, w.run(t, "redrive", "show", "01HZZZZZZZZZZZZZZZZZZZZZZZ").Code)

		type result struct {
			Executed                bool
			Read, Published, Failed int
			ByCode                  map[string]int
		}
		var r result
		mend()
		w.json(t, 1, &r, "redrive")
		require.Equal(t, result{false, 3, 1, 2, map[string]int{"MissingPayload": 2}}, r)
		require.Empty(t, w.wire.Accepted())
		require.Len(t, w.letters.Items(t, db), 3)
		r = result{}
		w.json(t, 0, &r, "redrive", "--id", mended, "--execute")
		require.Equal(t, result{true, 1, 1, 0, nil}, r)
		require.Equal(t, map[string]int{mended: 1}, w.wire.EventIDs())
		require.Len(t, w.letters.Items(t, db), 2)
		r = result{}
		w.json(t, 1, &r, "redrive", "--execute")
		require.Equal(t, 2, r.Failed)
		gone := w.run(t, "redrive", "--id", mended)
		require.Equal(t, 1, gone.Code, "a letter that is not there was not published")
		require.Contains(t, gone.Stdout, "Not found:\n  "+mended+"\n")

		require.Equal(t, 2, w.run(t, "redrive", "discard", junk, "--execute").Code, "without a reason")
		require.Equal(t, 0, w.run(t, "redrive", "discard", junk).Code)
		require.Len(t, w.letters.Items(t, db), 2, "without --execute nothing is deleted")
		log := w.dir + "/audit.log"
		d := w.run(t, "redrive", "discard", junk, "--execute", "--reason", "a test", "--audit-log", log)
		require.Zero(t, d.Code, d.Stderr)
		require.Len(t, w.letters.Items(t, db), 1)

		var audit auditResult // the discarded one is not missing, but told of
		w.json(t, 0, &audit, "audit", "--from", "1h", "--lag", "0s")
		require.Equal(t, auditResult{Committed: 4, Accepted: 2, DeadLettered: 1, Discarded: 1}, audit)
	})
}

// TestTail follows the stream, and ends at Ctrl-C with 0.
func TestTail(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		w := newWorld(t, db)
		w.signUps(t, 3) // before it begins
		cmd := w.command(t, "tail", "--json")
		stdout, err := cmd.StdoutPipe()
		require.NoError(t, err)
		stderr, err := cmd.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		said, err := bufio.NewReader(stderr).ReadString('\n')
		require.NoError(t, err)
		require.Contains(t, said, "a reader of each shard")
		ids := w.signUps(t, 20)
		var seen []string
		for lines := bufio.NewScanner(stdout); len(seen) < len(ids) && lines.Scan(); {
			var line struct {
				EventID, EventName string
				Bytes              int
			}
			require.NoError(t, json.Unmarshal(lines.Bytes(), &line))
			require.Equal(t, "User.Created", line.EventName)
			seen = append(seen, line.EventID)
		}
		require.ElementsMatch(t, ids, seen, "each of them, and none of before")
		require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		require.NoError(t, cmd.Wait(), "Ctrl-C is how it ends")
	})
}

// TestCtrlC: the first one ends a replay at a page's end, with the cursor written,
// and with 3.
func TestCtrlC(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		w := newWorld(t, db)
		ids := w.signUps(t, 300)
		args := []string{"replay", "--from", "1h", "--to-same-bus", "--execute", "--cursor", "cursor.json", "--page-size", "20"}
		cmd := w.command(t, append(args, "--rate", "50")...)
		var said strings.Builder
		cmd.Stderr = &said
		require.NoError(t, cmd.Start())
		require.Eventually(t, func() bool { return len(w.wire.Accepted()) > 20 }, 30*time.Second, 20*time.Millisecond)
		require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		require.Error(t, cmd.Wait())
		require.Equal(t, 3, cmd.ProcessState.ExitCode(), said.String())
		require.Contains(t, said.String(), "ends after this page")
		require.Contains(t, said.String(), "--resume goes on from cursor.json")
		require.FileExists(t, w.dir+"/cursor.json")
		require.Less(t, len(w.wire.Accepted()), len(ids))

		require.Equal(t, 2, w.run(t, args...).Code, "not over the cursor that is there")
		r := w.run(t, append(args, "--resume")...)
		require.Zero(t, r.Code, r.Stderr)
		counts := w.wire.EventIDs()
		require.Len(t, counts, len(ids))
		require.Len(t, w.wire.Accepted(), len(ids), "it ended at a page's end, so nothing comes twice")
		require.NoFileExists(t, w.dir+"/cursor.json")
		r = w.run(t, append(args, "--resume")...)
		require.Equal(t, 2, r.Code, "a replay that has ended does not begin again")
		require.Contains(t, r.Stderr, "there is no cursor in cursor.json: the replay has ended, or was never begun")
		require.Len(t, w.wire.Accepted(), len(ids))
		var audit auditResult
		w.json(t, 0, &audit, "audit", "--from", "1h", "--lag", "0s")
		require.Equal(t, len(ids), audit.Accepted, "what goes to the relay's own bus is in its journal")
	})
}
