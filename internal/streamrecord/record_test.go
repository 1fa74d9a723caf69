package streamrecord_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// TestRecords has, for a record, its kind and the code of its fault.
func TestRecords(t *testing.T) {
	const image = `"NewImage":{"pk":{"S":"a"},"event":{"M":{` + goodHeaders + `,"payload":{"M":{"a":{"N":"1"}}}}}}`
	marked := func(marker string) string {
		return `{"eventName":"INSERT","dynamodb":{"NewImage":{"fmt":` + marker + `,"event":{"M":{` + goodHeaders + `,"payload":{"M":{"a":{"N":"1"}}}}}}}}`
	}
	const service = `"userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}`
	plain, shared := streamrecord.Config{}, streamrecord.Config{Marker: "fmt"}
	for _, row := range []struct {
		name string
		cfg  streamrecord.Config
		in   string
		want streamrecord.Kind
		code string
	}{
		{"insert", plain, `{"eventName":"INSERT","dynamodb":{` + image + `}}`, streamrecord.Event, ""},
		{"eventName after dynamodb", plain, `{"dynamodb":{` + image + `},"eventName":"INSERT"}`, streamrecord.Event, ""},
		{"view after the image", plain, `{"dynamodb":{` + image + `,"StreamViewType":"NEW_IMAGE"},"eventName":"INSERT"}`, streamrecord.Event, ""},
		{"both images", plain, `{"eventName":"INSERT","dynamodb":{"OldImage":{"event":{"X":1}},` + image + `,"StreamViewType":"NEW_AND_OLD_IMAGES"}}`, streamrecord.Event, ""},
		{"unknown members everywhere", plain, `{"a":{"eventName":"MODIFY"},"eventName":"INSERT","b":[[{"}":"]"}]],"dynamodb":{"c":"\"}","d":-1.5e3,` + image + `,"e":null},"f":true}`, streamrecord.Event, ""},
		{"what is skipped need not be JSON", plain, `{"eventName":"INSERT","x":{nonsense,,"\x":[1 2}],"y":tru,"dynamodb":{` + image[:len(image)-1] + `,"z":[{"S"}]}}}`, streamrecord.Event, ""},
		{"escaped names", plain, `{"event\u004eame":"INS\u0045RT","d\u0079namodb":{` + strings.Replace(image, "NewImage", `New\u0049mage`, 1) + `}}`, streamrecord.Event, ""},
		{"insert by a service", plain, `{"eventName":"INSERT",` + service + `,"dynamodb":{` + image + `}}`, streamrecord.Event, ""},
		{"modify", plain, `{"eventName":"MODIFY","dynamodb":{` + image + `}}`, streamrecord.Modify, ""},
		{"modify, name last", plain, `{"dynamodb":{` + image + `},"eventName":"MODIFY"}`, streamrecord.Modify, ""},
		{"modify of a damaged event", plain, `{"dynamodb":{"NewImage":{"event":{"X":1}}},"eventName":"MODIFY"}`, streamrecord.Modify, ""},
		{"modify without anything", plain, `{"eventName":"MODIFY"}`, streamrecord.Modify, ""},
		{"remove", plain, `{"eventName":"REMOVE","dynamodb":{"OldImage":{}}}`, streamrecord.Remove, ""},
		{"remove by a user", plain, `{"eventName":"REMOVE","userIdentity":{"type":"User","principalId":"dynamodb.amazonaws.com"}}`, streamrecord.Remove, ""},
		{"remove by another service", plain, `{"eventName":"REMOVE","userIdentity":{"type":"Service","principalId":"lambda.amazonaws.com"}}`, streamrecord.Remove, ""},
		{"remove, identity null", plain, `{"eventName":"REMOVE","userIdentity":null}`, streamrecord.Remove, ""},
		{"remove by time to live", plain, `{"eventName":"REMOVE",` + service + `}`, streamrecord.ServiceRemove, ""},
		{"remove by time to live, any order", plain, `{"userIdentity":{"principalId":"dynamodb.amazonaws.com","x":{},"type":"Service"},"eventName":"REMOVE"}`, streamrecord.ServiceRemove, ""},

		{"no image", plain, `{"eventName":"INSERT","dynamodb":{}}`, streamrecord.Undecodable, streamrecord.MissingNewImage},
		{"image null", plain, `{"eventName":"INSERT","dynamodb":{"NewImage":null}}`, streamrecord.Undecodable, streamrecord.MissingNewImage},
		{"no dynamodb", plain, `{"eventName":"INSERT"}`, streamrecord.Undecodable, streamrecord.MissingNewImage},
		{"dynamodb null", plain, `{"eventName":"INSERT","dynamodb":null}`, streamrecord.Undecodable, streamrecord.MissingNewImage},
		{"no image on a shared table", shared, `{"eventName":"INSERT","dynamodb":{}}`, streamrecord.Undecodable, streamrecord.MissingNewImage},
		{"image without event", plain, `{"eventName":"INSERT","dynamodb":{"NewImage":{"pk":{"S":"a"}}}}`, streamrecord.Undecodable, streamrecord.MissingEvent},
		{"image empty", plain, `{"eventName":"INSERT","dynamodb":{"NewImage":{}}}`, streamrecord.Undecodable, streamrecord.MissingEvent},

		{"marker", shared, marked(`{"S":"outbox/1"}`), streamrecord.Event, ""},
		{"marker, escaped", shared, marked(`{ "\u0053" : "outbox\/1" }`), streamrecord.Event, ""},
		{"marker of another version", shared, marked(`{"S":"outbox/2"}`), streamrecord.Undecodable, streamrecord.UnknownFormat},
		{"marker empty", shared, marked(`{"S":""}`), streamrecord.Undecodable, streamrecord.UnknownFormat},
		{"marker of another type", shared, marked(`{"N":"1"}`), streamrecord.Undecodable, streamrecord.UnknownFormat},
		{"marker of two types", shared, marked(`{"S":"outbox/1","N":"1"}`), streamrecord.Undecodable, streamrecord.UnknownFormat},
		{"marker plain", shared, marked(`"outbox/1"`), streamrecord.Undecodable, streamrecord.UnknownFormat},
		{"marker null", shared, marked(`null`), streamrecord.Undecodable, streamrecord.UnknownFormat},
		{"marker with half a surrogate pair", shared, marked(`{"S":"outbox/1\ud800"}`), streamrecord.Undecodable, streamrecord.UnknownFormat},
		{"marker without event", shared, `{"eventName":"INSERT","dynamodb":{"NewImage":{"fmt":{"S":"outbox/1"}}}}`, streamrecord.Undecodable, streamrecord.MissingEvent},
		{"no marker", shared, `{"eventName":"INSERT","dynamodb":{"NewImage":{"pk":{"S":"a"}}}}`, streamrecord.NotEvent, ""},
		{"no marker, an attribute of that name", shared, `{"eventName":"INSERT","dynamodb":{"NewImage":{"event":{"S":"a party"}}}}`, streamrecord.NotEvent, ""},
		{"no marker, image empty", shared, `{"eventName":"INSERT","dynamodb":{"NewImage":{}}}`, streamrecord.NotEvent, ""},
		{"marker after the event", shared, `{"eventName":"INSERT","dynamodb":{` + image[:len(image)-1] + `,"fmt":{"S":"outbox/1"}}}}`, streamrecord.Event, ""},

		{"null", plain, `null`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"number", plain, `42`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"string", plain, `"x, ]}"`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"array", plain, `[{"eventName":"INSERT"}]`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"word", plain, `nonsense`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"object, empty", plain, `{}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"eventName unknown", plain, `{"eventName":"UPSERT","dynamodb":{` + image + `}}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"eventName in lower case", plain, `{"eventName":"insert","dynamodb":{` + image + `}}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"eventName null", plain, `{"eventName":null,"dynamodb":{` + image + `}}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"eventName a number", plain, `{"eventName":1,"dynamodb":{` + image + `}}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"eventName with half a surrogate pair", plain, `{"eventName":"INSERT\ud800","dynamodb":{` + image + `}}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"awsRegion a number", plain, `{"eventName":"INSERT","awsRegion":1,"dynamodb":{` + image + `}}`, streamrecord.Event, ""}, // nobody reads it
		{"SequenceNumber a number", plain, `{"eventName":"INSERT","dynamodb":{"SequenceNumber":1,` + image + `}}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"dynamodb an array", plain, `{"eventName":"INSERT","dynamodb":[]}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"image an array", plain, `{"eventName":"INSERT","dynamodb":{"NewImage":[]}}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"image text", plain, `{"eventName":"INSERT","dynamodb":{"NewImage":"{}"}}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"image damaged", plain, `{"eventName":"INSERT","dynamodb":{"NewImage":{"event" {}}}}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"userIdentity text", plain, `{"eventName":"REMOVE","userIdentity":"Service"}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"userIdentity of a number", plain, `{"eventName":"REMOVE","userIdentity":{"type":1}}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"key without value", plain, `{"eventName":"INSERT","dynamodb"}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"key without quotes", plain, `{eventName:"INSERT"}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"no comma", plain, `{"eventName":"INSERT" "dynamodb":{}}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"trailing comma", plain, `{"eventName":"MODIFY",}`, streamrecord.Undecodable, streamrecord.BadRecord},
		{"brackets of two kinds", plain, `{"eventName":"MODIFY"]`, streamrecord.Undecodable, streamrecord.BadRecord},

		// members that come twice: nobody can say which one was meant
		{"eventID twice", plain, `{"eventID":"a","eventID":"a","eventName":"INSERT","dynamodb":{` + image + `}}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"eventVersion twice", plain, `{"eventVersion":"1","eventVersion":"2","eventName":"MODIFY"}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"eventName twice", plain, `{"eventName":"INSERT","dynamodb":{` + image + `},"eventName":"INSERT"}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"eventName twice, one with an escape", plain, `{"eventName":"INSERT","dynamodb":{` + image + `},"event\u004eame":"MODIFY"}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"eventName twice, one wrong", plain, `{"eventName":5,"eventName":"INSERT","dynamodb":{` + image + `}}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"eventSource twice", plain, `{"eventSource":"aws:dynamodb","eventSource":"aws:dynamodb","eventName":"MODIFY"}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"dynamodb twice", plain, `{"eventName":"INSERT","dynamodb":{` + image + `},"dynamodb":{` + image + `}}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"dynamodb twice, the first one empty", plain, `{"eventName":"INSERT","dynamodb":{},"dynamodb":{` + image + `}}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"dynamodb twice, the first one null", plain, `{"eventName":"INSERT","dynamodb":null,"dynamodb":{` + image + `}}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"SequenceNumber twice", plain, `{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1",` + image + `,"SequenceNumber":"2"}}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"SizeBytes twice", plain, `{"eventName":"INSERT","dynamodb":{"SizeBytes":1,` + image + `,"SizeBytes":1}}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"image twice", plain, `{"eventName":"INSERT","dynamodb":{` + image + `,` + image + `}}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"image twice, the last one null", plain, `{"eventName":"INSERT","dynamodb":{` + image + `,"NewImage":null}}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"image twice in a modify", plain, `{"eventName":"MODIFY","dynamodb":{` + image + `,` + image + `}}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"userIdentity twice", plain, `{"eventName":"REMOVE","userIdentity":` + service[len(`"userIdentity":`):] + `,` + service + `}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"userIdentity of two types", plain, `{"eventName":"REMOVE","userIdentity":{"type":"User","type":"Service","principalId":"dynamodb.amazonaws.com"}}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"event twice", plain, `{"eventName":"INSERT","dynamodb":{` + image[:len(image)-1] + `,` + image[len(`"NewImage":{"pk":{"S":"a"},`):] + `}}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"event twice, the first one wrong", plain, `{"eventName":"INSERT","dynamodb":{"NewImage":{"event":{"S":"x"},` + image[len(`"NewImage":{`):] + `}}`, streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"event twice in a modify", plain, `{"eventName":"MODIFY","dynamodb":{"NewImage":{"event":{"S":"x"},` + image[len(`"NewImage":{`):] + `}}`, streamrecord.Modify, ""},
		{"event twice in a modify, name last", plain, `{"dynamodb":{"NewImage":{"event":{"S":"x"},` + image[len(`"NewImage":{`):] + `},"eventName":"MODIFY"}`, streamrecord.Modify, ""},
		{"event twice without a marker", shared, `{"eventName":"INSERT","dynamodb":{"NewImage":{"event":{"S":"x"},` + image[len(`"NewImage":{`):] + `}}`, streamrecord.NotEvent, ""},
		{"marker twice", shared, strings.Replace(marked(`{"S":"outbox/1"}`), `"fmt"`, `"fmt":{"S":"outbox/1"},"fmt"`, 1), streamrecord.Undecodable, streamrecord.DuplicateMember},
		{"an attribute without a name twice", plain, strings.Replace(`{"eventName":"INSERT","dynamodb":{`+image+`}}`, `"pk"`, `"":{"S":"a"},"":{"S":"b"},"pk"`, 1), streamrecord.Event, ""},
		{"members that are not read twice", plain, `{"x":1,"x":2,"eventName":"INSERT","dynamodb":{"y":1,"y":2,` + strings.Replace(image, `"pk"`, `"pk":{"S":"b"},"pk"`, 1) + `}}`, streamrecord.Event, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := decodeRecord(t, row.cfg, row.in)
			require.Equal(t, row.want, r.Kind, "%v", r.Fault)
			if row.code != "" {
				require.Equal(t, row.code, r.Fault.Code, r.Fault.Message)
			}
			if r.Kind == streamrecord.Event {
				require.Equal(t, goodDetail, string(r.Detail))
			}
		})
	}
}

// plainDecode decodes record alone.
func plainDecode(t *testing.T, cfg streamrecord.Config, record string) streamrecord.Record {
	t.Helper()
	b, err := streamrecord.NewDecoder(cfg).Decode([]byte(`{"Records":[` + record + `]}`))
	require.NoError(t, err)
	require.Len(t, b.Records, 1)
	return b.Records[0]
}

func TestConfig(t *testing.T) {
	record := func(attributes string) string {
		return `{"eventName":"INSERT","dynamodb":{"NewImage":{` + attributes + `}}}`
	}
	event := `{"M":{` + goodHeaders + `,"payload":{"M":{"a":{"N":"1"}}}}}`

	require.Equal(t, streamrecord.Event, plainDecode(t, streamrecord.Config{}, record(`"event":`+event)).Kind, "the default name")
	own := streamrecord.Config{Event: `my "event"é`, Marker: "kind", MarkerValue: `e\v1`}
	require.Equal(t, streamrecord.Event, plainDecode(t, own, record(`"kind":{"S":"e\\v1"},"my \"event\"é":`+event)).Kind)
	require.Equal(t, streamrecord.NotEvent, plainDecode(t, own, record(`"my \"event\"é":`+event)).Kind)
	r := plainDecode(t, own, record(`"kind":{"S":"e\\v1"},"event":`+event))
	require.Equal(t, streamrecord.MissingEvent, r.Fault.Code)
	require.Contains(t, r.Fault.Message, own.Event)
	r = plainDecode(t, own, record(`"kind":{"S":"outbox/1"},"my \"event\"é":`+event))
	require.Equal(t, streamrecord.UnknownFormat, r.Fault.Code)
	require.Contains(t, r.Fault.Message, own.Marker)
	r = plainDecode(t, streamrecord.Config{MarkerValue: "x"}, record(`"event":`+event))
	require.Equal(t, streamrecord.Event, r.Kind, "a value without a marker means nothing")

	r = plainDecode(t, streamrecord.Config{Marker: "kind"}, record(`"kind":{"S":"outbox/2"},"event":`+event))
	require.Equal(t, "UnknownFormat: kind: a format that this version does not know", r.Fault.String())
}

// TestMissingEvent has the names of what an item has in the place of an event:
// some of them, in a form for a log, and no values.
func TestMissingEvent(t *testing.T) {
	record := func(attributes string) string {
		return `{"eventName":"INSERT","dynamodb":{"NewImage":{` + attributes + `}}}`
	}
	r := plainDecode(t, streamrecord.Config{Event: "my event"}, record(`"pk":{"S":"secret"}, "sk" : {"N":"1"},"event":{"M":{"secret":{"S":"x"}}},"a\u0062.c":{"S":"x"}`))
	require.Equal(t, streamrecord.MissingEvent, r.Fault.Code)
	require.Equal(t, `my event: the image has no such attribute; it has [pk, sk, event, ["ab.c"]]`, r.Fault.Message)

	var many strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&many, `"%d-%s":{"N":"1"},`, i, strings.Repeat("x", 1000))
	}
	r = plainDecode(t, streamrecord.Config{}, record(many.String()+`"pk":{"S":"a"}`))
	require.Equal(t, 10, strings.Count(r.Fault.Message, "xxx…"))
	require.Less(t, len(r.Fault.Message), 1000)

	r = plainDecode(t, streamrecord.Config{}, record(``))
	require.Equal(t, "event: the image has no such attribute; it has []", r.Fault.Message)
}

