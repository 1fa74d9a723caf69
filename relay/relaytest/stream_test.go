package relaytest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// newEvent is an event with everything that a payload can hold.
func newEvent(t testing.TB, payload string, optFns ...func(*envelope.Headers)) envelope.CustomEvent {
	t.Helper()
	ev, err := envelope.New(t.Context(), "Order.Placed", json.RawMessage(payload), optFns...)
	require.NoError(t, err)
	return ev
}

// newEvents are n events, order-0 and so on.
func newEvents(t testing.TB, n int) []envelope.CustomEvent {
	t.Helper()
	events := make([]envelope.CustomEvent, n)
	for i := range events {
		events[i] = newEvent(t, fmt.Sprintf(`{"order":%d}`, i), func(h *envelope.Headers) { h.EventID = fmt.Sprint("order-", i) })
	}
	return events
}

// The item in a record is the one that a writer writes, in every layout.
func TestAnItemIsTheWriters(t *testing.T) {
	texts := envelope.AggregateLayout()
	texts.NumericSK, texts.PK, texts.SK, texts.Event, texts.Marker = false, "aggregate", "position", "body", "kind"
	texts.Attributes = map[string]string{"entity": "event"}
	texts.AttributesOf = func(ev envelope.CustomEvent) map[string]string {
		return map[string]string{"index": ev.Headers.EventName, "empty": ""}
	}
	for _, payload := range []string{
		`null`, `true`, `"text"`, `-0.10`, `[]`, `{}`, `[1e3,1.50,-1234567890123456789,0.000001]`,
		`{"a":{"b":[{"c":null}]},"quote":"\" \\ \u2028 é 😀 <&>"}`,
	} {
		for name, layout := range map[string]envelope.Layout{"zero": {}, "aggregate": envelope.AggregateLayout(), "other names": texts} {
			t.Run(name+" "+payload, func(t *testing.T) {
				ev := newEvent(t, payload, func(h *envelope.Headers) {
					h.Source, h.Region, h.CreatedBy = "orderService", "eu-west-1", "anna"
					h.AggregateID, h.Sequence, h.TraceParent = "order-7", 3, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
					h.SetExtension("tenant", map[string]any{"id": 5})
				})
				item, err := eventitem.Encode(ev, layout, eventitem.Map, 0)
				require.NoError(t, err)
				stream := relaytest.Stream{Layout: layout}
				var r struct {
					Dynamodb struct{ Keys, NewImage json.RawMessage }
				}
				require.NoError(t, json.Unmarshal(stream.Insert(ev)[0], &r))
				image, err := attributevalue.UnmarshalMapJSON(r.Dynamodb.NewImage)
				require.NoError(t, err)
				require.Equal(t, item.Attrs, image)
				keys, err := attributevalue.UnmarshalMapJSON(r.Dynamodb.Keys)
				require.NoError(t, err)
				l := layout.WithDefaults()
				require.Len(t, keys, 2)
				require.Equal(t, item.Attrs[l.PK], keys[l.PK])
				require.Equal(t, item.Attrs[l.SK], keys[l.SK])
			})
		}
	}
}

