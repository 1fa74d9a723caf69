package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// howToPublishAgain returns the README's section about it.
func howToPublishAgain(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile("../../../examples/README.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(readme), "### When events have to be published again\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

// again is what the README gives to the relay, with these items in the place of
// its own and with another ending of the stream's ARN.
func again(t *testing.T, ending string, items ...map[string]types.AttributeValue) []byte {
	t.Helper()
	found := regexp.MustCompile("(?s)```json\n(.*?)```").FindStringSubmatch(howToPublishAgain(t))
	require.Len(t, found, 2)
	require.Contains(t, found[1], "stream/again-1")
	text := strings.ReplaceAll(found[1], "stream/again-1", "stream/"+ending)
	if len(items) == 0 {
		return []byte(text)
	}
	var event struct{ Records []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(text), &event))
	require.Len(t, event.Records, 1)
	image, err := attributevalue.MarshalMapJSON(items[0])
	require.NoError(t, err)
	event.Records[0]["dynamodb"].(map[string]any)["NewImage"] = json.RawMessage(image)
	out, err := json.Marshal(event)
	require.NoError(t, err)
	return out
}

// TestPublishAgain: an event is published, and its item in the event store is
// enough to publish it again, through the relay that is up, as often as somebody
// wants to. A consumer with receipts does nothing about it.
func TestPublishAgain(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		p := newPath(t, db, nil, nil)
		client := enginetest.Moto(t).EventBridge(func(o *eventbridge.Options) { o.HTTPClient = p.wire.Client() })
		h, err := relay.NewHandler(relay.NewEventBridge(client, p.bus.Name), relay.Block, func(o *relay.Options) { o.PartialBatchResponse = true })
		require.NoError(t, err)
		poller, err := lambdapoller.New(db.Streams(), p.events.StreamARN, h, func(o *lambdapoller.Options) { o.ReportBatchItemFailures = true })
		require.NoError(t, err)
		publish := func(event []byte) {
			t.Helper()
			answer, err := h.Invoke(t.Context(), event)
			require.NoError(t, err)
			require.Equal(t, `{"batchItemFailures":[]}`, string(answer))
		}
		sent, err := p.signUp(t.Context(), t, "u1")
		require.NoError(t, err)
		id := sent.Headers.EventID
		require.NoError(t, poller.Drain(t.Context()))
		body := *p.bus.Queue.Receive(t, 1)[0].Body
		first, duplicate := p.consume(t.Context(), t, body)
		require.False(t, duplicate)

		out, err := p.db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &p.events.Name, ConsistentRead: aws.Bool(true), Key: keyOf(t, p, db)})
		require.NoError(t, err)
		for _, ending := range []string{"again-1", "again-2"} {
			publish(again(t, ending, out.Item))
			got, duplicate := p.consume(t.Context(), t, *p.bus.Queue.Receive(t, 1)[0].Body)
			require.True(t, duplicate, "the receipt is there")
			require.Equal(t, first.Headers, got.Headers)
			require.JSONEq(t, string(first.Payload), string(got.Payload))
		}
		require.Equal(t, map[string]int{id: 3}, p.wire.EventIDs())
		publish(again(t, "again-2", out.Item))
		require.Equal(t, map[string]int{id: 3}, p.wire.EventIDs(), "under the same ending the relay knows it")

		publish(again(t, "again-1")) // as it is in the README
		readmes, err := envelope.FromSQS([]byte(*p.bus.Queue.Receive(t, 1)[0].Body))
		require.NoError(t, err)
		require.Equal(t, "01M872WT0STBQCYVHK675TM9FS", readmes.Headers.EventID)
		require.Equal(t, "User.Created", readmes.Headers.EventName)
	})
}

// keyOf is the key of the only event in the event store.
func keyOf(t *testing.T, p *path, db *engine.Engine) map[string]types.AttributeValue {
	t.Helper()
	items := p.events.Items(t, db)
	require.Len(t, items, 1)
	return map[string]types.AttributeValue{"pk": items[0]["pk"], "sk": items[0]["sk"]}
}

// TestPublishManyAgain makes the records as the README does, with jq.
func TestPublishManyAgain(t *testing.T) {
	t.Parallel()
	needJQ(t)
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		p := newPath(t, db, nil, nil)
		var committed []string
		for _, id := range strings.Split("abcdefghijkl", "") {
			ev, err := p.signUp(t.Context(), t, id)
			require.NoError(t, err)
			committed = append(committed, ev.Headers.EventID)
		}
		var items [][]byte
		for _, item := range p.events.Items(t, db) {
			text, err := attributevalue.MarshalMapJSON(item)
			require.NoError(t, err)
			items = append(items, text)
		}
		event := recordsOfReadme(t, append(append([]byte("["), bytes.Join(items, []byte(","))...), ']'))
		var made struct {
			Records []struct {
				EventSourceARN string
				DynamoDB       struct{ SequenceNumber string }
			}
		}
		require.NoError(t, json.Unmarshal(event, &made))
		numbers := map[string]bool{}
		for _, r := range made.Records {
			numbers[r.DynamoDB.SequenceNumber] = true
			require.Regexp(t, `^arn:aws:dynamodb:[^:]+:\d+:table/outbox-event-store/stream/again-\d+$`, r.EventSourceARN)
		}
		require.Len(t, numbers, len(committed))
		h, err := relay.NewHandler(relay.NewEventBridge(enginetest.Moto(t).EventBridge(), p.bus.Name), relay.Block)
		require.NoError(t, err)
		_, err = h.Invoke(t.Context(), event)
		require.NoError(t, err)
		require.ElementsMatch(t, committed, enginetest.EventIDs(t, p.bus.Queue.Drain(t)))
	})
}
