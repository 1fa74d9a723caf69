package relay

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
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

func TestTableSinkItem(t *testing.T) {
	db := &fakeTable{}
	sink := NewDynamoDBDeadLetters(db, "dead", func(o *DynamoDBDeadLettersOptions) { o.TTL = 30 * 24 * time.Hour })
	rec := testRecord{raw: testRecord{sequence: 2}.String()}
	h := newTestHandler(t, &scriptBus{answer: refuse(Result{Class: EventFault, Code: "MalformedDetail", Message: "why"}, "event-2")}, sink)
	_, err := h.Invoke(t.Context(), batch(testRecord{sequence: 1}, rec))
	require.NoError(t, err)
	items := db.items("dead")
	require.Len(t, items, 1)
	got := map[string]string{}
	for name := range items[0] {
		got[name] = withoutTime(av(items[0], name))
	}
	requireYoung(t, got["record"])
	require.NotEmpty(t, got["deadAt"])
	require.NotEmpty(t, got["ttl"])
	require.Len(t, got["ttl"], 10, "epoch seconds")
	delete(got, "deadAt")
	delete(got, "ttl")
	require.Equal(t, map[string]string{
		"pk": testARN, "sk": strings.Repeat("0", 39) + "2#b4e3d14e", "streamArn": testARN, "sequenceNumber": "000000000000000000002",
		"table": "event-store", "keys": `{"pk":{"S":"event-2"},"sk":{"N":"0"}}`,
		"eventId": "event-2", "code": "MalformedDetail", "message": "why", "attempts": "1",
		"headers": `{"eventId":"event-2","eventName":"User.Created","source":"userService","timestamp":0}`,
		"record":  withoutTime(rec.raw),
	}, got)
}

func TestTableSinkIsIdempotent(t *testing.T) {
	db := &fakeTable{}
	sink := NewDynamoDBDeadLetters(db, "dead")
	for _, r := range []DeadRecord{
		{StreamARN: testARN, SequenceNumber: "2", Record: []byte("a")},
		{StreamARN: testARN, SequenceNumber: "0002", Record: []byte("a"), Code: "again"},
		{StreamARN: testARN, SequenceNumber: "3"},
		{StreamARN: testARN + "x", SequenceNumber: "2"},
		{Record: []byte("no number")},
		{Record: []byte("no number")},
		{Record: []byte("no number either")},
	} {
		require.NoError(t, sink.Put(t.Context(), r))
	}
	require.Len(t, db.items("dead"), 5)
}

// Whatever a record is like, the item fits and says who it was.
// No letter replaces that of another event, also where a sequence number or the
// stream's ARN is no help.
func TestTableSinkReplacesNoOther(t *testing.T) {
	for name, change := range map[string]func(string) string{
		"a number twice": func(record string) string { return record },
		"no ARN":         func(record string) string { return strings.Replace(record, `,"eventSourceARN":"`+testARN+`"`, "", 1) },
		"no event id":    func(record string) string { return strings.Replace(record, `"eventId"`, `"eventID"`, 1) },
		"no number":      func(record string) string { return strings.Replace(record, `"SequenceNumber"`, `"sequenceNumber"`, 1) },
	} {
		t.Run(name, func(t *testing.T) {
			db := &fakeTable{}
			h := newTestHandler(t, &scriptBus{}, NewDynamoDBDeadLetters(db, "dead"), func(o *Options) { o.Memory = -1 })
			var records []testRecord
			for _, id := range []string{"A", "B"} {
				records = append(records, testRecord{raw: change(testRecord{seq: "5", id: id, payload: `{"S":"{"}`}.String())})
			}
			for range 2 {
				_, err := h.Invoke(t.Context(), batch(records...))
				require.NoError(t, err)
			}
			require.Len(t, db.items("dead"), 2)
		})
	}
}

func TestTableSinkNeverRefusesForSize(t *testing.T) {
	big := strings.Repeat("x", 500_000)
	uni := strings.Repeat("😀", 200_000)
	for _, tt := range []struct {
		name  string
		rec   DeadRecord
		whole bool
	}{
		{"small", DeadRecord{Record: []byte(`{"a":1}`)}, true},
		{"a record of 390 KB", DeadRecord{Record: []byte(big[:390_000])}, true},
		{"a record of 500 KB", DeadRecord{Record: []byte(big)}, false},
		{"a record of four-byte characters", DeadRecord{Record: []byte("x" + uni)}, false},
		{"a record of 6 MB that is not UTF-8", DeadRecord{Record: bytes.Repeat([]byte{0xff}, 6<<20)}, false},
		{"everything large", DeadRecord{
			EventID: big, Headers: []byte(big), Keys: []byte(big), Bus: big, Code: big, Message: uni,
			StreamARN: "arn:aws:dynamodb:eu-west-1:1:table/" + big + "/stream/x", SequenceNumber: strings.Repeat("7", 100_000), Record: []byte(uni),
		}, false},
		{"large headers and keys that fit", DeadRecord{Headers: []byte(big[:64*1024]), Keys: []byte(big[:32*1024]), Record: []byte(big)}, false},
		{"strings that are not UTF-8", DeadRecord{EventID: "\xff", Message: "\xff\xfe", StreamARN: "\xff", Record: []byte("\xff")}, true},
		{"nothing", DeadRecord{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			db := &fakeTable{}
			sink := NewDynamoDBDeadLetters(db, "dead", func(o *DynamoDBDeadLettersOptions) { o.TTL = time.Hour })
			tt.rec.Time = time.Now()
			require.NoError(t, sink.Put(t.Context(), tt.rec))
			item := db.items("dead")[0]
			require.Equal(t, !tt.whole, av(item, "recordTruncated") == "true")
			if tt.whole {
				require.Equal(t, string(tt.rec.Record), av(item, "record"))
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

func TestTableSinkThatCannotBeWrittenTo(t *testing.T) {
	sink := NewDynamoDBDeadLetters(nil, "dead")
	require.ErrorContains(t, sink.Put(t.Context(), DeadRecord{}), "client is nil")
	db := &fakeTable{}
	sink = NewDynamoDBDeadLetters(db, "dead", func(o *DynamoDBDeadLettersOptions) { o.PK = "other" }) // the fake's key is pk
	err := sink.Put(t.Context(), DeadRecord{EventID: "event-2"})
	require.ErrorContains(t, err, `relay: put dead letter of event "event-2" into table dead: `)
}

func TestTableOf(t *testing.T) {
	for arn, want := range map[string]string{
		testARN: "event-store",
		"arn:aws:dynamodb:ddblocal:000000000000:table/a.b-c_d/stream/2026": "a.b-c_d",
		"arn:aws:dynamodb:eu-west-1:1:table/x":                             "",
		"":                                                                 "",
	} {
		require.Equal(t, want, tableOf(arn))
	}
}
