package outbox_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

var at = time.Date(2026, 11, 24, 12, 0, 0, 123_000_000, time.UTC)

func newWriter(t testing.TB, optFns ...func(*outbox.Options)) *outbox.Writer {
	t.Helper()
	w, err := outbox.NewWriter("event-store", append([]func(*outbox.Options){func(o *outbox.Options) {
		o.Source, o.Region = "userService", "eu-west-1"
	}}, optFns...)...)
	require.NoError(t, err)
	return w
}

func event(t testing.TB, id string, payload any, optFns ...func(*envelope.Headers)) envelope.CustomEvent {
	t.Helper()
	ev, err := envelope.New(t.Context(), "User.Created", payload, append([]func(*envelope.Headers){func(h *envelope.Headers) {
		h.EventID, h.Timestamp = id, at
	}}, optFns...)...)
	require.NoError(t, err)
	return ev
}

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func n(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }
func m(kv map[string]types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberM{Value: kv}
}

// signup is a transaction as a user of the library has it before Append.
func signup(id string) *dynamodb.TransactWriteItemsInput {
	return &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{
		TableName:           aws.String("users"),
		Item:                map[string]types.AttributeValue{"userId": s(id), "email": s(id + "@example.com")},
		ConditionExpression: aws.String("attribute_not_exists(userId)"),
	}}}}
}

// copyOf returns an equal transaction that shares nothing with in.
func copyOf(t testing.TB, in *dynamodb.TransactWriteItemsInput) *dynamodb.TransactWriteItemsInput {
	t.Helper()
	out := *in
	out.TransactItems = slices.Clone(in.TransactItems)
	for i, item := range out.TransactItems {
		if item.Put != nil {
			put := *item.Put
			put.Item = map[string]types.AttributeValue{}
			for k, v := range item.Put.Item {
				put.Item[k] = v
			}
			out.TransactItems[i].Put = &put
		}
	}
	return &out
}

func TestAppendAddsTheItemOfTheContract(t *testing.T) {
	in := signup("u1")
	ev := event(t, "e1", map[string]any{"userId": "u1", "age": 41.50, "tags": []string{"a"}, "ok": true, "none": nil})
	require.NoError(t, newWriter(t).Append(in, ev))

	require.Len(t, in.TransactItems, 2)
	put := in.TransactItems[1].Put
	require.Equal(t, "event-store", *put.TableName)
	require.Equal(t, "attribute_not_exists(pk)", *put.ConditionExpression)
	require.Equal(t, types.ReturnValuesOnConditionCheckFailureAllOld, put.ReturnValuesOnConditionCheckFailure)
	require.Equal(t, map[string]types.AttributeValue{
		"pk": s("e1"),
		"sk": n("1795521600123"),
		"event": m(map[string]types.AttributeValue{
			"headers": m(map[string]types.AttributeValue{
				"eventId": s("e1"), "correlationId": s("e1"), "eventName": s("User.Created"), "createdBy": s("userService"),
				"source": s("userService"), "region": s("eu-west-1"), "timestamp": n("1795521600123"),
			}),
			"payload": m(map[string]types.AttributeValue{
				"userId": s("u1"), "age": n("41.5"), "ok": &types.AttributeValueMemberBOOL{Value: true},
				"tags": &types.AttributeValueMemberL{Value: []types.AttributeValue{s("a")}},
				"none": &types.AttributeValueMemberNULL{Value: true},
			}),
		}),
	}, put.Item)
}

func TestAppendKeepsWhatTheEventSays(t *testing.T) {
	in := signup("u1")
	ev := event(t, "e1", 1, func(h *envelope.Headers) {
		h.Source, h.Region, h.CreatedBy, h.CorrelationID = "other", "us-east-1", "alice", "c1"
		h.SetExtension("tenantId", "acme")
	})
	require.NoError(t, newWriter(t).Append(in, ev))
	headers := in.TransactItems[1].Put.Item["event"].(*types.AttributeValueMemberM).Value["headers"].(*types.AttributeValueMemberM).Value
	require.Equal(t, s("other"), headers["source"])
	require.Equal(t, s("us-east-1"), headers["region"])
	require.Equal(t, s("alice"), headers["createdBy"])
	require.Equal(t, s("c1"), headers["correlationId"])
	require.Equal(t, s("acme"), headers["tenantId"])

	in = signup("u1")
	require.NoError(t, newWriter(t, func(o *outbox.Options) { o.Region = "" }).Append(in, event(t, "e1", 1)))
	headers = in.TransactItems[1].Put.Item["event"].(*types.AttributeValueMemberM).Value["headers"].(*types.AttributeValueMemberM).Value
	require.Equal(t, s(""), headers["region"], "one of the seven that are always there")
}