// A record of each kind, as AWS shows them.
func TestTheShapeOfRecords(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ev := newEvent(t, `{"total":42}`, func(h *envelope.Headers) { h.EventID, h.CorrelationID = "event-1", "process-1" })
		const item = `{"event":{"M":{"headers":{"M":{"correlationId":{"S":"process-1"},"createdBy":{"S":"testService"},"eventId":{"S":"event-1"},` +
			`"eventName":{"S":"Order.Placed"},"region":{"S":"us-east-1"},"source":{"S":"testService"},"timestamp":{"N":"946684800000"}}},` +
			`"payload":{"M":{"total":{"N":"42"}}}}},"pk":{"S":"event-1"},"sk":{"N":"946684800000"}}`
		const arn = "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/1"
		shape := func(n int, name, rest, images string) string {
			return fmt.Sprintf(`{"eventID":"%032x","eventName":%q,"eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"us-east-1",%s"dynamodb":{`+
				`"ApproximateCreationDateTime":946684800,"Keys":{"pk":{"S":"event-1"},"sk":{"N":"946684800000"}},%s"SequenceNumber":"4%020d",`+
				`"SizeBytes":%d,"StreamViewType":"NEW_AND_OLD_IMAGES"},"eventSourceARN":%q}`, n, name, rest, images, n, len(item), arn)
		}
		s := relaytest.Stream{ARN: arn, View: "NEW_AND_OLD_IMAGES"}
		require.JSONEq(t, shape(1, "INSERT", "", `"NewImage":`+item+`,`), string(s.Insert(ev)[0]))
		require.JSONEq(t, shape(2, "MODIFY", "", `"NewImage":`+item+`,"OldImage":`+item+`,`), string(s.Modify(ev)[0]))
		require.JSONEq(t, shape(3, "REMOVE", "", `"OldImage":`+item+`,`), string(s.Remove(ev)[0]))
		require.JSONEq(t, shape(4, "REMOVE", `"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},`, `"OldImage":`+item+`,`),
			string(s.Expire(ev)[0]))
		require.JSONEq(t, shape(5, "INSERT", "", `"NewImage":`+item+`,`), string(s.InsertItem(json.RawMessage(item))[0]))
	})
}

func TestWhichImagesAViewHas(t *testing.T) {
	for view, want := range map[string]string{"": "n,n,", "NEW_IMAGE": "n,n,", "OLD_IMAGE": ",o,o", "NEW_AND_OLD_IMAGES": "n,no,o", "KEYS_ONLY": ",,"} {
		s := relaytest.Stream{View: view}
		ev := newEvent(t, `1`)
		var got []string
		for _, r := range []json.RawMessage{s.Insert(ev)[0], s.Modify(ev)[0], s.Remove(ev)[0]} {
			images := ""
			if strings.Contains(string(r), `"NewImage"`) {
				images += "n"
			}
			if strings.Contains(string(r), `"OldImage"`) {
				images += "o"
			}
			got = append(got, images)
		}
		require.Equal(t, want, strings.Join(got, ","), view)
	}
}

// What a relay makes of each kind: INSERT is published, and nothing else.
func TestARelayReadsTheRecords(t *testing.T) {
	var s relaytest.Stream
	var bus relaytest.Bus
	var dead relaytest.Sink
	h, err := relay.NewHandler(relay.NewEventBridge(&bus, "orders"), &dead, func(o *relay.Options) { o.Region = "eu-west-1" })
	require.NoError(t, err)
	events := newEvents(t, 6)
	events[5].Headers.Region = "us-east-1"
	records := s.Insert(events[0], events[5])
	records = append(records, s.Modify(events[1])...)
	records = append(records, s.Remove(events[2])...)
	records = append(records, s.Expire(events[3])...)
	records = append(records, relaytest.Replica("eu-central-1", s.Insert(events[4]))...)
	records = append(records, s.InsertItem(json.RawMessage(`{"pk":{"S":"other"},"sk":{"N":"1"}}`))...)
	answer, err := h.Invoke(t.Context(), relaytest.StreamEvent(records...))
	require.NoError(t, err)
	require.JSONEq(t, `{"batchItemFailures":[]}`, string(answer))
	require.Equal(t, []string{"order-0", "order-4"}, eventIDs(bus.Entries()))
	require.Len(t, dead.Letters(), 1, "the item that is no event")
}

func eventIDs(entries []relaytest.Entry) (ids []string) {
	for _, e := range entries {
		ids = append(ids, e.EventID)
	}
	return ids
}

// A test that cannot be right is told so at once.
func TestWhatAStreamCannotUse(t *testing.T) {
	var s relaytest.Stream
	require.PanicsWithValue(t, "relaytest: envelope: headers.eventId: missing", func() { s.Insert(envelope.CustomEvent{}) })
	require.Panics(t, func() { s.InsertItem(json.RawMessage(`[]`)) })
	require.Panics(t, func() { relaytest.Age(time.Hour, []json.RawMessage{json.RawMessage(`{}`)}) })
	require.Panics(t, func() { relaytest.Shuffle(1, []json.RawMessage{json.RawMessage(`{"dynamodb":{}}`)}) })
	require.Panics(t, func() {
		s := relaytest.Stream{Layout: envelope.Layout{PK: "event"}}
		s.Insert(newEvent(t, `1`))
	})
}