// TestNotEvent shows which items without a marker look like events anyway.
func TestNotEvent(t *testing.T) {
	shared := streamrecord.Config{Marker: "kind"}
	r := plainDecode(t, shared, goodRecord)
	require.Equal(t, streamrecord.NotEvent, r.Kind)
	require.Equal(t, "e1", r.EventID)
	require.Nil(t, r.Detail)
	require.Nil(t, r.Headers)
	for _, event := range []string{`{"S":"a party"}`, `{"M":{}}`, `{"M":{"headers":{"M":{}}}}`, `{"M":{"headers":{"M":{"eventId":{"N":"1"}}}}}`, `5`} {
		r := plainDecode(t, shared, `{"eventName":"INSERT","dynamodb":{"NewImage":{"event":`+event+`}}}`)
		require.Equal(t, streamrecord.NotEvent, r.Kind)
		require.Empty(t, r.EventID, event)
	}
	for _, name := range []string{"MODIFY", "REMOVE"} {
		for _, record := range []string{strings.Replace(goodRecord, "INSERT", name, 1), `{"dynamodb":` + goodRecord[strings.Index(goodRecord, `{"Seq`):len(goodRecord)-1] + `,"eventName":"` + name + `"}`} {
			require.Equal(t, streamrecord.EventHeaders{}, plainDecode(t, shared, record).EventHeaders, record)
		}
	}
}