func TestAppendIsAllOrNothing(t *testing.T) {
	good := event(t, "good", 1)
	cases := map[string]struct {
		bad  envelope.CustomEvent
		path string
	}{
		"no id":         {envelope.CustomEvent{Headers: envelope.Headers{EventName: "E", Timestamp: at}, Payload: json.RawMessage("1")}, "headers.eventId"},
		"zero time":     {envelope.CustomEvent{Headers: envelope.Headers{EventID: "bad", EventName: "E"}, Payload: json.RawMessage("1")}, "headers.timestamp"},
		"no payload":    {func() envelope.CustomEvent { ev := event(t, "bad", 1); ev.Payload = nil; return ev }(), "payload"},
		"duplicate key": {event(t, "bad", json.RawMessage(`{"a":{"b":1,"b":2}}`)), "payload.a.b"},
		"39 digits":     {event(t, "bad", json.RawMessage(`[0,{"x":1.23456789012345678901234567890123456789}]`)), "payload[1].x"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			in := signup("u1")
			in.TransactItems = slices.Grow(in.TransactItems, 8) // spare room in which a half-done append would show
			want := copyOf(t, in)
			err := newWriter(t).Append(in, good, c.bad, event(t, "also good", 1))
			var e *outbox.PreflightError
			require.ErrorAs(t, err, &e)
			require.Equal(t, 2, e.Index)
			require.Equal(t, "event-store", e.Table)
			require.Equal(t, c.bad.Headers.EventID, e.EventID)
			require.Equal(t, c.bad.Headers.EventName, e.EventName)
			require.Equal(t, c.path, e.Path)
			require.Contains(t, err.Error(), c.path)
			require.Contains(t, err.Error(), "TransactItems[2]")
			require.Equal(t, want, in)
			require.Equal(t, types.TransactWriteItem{}, in.TransactItems[:2][1])
		})
	}
}

func TestAppendTwiceGivesEqualTransactions(t *testing.T) {
	w := newWriter(t, func(o *outbox.Options) { o.TTL = 48 * time.Hour })
	evs := []envelope.CustomEvent{
		event(t, "e1", map[string]any{"z": 1, "a": []any{1.5, "x"}, "m": map[string]any{"k": nil}}),
		event(t, "e2", "text", func(h *envelope.Headers) { h.SetExtension("b", 1); h.SetExtension("a", "2") }),
	}
	a, b := signup("u1"), signup("u1")
	require.NoError(t, w.Append(a, evs...))
	require.NoError(t, w.Append(b, evs...))
	require.Equal(t, a, b)
	items, err := w.Items(evs...)
	require.NoError(t, err)
	require.Equal(t, a.TransactItems[1:], items)
	put, err := w.PutItem(evs[0])
	require.NoError(t, err)
	require.Equal(t, a.TransactItems[1].Put.Item, put.Item)
	require.Equal(t, a.TransactItems[1].Put.ConditionExpression, put.ConditionExpression)
}

// A caller may change a transaction or the event: no other transaction has a value
// of it.
func TestAppendSharesNoMemory(t *testing.T) {
	w := newWriter(t)
	ev := event(t, "e1", map[string]any{"text": "before", "list": []any{1, true, nil, map[string]any{}}})
	a, b := signup("u1"), signup("u1")
	require.NoError(t, w.Append(a, ev))
	require.NoError(t, w.Append(b, ev))
	seen := map[types.AttributeValue]bool{}
	var walk func(v types.AttributeValue)
	walk = func(v types.AttributeValue) {
		require.False(t, seen[v], "%T is shared", v)
		seen[v] = true
		switch v := v.(type) {
		case *types.AttributeValueMemberM:
			for _, v := range v.Value {
				walk(v)
			}
		case *types.AttributeValueMemberL:
			for _, v := range v.Value {
				walk(v)
			}
		}
	}
	for _, in := range []*dynamodb.TransactWriteItemsInput{a, b} {
		walk(m(in.TransactItems[1].Put.Item))
	}
	copy(ev.Payload, strings.Repeat(" ", len(ev.Payload)))
	*a.TransactItems[1].Put.TableName = "changed"
	*a.TransactItems[1].Put.ConditionExpression = "changed"

	put := b.TransactItems[1].Put
	require.Equal(t, "event-store", *put.TableName)
	require.Equal(t, "attribute_not_exists(pk)", *put.ConditionExpression)
	payload := put.Item["event"].(*types.AttributeValueMemberM).Value["payload"]
	require.Equal(t, s("before"), payload.(*types.AttributeValueMemberM).Value["text"])
}

