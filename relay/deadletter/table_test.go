package deadletter_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

func av(item map[string]types.AttributeValue, name string) string {
	switch v := item[name].(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return string(v.Value)
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	default:
		return ""
	}
}

// What is wrong with a table is found before anything is put into it.
func TestATableThatCannotBe(t *testing.T) {
	client := dynamodb.New(dynamodb.Options{})
	for _, tt := range []struct {
		name string
		sink *tableSink
		want string
	}{
		{"no client", newTableSink(nil, "dead"), "dynamodb client is nil"},
		{"a typed nil client", newTableSink((*dynamodb.Client)(nil), "dead"), "dynamodb client is nil"},
		{"no table", newTableSink(client, ""), "table name is empty"},
		{"TTL", newTableSink(client, "dead", func(o *tableSinkOptions) { o.TTL = 7 }), "TTL"},
		{"a negative TTL", newTableSink(client, "dead", func(o *tableSinkOptions) { o.TTL = -time.Hour }), "TTL"},
		{"names", newTableSink(client, "dead", func(o *tableSinkOptions) { o.PK = "eventId" }), `two attributes are named "eventId"`},
		{"equal keys", newTableSink(client, "dead", func(o *tableSinkOptions) { o.PK, o.SK = "k", "k" }), `two attributes are named "k"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := relay.NewHandler(&letterBus{}, tt.sink)
			require.Nil(t, h)
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, tt.sink.Put(t.Context(), tableLetter{}), tt.want)
		})
	}
	_, err := relay.NewHandler(&letterBus{}, (*tableSink)(nil))
	require.ErrorContains(t, err, "sink is nil")
}

func TestTableItem(t *testing.T) {
	db := &fakeTable{}
	sink := newTableSink(db, "dead", func(o *tableSinkOptions) { o.TTL = 30 * 24 * time.Hour })
	bus := &letterBus{says: refuses(relay.Result{Class: relay.EventFault, Code: "MalformedDetail", Message: "why"}, "event-2")}
	second := storedEvent{record: storedEvent{n: 2}.inserted()} // made now, so its age explains nothing
	before := time.Now().Truncate(time.Millisecond)
	_, err := letterHandler(t, bus, sink).Invoke(t.Context(), delivery(storedEvent{n: 1}, second))
	require.NoError(t, err)
	items := db.items("dead")
	require.Len(t, items, 1)
	got := map[string]string{}
	for name := range items[0] {
		got[name] = av(items[0], name)
	}
	var deadAt, ttl int64
	_, err = fmt.Sscan(got["deadAt"]+" "+got["ttl"], &deadAt, &ttl)
	require.NoError(t, err)
	require.WithinRange(t, time.UnixMilli(deadAt), before, time.Now())
	require.Equal(t, time.UnixMilli(deadAt).Add(30*24*time.Hour).Unix(), ttl, "epoch seconds")
	delete(got, "deadAt")
	delete(got, "ttl")
	require.Contains(t, got["headers"], `"eventId":"event-2"`)
	delete(got, "headers")
	require.Equal(t, map[string]string{
		"pk": storeARN, "sk": strings.Repeat("0", 39) + "2#b4e3d14e", "streamArn": storeARN, "sequenceNumber": "2",
		"table": "event-store", "keys": `{"pk":{"S":"event-2"},"sk":{"N":"2"}}`,
		"eventId": "event-2", "code": "MalformedDetail", "message": "why", "attempts": "1",
		"record": second.record,
	}, got)
}

func TestTableIsIdempotent(t *testing.T) {
	db := &fakeTable{}
	sink := newTableSink(db, "dead")
	for _, l := range []tableLetter{
		{StreamARN: storeARN, SequenceNumber: "2", Record: []byte("a")},
		{StreamARN: storeARN, SequenceNumber: "0002", Record: []byte("a"), Code: "again"},
		{StreamARN: storeARN, SequenceNumber: "3"},
		{StreamARN: storeARN + "x", SequenceNumber: "2"},
		{Record: []byte("no number")},
		{Record: []byte("no number")},
		{Record: []byte("no number either")},
	} {
		require.NoError(t, sink.Put(t.Context(), l))
	}
	require.Len(t, db.items("dead"), 5)
}

// No letter replaces that of another event, also where a sequence number or the
// stream's ARN is no help.
func TestTableReplacesNoOther(t *testing.T) {
	for name, change := range map[string][2]string{
		"a number twice": {},
		"no ARN":         {`,"eventSourceARN":"` + storeARN + `"`, ""},
		"no event id":    {`"eventId"`, `"eventID"`},
		"no number":      {`"SequenceNumber"`, `"sequenceNumber"`},
	} {
		t.Run(name, func(t *testing.T) {
			db := &fakeTable{}
			h := letterHandler(t, &letterBus{}, newTableSink(db, "dead"), func(o *relay.Options) { o.Memory = -1 })
			var events []storedEvent
			for n := range 2 {
				record := storedEvent{n: n + 1, payload: `{"S":"{"}`}.inserted()
				record = strings.Replace(record, fmt.Sprintf(`"SequenceNumber":"%d"`, n+1), `"SequenceNumber":"5"`, 1)
				if change[0] != "" {
					require.Contains(t, record, change[0])
					record = strings.ReplaceAll(record, change[0], change[1])
				}
				events = append(events, storedEvent{record: record})
			}
			for range 2 {
				_, err := h.Invoke(t.Context(), delivery(events...))
				require.NoError(t, err)
			}
			require.Len(t, db.items("dead"), 2)
		})
	}
}

// Whatever a record is like, the item fits and says who it was.
func TestTableNeverRefusesForSize(t *testing.T) {
	big := strings.Repeat("x", 500_000)
	uni := strings.Repeat("😀", 200_000)
	for _, tt := range []struct {
		name   string
		letter tableLetter
		whole  bool
	}{
		{"small", tableLetter{Record: []byte(`{"a":1}`)}, true},
		{"a record of 390 KB", tableLetter{Record: []byte(big[:390_000])}, true},
		{"a record of 500 KB", tableLetter{Record: []byte(big)}, false},
		{"a record of four-byte characters", tableLetter{Record: []byte("x" + uni)}, false},
		{"a record of 6 MB that is not UTF-8", tableLetter{Record: bytes.Repeat([]byte{0xff}, 6<<20)}, false},
		{"everything large", tableLetter{
			EventID: big, Headers: []byte(big), Keys: []byte(big), Bus: big, Code: big, Message: uni,
			StreamARN: "arn:aws:dynamodb:eu-west-1:1:table/" + big + "/stream/x", SequenceNumber: strings.Repeat("7", 100_000), Record: []byte(uni),
		}, false},
		{"large headers and keys that fit", tableLetter{Headers: []byte(big[:64*1024]), Keys: []byte(big[:32*1024]), Record: []byte(big)}, false},
		{"strings that are not UTF-8", tableLetter{EventID: "\xff", Message: "\xff\xfe", StreamARN: "\xff", Record: []byte("\xff")}, true},
		{"nothing", tableLetter{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := &fakeTable{}
			sink := newTableSink(db, "dead", func(o *tableSinkOptions) { o.TTL = time.Hour })
			tt.letter.Time = time.Now()
			require.NoError(t, sink.Put(t.Context(), tt.letter))
			item := db.items("dead")[0]
			require.Equal(t, !tt.whole, av(item, "recordTruncated") == "true")
			if tt.whole {
				require.Equal(t, string(tt.letter.Record), av(item, "record"))
			} else {
				require.Greater(t, itemSize(item), 380_000, "as far as it fits")
			}
			for name, v := range item {
				if s, ok := v.(*types.AttributeValueMemberS); ok {
					require.True(t, utf8.ValidString(s.Value), name)
				}
			}
		})
	}
}

func TestATableThatCannotBeWrittenTo(t *testing.T) {
	sink := newTableSink(&fakeTable{}, "dead", func(o *tableSinkOptions) { o.PK = "other" }) // the fake's key is pk
	err := sink.Put(t.Context(), tableLetter{EventID: "event-2"})
	require.ErrorContains(t, err, `put dead letter of event "event-2" into table dead: `)
}

// A letter names the event store's table where the stream's ARN does.
func TestTableOfALetter(t *testing.T) {
	for arn, want := range map[string]string{
		storeARN: "event-store",
		"arn:aws:dynamodb:ddblocal:000000000000:table/a.b-c_d/stream/2026": "a.b-c_d",
		"arn:aws:dynamodb:eu-west-1:1:table/x":                             "",
		"":                                                                 "",
	} {
		db := &fakeTable{}
		require.NoError(t, newTableSink(db, "dead").Put(t.Context(), tableLetter{StreamARN: arn}))
		require.Equal(t, want, av(db.items("dead")[0], "table"))
	}
}