func TestRecordMembers(t *testing.T) {
	r := plainDecode(t, streamrecord.Config{}, `{"eventID":"x","eventName":"INSERT","awsRegion":"eu-\u0077est-1","eventSourceARN":"arn:aws:dynamodb:eu-west-1:1:table\/t/stream/x",
		"dynamodb":{"Keys": {"pk":{"S":"a}"}} ,"SequenceNumber":"405400000000002063282832","ApproximateCreationDateTime":1764000000.25,"NewImage":{"event":{"X":1}}}}`)
	require.Equal(t, streamrecord.Undecodable, r.Kind)
	require.Equal(t, "arn:aws:dynamodb:eu-west-1:1:table/t/stream/x", r.StreamARN)
	require.Equal(t, "405400000000002063282832", r.SequenceNumber)
	require.Equal(t, `{"pk":{"S":"a}"}}`, string(r.Keys()))
	require.Equal(t, time.Date(2025, 11, 24, 16, 0, 0, 250e6, time.UTC), r.CreatedAt)

	// what is wrong with one member does not keep the others from being read
	r = plainDecode(t, streamrecord.Config{}, `{"eventName":5,"awsRegion":["x"],"userIdentity":{"type" 5},"dynamodb":{"NewImage":{"event" {}},"Keys":[],"StreamViewType":{},"SequenceNumber":"7"},"eventSourceARN":"arn"}`)
	require.Equal(t, streamrecord.Undecodable, r.Kind)
	require.Equal(t, streamrecord.BadRecord, r.Fault.Code)
	require.Equal(t, "7", r.SequenceNumber)
	require.Equal(t, "arn", r.StreamARN)
	require.Nil(t, r.Keys())
}