func TestAppendTTL(t *testing.T) {
	w := newWriter(t, func(o *outbox.Options) { o.TTL = 24*time.Hour + time.Millisecond; o.Layout.TTL = "expires" })
	in := signup("u1")
	require.NoError(t, w.Append(in, event(t, "e1", 1)))
	require.Equal(t, n("1795608001"), in.TransactItems[1].Put.Item["expires"], "whole seconds, rounded up")
}

func TestAppendPayloadAsText(t *testing.T) {
	w := newWriter(t, func(o *outbox.Options) { o.PayloadAsText = true })
	in := signup("u1")
	text := `{"":1.00,"big":0.123456789012345678901234567890123456789012345}`
	require.NoError(t, w.Append(in, event(t, "e1", json.RawMessage(text))))
	payload := in.TransactItems[1].Put.Item["event"].(*types.AttributeValueMemberM).Value["payload"]
	require.Equal(t, s(text), payload)
}

func TestAppendSingleTable(t *testing.T) {
	w := newWriter(t, func(o *outbox.Options) {
		o.Layout = envelope.Layout{
			PK: "PK", SK: "SK", Event: "Event", Marker: "_type",
			Keys:       func(ev envelope.CustomEvent) (string, string) { return "EVENT#" + ev.Headers.EventID, "EVENT" },
			Attributes: map[string]string{"GSI1PK": "EVENTS"},
		}
	})
	in := signup("u1")
	require.NoError(t, w.Append(in, event(t, "e1", 1)))
	put := in.TransactItems[1].Put
	require.Equal(t, s("EVENT#e1"), put.Item["PK"])
	require.Equal(t, s("EVENT"), put.Item["SK"])
	require.Equal(t, s("EVENTS"), put.Item["GSI1PK"])
	require.Equal(t, s(envelope.MarkerValue), put.Item["_type"])
	require.Equal(t, "attribute_not_exists(#pk)", *put.ConditionExpression)
	require.Equal(t, map[string]string{"#pk": "PK"}, put.ExpressionAttributeNames)
}

func TestAppendAggregateLayout(t *testing.T) {
	w := newWriter(t, func(o *outbox.Options) { o.Layout = envelope.AggregateLayout() })
	in := signup("u1")
	require.NoError(t, w.Append(in, event(t, "e1", 1, func(h *envelope.Headers) { h.AggregateID, h.Sequence = "user-1", 7 })))
	require.Equal(t, s("user-1"), in.TransactItems[1].Put.Item["pk"])
	require.Equal(t, n("7"), in.TransactItems[1].Put.Item["sk"])

	err := w.Append(in, event(t, "e2", 1))
	require.ErrorContains(t, err, "headers.aggregateId")
}

func TestAppendEventSizeOnTheBus(t *testing.T) {
	w := newWriter(t, func(o *outbox.Options) { o.MaxEntryBytes = 1000; o.PayloadAsText = true })
	fits := 0
	for size := 1000; size > 0; size-- {
		if w.Append(signup("u1"), event(t, "e1", strings.Repeat("x", size))) == nil {
			fits = size
			break
		}
	}
	require.Positive(t, fits)
	err := w.Append(signup("u1"), event(t, "e1", strings.Repeat("x", fits+1)))
	var e *outbox.PreflightError
	require.ErrorAs(t, err, &e)
	require.Equal(t, outbox.RuleEntrySize, e.Rule)
	require.Equal(t, 1001, e.Actual)
	require.Equal(t, 1000, e.Allowed)

	// the same by hand: 14 for the time, source, detail-type, detail
	detail, err := json.Marshal(event(t, "e1", strings.Repeat("x", fits), func(h *envelope.Headers) {
		h.Source, h.Region, h.CreatedBy = "userService", "eu-west-1", "userService"
	}))
	require.NoError(t, err)
	require.Equal(t, 1000, 14+len("userService")+len("User.Created")+len(detail))
}

