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

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/faketable"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// What is wrong with a table is found before anything is put into it.
func TestATableThatCannotBe(t *testing.T) {
	client := dynamodb.New(dynamodb.Options{})
	for _, tt := range []struct {
		name string
		sink *deadletter.Table
		want string
	}{
		{"no client", deadletter.New(nil, "dead"), "dynamodb client is nil"},
		{"a typed nil client", deadletter.New((*dynamodb.Client)(nil), "dead"), "dynamodb client is nil"},
		{"no table", deadletter.New(client, ""), "table name is empty"},
		{"TTL", deadletter.New(client, "dead", func(o *deadletter.Options) { o.TTL = 7 }), "TTL"},
		{"a negative TTL", deadletter.New(client, "dead", func(o *deadletter.Options) { o.TTL = -time.Hour }), "TTL"},
		{"names", deadletter.New(client, "dead", func(o *deadletter.Options) { o.PK = "eventId" }), `two attributes are named "eventId"`},
		{"the name of the time to live", deadletter.New(client, "dead", func(o *deadletter.Options) { o.TTLAttribute = "sk" }), `two attributes are named "sk"`},
		{"equal keys", deadletter.New(client, "dead", func(o *deadletter.Options) { o.PK, o.SK = "k", "k" }), `two attributes are named "k"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := relay.NewHandler(relay.NewEventBridge(&relaytest.Bus{}, "orders"), tt.sink)
			require.Nil(t, h)
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, tt.sink.Put(t.Context(), relay.DeadLetter{}), tt.want)
		})
	}
	_, err := relay.NewHandler(relay.NewEventBridge(&relaytest.Bus{}, "orders"), (*deadletter.Table)(nil))
	require.ErrorContains(t, err, "sink is nil")
}

func TestTableItem(t *testing.T) {
	db := &faketable.Tables{}
	sink := deadletter.New(db, "dead", func(o *deadletter.Options) { o.TTL = 30 * 24 * time.Hour })
	bus := &relaytest.Bus{Script: relaytest.RefuseEvents("MalformedDetail", "event-2")}
	second := storedEvent{record: storedEvent{n: 2}.inserted()} // made now, so its age explains nothing
	before := time.Now().Truncate(time.Millisecond)
	_, err := letterHandler(t, bus, sink).Invoke(t.Context(), relaytest.StreamEvent(records(storedEvent{n: 1}, second)...))
	require.NoError(t, err)
	items := db.Items("dead")
	require.Len(t, items, 1)
	got := map[string]string{}
	for name := range items[0] {
		got[name] = faketable.Text(items[0][name])
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
		"eventId": "event-2", "code": "MalformedDetail", "message": "refused by relaytest.Bus: MalformedDetail", "attempts": "1",
		"record": second.record,
	}, got)
}

func TestTableIsIdempotent(t *testing.T) {
	db := &faketable.Tables{}
	sink := deadletter.New(db, "dead")
	for _, l := range []relay.DeadLetter{
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
	require.Len(t, db.Items("dead"), 5)
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
			db := &faketable.Tables{}
			h := letterHandler(t, &relaytest.Bus{}, deadletter.New(db, "dead"), func(o *relay.Options) { o.Memory = -1 })
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
				_, err := h.Invoke(t.Context(), relaytest.StreamEvent(records(events...)...))
				require.NoError(t, err)
			}
			require.Len(t, db.Items("dead"), 2)
		})
	}
}

// Whatever a record is like, the item fits and says who it was.
func TestTableNeverRefusesForSize(t *testing.T) {
	big := strings.Repeat("x", 500_000)
	uni := strings.Repeat("😀", 200_000)
	for _, tt := range []struct {
		name   string
		letter relay.DeadLetter
		whole  bool
	}{
		{"small", relay.DeadLetter{Record: []byte(`{"a":1}`)}, true},
		{"a record of 390 KB", relay.DeadLetter{Record: []byte(big[:390_000])}, true},
		{"a record of 500 KB", relay.DeadLetter{Record: []byte(big)}, false},
		{"a record of four-byte characters", relay.DeadLetter{Record: []byte("x" + uni)}, false},
		{"a record of 6 MB that is not UTF-8", relay.DeadLetter{Record: bytes.Repeat([]byte{0xff}, 6<<20)}, false},
		{"everything large", relay.DeadLetter{
			EventID: big, Headers: []byte(big), Keys: []byte(big), Bus: big, Code: big, Message: uni,
			StreamARN: "arn:aws:dynamodb:eu-west-1:1:table/" + big + "/stream/x", SequenceNumber: strings.Repeat("7", 100_000), Record: []byte(uni),
		}, false},
		{"large headers and keys that fit", relay.DeadLetter{Headers: []byte(big[:64*1024]), Keys: []byte(big[:32*1024]), Record: []byte(big)}, false},
		{"strings that are not UTF-8", relay.DeadLetter{EventID: "\xff", Message: "\xff\xfe", StreamARN: "\xff", Record: []byte("\xff")}, true},
		{"nothing", relay.DeadLetter{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := &faketable.Tables{}
			sink := deadletter.New(db, "dead", func(o *deadletter.Options) { o.TTL = time.Hour })
			tt.letter.Time = time.Now()
			require.NoError(t, sink.Put(t.Context(), tt.letter))
			item := db.Items("dead")[0]
			require.Equal(t, !tt.whole, faketable.Text(item["recordTruncated"]) == "true")
			if tt.whole {
				require.Equal(t, string(tt.letter.Record), faketable.Text(item["record"]))
			} else {
				size, err := itemsize.Measure(item)
				require.NoError(t, err)
				require.Greater(t, size, 380_000, "as far as it fits")
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
	sink := deadletter.New(&faketable.Tables{}, "dead", func(o *deadletter.Options) { o.PK = "other" }) // the fake's key is pk
	err := sink.Put(t.Context(), relay.DeadLetter{EventID: "event-2"})
	require.ErrorContains(t, err, `put dead letter of event "event-2" into table dead: `)
}