func TestCreatedAt(t *testing.T) {
	second := time.Date(2025, 11, 24, 16, 0, 0, 0, time.UTC)
	for in, want := range map[string]time.Time{
		`1764000000`:             second,
		`"1764000000"`:           second,
		`1764000000.5`:           second.Add(500 * time.Millisecond),
		`"1764000000.123456789"`: second.Add(123456789),
		`1.764E9`:                second,
		`1764000000000e-3`:       second,
		`0`:                      time.Unix(0, 0).UTC(),
		`253402300799`:           time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		`253402300800`:           {},
		`-1`:                     {},
		`1e30`:                   {},
		`1844674407370955162e1`:  {}, // beyond a uint64
		`1e-400`:                 {},
		`""`:                     {},
		`"soon"`:                 {},
		`null`:                   {},
		`{}`:                     {},
		`true`:                   {},
		`"\ud800"`:               {},
	} {
		r := plainDecode(t, streamrecord.Config{}, `{"eventName":"MODIFY","dynamodb":{"ApproximateCreationDateTime":`+in+`}}`)
		require.Equal(t, streamrecord.Modify, r.Kind, in)
		require.Equal(t, want, r.CreatedAt, in)
	}
	r := plainDecode(t, streamrecord.Config{}, `{"eventName":"MODIFY","dynamodb":{}}`)
	require.True(t, r.CreatedAt.IsZero())
}

func TestKindString(t *testing.T) {
	require.Equal(t, "Event", streamrecord.Event.String())
	require.Equal(t, "Undecodable", streamrecord.Undecodable.String())
	require.Equal(t, "Kind(0)", streamrecord.Kind(0).String())
	require.Equal(t, "Kind(9)", streamrecord.Kind(9).String())
}