// recordOf is what the tests look at in a record.
type recordOf struct {
	AWSRegion, EventSourceARN string
	UserIdentity              any
	Future                    string
	Dynamodb                  struct {
		ApproximateCreationDateTime    int64
		SequenceNumber, StreamViewType string
		Keys                           struct{ PK struct{ S string } }
	}
}

func decoded(t *testing.T, records []json.RawMessage) (out []recordOf) {
	t.Helper()
	for _, raw := range records {
		var r recordOf
		require.NoError(t, json.Unmarshal(raw, &r))
		out = append(out, r)
	}
	return out
}

// order is the orders of the records, and how often each comes; their sequence
// numbers must not fall.
func order(t *testing.T, records []json.RawMessage) (ids []string) {
	t.Helper()
	last := ""
	for _, r := range decoded(t, records) {
		require.LessOrEqual(t, last, r.Dynamodb.SequenceNumber)
		last = r.Dynamodb.SequenceNumber
		ids = append(ids, strings.TrimPrefix(r.Dynamodb.Keys.PK.S, "order-"))
	}
	return ids
}

func TestOtherOrders(t *testing.T) {
	var s relaytest.Stream
	records := s.Insert(newEvents(t, 9)...)
	written := []string{"0", "1", "2", "3", "4", "5", "6", "7", "8"}

	shuffled := order(t, relaytest.Shuffle(1, records))
	require.ElementsMatch(t, written, shuffled)
	require.NotEqual(t, written, shuffled)
	require.Equal(t, shuffled, order(t, relaytest.Shuffle(1, records)), "by the seed")
	require.NotEqual(t, shuffled, order(t, relaytest.Shuffle(2, records)))

	mixed := order(t, relaytest.Interleave(3, records[:3], nil, records[3:6], records[6:]))
	require.ElementsMatch(t, written, mixed)
	require.NotEqual(t, written, mixed)
	for _, list := range [][]string{written[:3], written[3:6], written[6:]} {
		var of []string
		for _, id := range mixed {
			if strings.Contains(strings.Join(list, ""), id) {
				of = append(of, id)
			}
		}
		require.Equal(t, list, of, "each list in its own order")
	}

	twice := order(t, relaytest.Duplicate(1, records))
	require.Greater(t, len(twice), len(records))
	require.Less(t, len(twice), 2*len(records))
	require.Equal(t, []string{"0", "0"}, twice[:2])

	require.Equal(t, written, order(t, records), "the records given are as they were")
	require.Empty(t, relaytest.Shuffle(1, nil))
	require.Empty(t, relaytest.Interleave(1))
}

func TestAgeAndReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := relaytest.Stream{ARN: "arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/1"}
		records := s.Expire(newEvents(t, 1)...)
		records[0] = json.RawMessage(strings.Replace(string(records[0]), "{", `{"future":"kept",`, 1))
		got := decoded(t, relaytest.Age(90*time.Minute, relaytest.Replica("us-east-1", records)))[0]
		require.Equal(t, time.Now().Add(-90*time.Minute).Unix(), got.Dynamodb.ApproximateCreationDateTime)
		require.Equal(t, "us-east-1", got.AWSRegion)
		require.Equal(t, "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/1", got.EventSourceARN)
		require.Equal(t, "NEW_AND_OLD_IMAGES", got.Dynamodb.StreamViewType)
		require.Nil(t, got.UserIdentity)
		require.Equal(t, "kept", got.Future)
		before := decoded(t, records)[0]
		require.Equal(t, time.Now().Unix(), before.Dynamodb.ApproximateCreationDateTime, "the records given are as they were")
		require.NotNil(t, before.UserIdentity)
	})
}