func TestNewWriterRefuses(t *testing.T) {
	cases := map[string]struct {
		table string
		set   func(*outbox.Options)
		names string
	}{
		"no table":           {"", nil, "table"},
		"short table":        {"ab", nil, "table"},
		"table with slash":   {"a/b/c", nil, "table"},
		"ARN of a queue":     {"arn:aws:sqs:eu-west-1:123456789012:queue", nil, "table"},
		"ARN of no table":    {"arn:aws:dynamodb:eu-west-1:123456789012:global-table/events", nil, "table"},
		"ARN of a stream":    {"arn:aws:dynamodb:eu-west-1:123456789012:table/events/stream/2026-11-24T12:00:00.000", nil, "table"},
		"ARN of an index":    {"arn:aws:dynamodb:eu-west-1:123456789012:table/events/index/byTime", nil, "table"},
		"ARN without name":   {"arn:aws:dynamodb:eu-west-1:123456789012:table/", nil, "table"},
		"ARN of Glue":        {"arn:aws:glue:eu-west-1:123456789012:table/events", nil, "table"},
		"long table":         {strings.Repeat("t", 256), nil, "table"},
		"name not UTF-8":     {"events", func(o *outbox.Options) { o.Layout.Event = "e\xff" }, "UTF-8"},
		"constant not UTF-8": {"events", func(o *outbox.Options) { o.Layout.Attributes = map[string]string{"kind": "\xff"} }, "UTF-8"},
		"source of AWS":      {"events", func(o *outbox.Options) { o.Source = "aws.s3" }, "Source"},
		"long source":        {"events", func(o *outbox.Options) { o.Source = strings.Repeat("s", 257) }, "Source"},
		"TTL under a day":    {"events", func(o *outbox.Options) { o.TTL = outbox.MinTTL - 1 }, "TTL"},
		"negative TTL":       {"events", func(o *outbox.Options) { o.TTL = -1 }, "TTL"},
		"layout":             {"events", func(o *outbox.Options) { o.Layout.PK = "sk" }, "Layout"},
		"order without keys": {"events", func(o *outbox.Options) { o.Layout.Ordered = true }, "Ordered"},
		"negative size":      {"events", func(o *outbox.Options) { o.MaxEntryBytes = -1 }, "MaxEntryBytes"},
		"more than the bus":  {"events", func(o *outbox.Options) { o.MaxEntryBytes = 1_000_001 }, "MaxEntryBytes"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w, err := outbox.NewWriter(c.table, c.set)
			require.Nil(t, w)
			require.ErrorContains(t, err, c.names)
			require.Regexp(t, "^outbox: ", err.Error())
		})
	}
	for _, table := range []string{
		"abc", strings.Repeat("t", 255), "arn:aws:dynamodb:eu-west-1:123456789012:table/events",
		"arn:aws-us-gov:dynamodb:us-gov-west-1:123456789012:table/Event.Store_1-x", "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/events",
	} {
		_, err := outbox.NewWriter(table, func(o *outbox.Options) { o.TTL = outbox.MinTTL })
		require.NoError(t, err)
	}
}

func TestWriterIsSafeForConcurrentUse(t *testing.T) {
	w := newWriter(t, func(o *outbox.Options) {
		o.Layout.Marker, o.Layout.PK, o.Layout.Attributes = "m", "PK", map[string]string{"a": "b"}
	})
	ev := event(t, "e1", map[string]any{"a": []any{1, "x", nil, true}})
	broken := event(t, "e2", json.RawMessage(`{"a":[{"b":"x"},{"c":1,"c":2}]}`))
	want := signup("u1")
	require.NoError(t, w.Append(want, ev))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				in := signup("u1")
				if w.Append(in, broken) == nil {
					t.Error("not refused")
				}
				if err := w.Append(in, ev); err != nil {
					t.Error(err)
				}
				if len(in.TransactItems) != 2 {
					t.Error("not appended")
				}
			}
		})
	}
	wg.Wait()
	in := signup("u1")
	require.NoError(t, w.Append(in, ev))
	require.Equal(t, want, in)
}
