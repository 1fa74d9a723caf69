package streamrecord_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// TestEvents has, for the event attribute, the Detail or else the fault.
func TestEvents(t *testing.T) {
	const (
		id      = `"eventId":{"S":"e1"}`
		name    = `"eventName":{"S":"N"}`
		source  = `"source":{"S":"s"}`
		stamp   = `"timestamp":{"N":"1764000000123"}`
		four    = id + "," + name + "," + source + "," + stamp
		payload = `"payload":{"M":{}}`
		detail  = `{"headers":{"eventId":"e1","eventName":"N","source":"s","timestamp":1764000000123},"payload":{}}`
	)
	with := func(headers string) string { return `{"M":{"headers":{"M":{` + headers + `}},` + payload + `}}` }
	for _, row := range []struct {
		name, in      string
		want          string // the Detail, or
		code, message string // what the message begins with
	}{
		{name: "the four required headers", in: with(four), want: detail},
		{name: "payload first", in: `{"M":{` + payload + `,"headers":{"M":{` + four + `}}}}`,
			want: `{"payload":{},"headers":{"eventId":"e1","eventName":"N","source":"s","timestamp":1764000000123}}`},
		{name: "other members", in: `{"M":{"meta":{"L":[{"N":"1"}]},"headers":{"M":{` + four + `}},"v":{"S":"2"},` + payload + `}}`,
			want: `{"meta":[1],` + strings.Replace(detail[1:], `,"payload"`, `,"v":"2","payload"`, 1)},
		{name: "names with escapes", in: `{"M":{"h\u0065aders":{"M":{"event\u0049d":{"S":"e1"},` + name + `,` + source + `,` + stamp + `}},"p\u0061yload":{"M":{}}}}`, want: detail},
		{name: "white space", in: ` { "M" : { "headers" : { "M" : { ` + strings.ReplaceAll(four, ",", " ,\n") + ` } } , ` + payload + ` } } `, want: detail},
		{name: "timestamp in an S", in: with(id + "," + name + "," + source + `,"timestamp":{"S":"1764000000123"}`), want: strings.Replace(detail, `1764000000123`, `"1764000000123"`, 1)},
		{name: "timestamp with an exponent", in: with(id + "," + name + "," + source + `,"timestamp":{"N":"1.764000000123E12"}`), want: strings.Replace(detail, `1764000000123`, `1.764000000123E12`, 1)},
		{name: "timestamp with zeros behind", in: with(id + "," + name + "," + source + `,"timestamp":{"N":"1764000000123.000"}`), want: strings.Replace(detail, `1764000000123`, `1764000000123.000`, 1)},
		{name: "first millisecond of 2000", in: with(id + "," + name + "," + source + `,"timestamp":{"N":"946684800000"}`), want: strings.Replace(detail, `1764000000123`, `946684800000`, 1)},
		{name: "headers of tomorrow", in: with(four + `,"tenant":{"M":{"id":{"N":"12345678901234567890123456789012345678"},"b":{"B":"aGk="}}},"tags":{"SS":["a"]},"x":{"NULL":true}`),
			want: strings.Replace(detail, `},"payload"`, `,"tenant":{"id":12345678901234567890123456789012345678,"b":"aGk="},"tags":["a"],"x":null},"payload"`, 1)},
		{name: "an unknown header twice", in: with(four + `,"x":{"N":"1"},"x":{"N":"2"}`), want: strings.Replace(detail, `},"payload"`, `,"x":1,"x":2},"payload"`, 1)},
		{name: "another member twice", in: `{"M":{"x":{"N":"1"},"x":{"N":"2"},"headers":{"M":{` + four + `}},` + payload + `}}`, want: `{"x":1,"x":2,` + detail[1:]},

		{name: "headers twice", in: `{"M":{"headers":{"M":{` + four + `}},` + payload + `,"headers":{"M":{` + four + `}}}}`, code: streamrecord.DuplicateMember, message: "event.headers is there twice"},
		{name: "headers twice, the first ones wrong", in: `{"M":{"headers":{"S":"b"},"headers":{"M":{` + four + `}},` + payload + `}}`, code: streamrecord.DuplicateMember, message: "event.headers is there twice"},
		{name: "headers twice, the last ones wrong", in: `{"M":{"headers":{"M":{` + four + `}},` + payload + `,"headers":5}}`, code: streamrecord.DuplicateMember, message: "event.headers is there twice"},
		{name: "payload twice", in: `{"M":{` + payload + `,"headers":{"M":{` + four + `}},` + payload + `}}`, code: streamrecord.DuplicateMember, message: "event.payload is there twice"},
		{name: "payload twice, one with an escape", in: `{"M":{"p\u0061yload":{"M":{}},"headers":{"M":{` + four + `}},` + payload + `}}`, code: streamrecord.DuplicateMember, message: "event.payload is there twice"},
		{name: "both twice", in: `{"M":{` + payload + `,"headers":{"M":{` + four + `}},` + payload + `,"headers":{"M":{` + four + `}}}}`, code: streamrecord.DuplicateMember, message: "event.headers is there twice"},
		{name: "a required header twice", in: with(four + `,"eventId":{"S":"e1"}`), code: streamrecord.DuplicateMember, message: "event.headers.eventId is there twice"},
		{name: "an optional header twice", in: with(`"causationId":{"S":"a"},` + four + `,"causationId":{"S":"b"}`), code: streamrecord.DuplicateMember, message: "event.headers.causationId is there twice"},

		{name: "no headers", in: `{"M":{` + payload + `}}`, code: streamrecord.MissingHeader, message: "event.headers: missing"},
		{name: "no payload", in: `{"M":{"headers":{"M":{` + four + `}}}}`, code: streamrecord.MissingPayload, message: "event.payload: missing"},
		{name: "nothing", in: `{"M":{}}`, code: streamrecord.MissingHeader, message: "event.headers: "},
		{name: "headers an S", in: `{"M":{"headers":{"S":"{}"},` + payload + `}}`, code: streamrecord.UnsupportedType, message: "event.headers: not an M"},
		{name: "headers null", in: `{"M":{"headers":{"NULL":true},` + payload + `}}`, code: streamrecord.UnsupportedType, message: "event.headers: "},
		{name: "headers empty", in: with(``), code: streamrecord.MissingHeader, message: "event.headers.eventId: "},
		{name: "no eventId", in: with(name + "," + source + "," + stamp), code: streamrecord.MissingHeader, message: "event.headers.eventId: missing"},
		{name: "no eventName", in: with(id + "," + source + "," + stamp), code: streamrecord.MissingHeader, message: "event.headers.eventName: "},
		{name: "no source", in: with(id + "," + name + "," + stamp), code: streamrecord.MissingHeader, message: "event.headers.source: "},
		{name: "no timestamp", in: with(id + "," + name + "," + source), code: streamrecord.MissingHeader, message: "event.headers.timestamp: "},
		{name: "eventId empty", in: with(`"eventId":{"S":""},` + name + "," + source + "," + stamp), code: streamrecord.BadHeader, message: "event.headers.eventId: not an S, or empty"},
		{name: "eventId an N", in: with(`"eventId":{"N":"1"},` + name + "," + source + "," + stamp), code: streamrecord.BadHeader, message: "event.headers.eventId: "},
		{name: "eventId a B", in: with(`"eventId":{"B":"aGk="},` + name + "," + source + "," + stamp), code: streamrecord.BadHeader, message: "event.headers.eventId: "},
		{name: "eventName null", in: with(id + `,"eventName":{"NULL":true},` + source + "," + stamp), code: streamrecord.BadHeader, message: "event.headers.eventName: "},
		{name: "source empty", in: with(id + "," + name + `,"source":{"S":""},` + stamp), code: streamrecord.BadHeader, message: "event.headers.source: "},
		{name: "timestamp zero", in: with(id + "," + name + "," + source + `,"timestamp":{"N":"0"}`), code: streamrecord.BadHeader, message: "event.headers.timestamp: not an integer of Unix milliseconds between the years 2000 and 2100, in an N or S"},
		{name: "timestamp in seconds", in: with(id + "," + name + "," + source + `,"timestamp":{"N":"1764000000"}`), code: streamrecord.BadHeader, message: "event.headers.timestamp: "},
		{name: "timestamp in microseconds", in: with(id + "," + name + "," + source + `,"timestamp":{"N":"1764000000123000"}`), code: streamrecord.BadHeader, message: "event.headers.timestamp: "},
		{name: "timestamp in 2100", in: with(id + "," + name + "," + source + `,"timestamp":{"N":"4102444800000"}`), code: streamrecord.BadHeader, message: "event.headers.timestamp: "},
		{name: "timestamp of the year 1754", in: with(id + "," + name + "," + source + `,"timestamp":{"N":"-6795364578871"}`), code: streamrecord.BadHeader, message: "event.headers.timestamp: "},
		{name: "timestamp with a fraction", in: with(id + "," + name + "," + source + `,"timestamp":{"N":"1764000000123.5"}`), code: streamrecord.BadHeader, message: "event.headers.timestamp: "},
		{name: "timestamp in words", in: with(id + "," + name + "," + source + `,"timestamp":{"S":"2026-01-01T00:00:00Z"}`), code: streamrecord.BadHeader, message: "event.headers.timestamp: "},
		{name: "timestamp with spaces", in: with(id + "," + name + "," + source + `,"timestamp":{"S":" 1764000000123"}`), code: streamrecord.BadHeader, message: "event.headers.timestamp: "},
		{name: "timestamp a BOOL", in: with(id + "," + name + "," + source + `,"timestamp":{"BOOL":true}`), code: streamrecord.BadHeader, message: "event.headers.timestamp: "},
		{name: "timestamp of 38 digits", in: with(id + "," + name + "," + source + `,"timestamp":{"N":"17640000001230000000000000000000000000"}`), code: streamrecord.BadHeader, message: "event.headers.timestamp: "},
		{name: "timestamp with a huge exponent", in: with(id + "," + name + "," + source + `,"timestamp":{"N":"1e999999999999999999999"}`), code: streamrecord.BadHeader, message: "event.headers.timestamp: "},
		{name: "a header of an unknown type", in: with(four + `,"x":{"X":"1"}`), code: streamrecord.UnsupportedType, message: "event.headers.x: "},
		{name: "a header that is plain JSON", in: with(four + `,"x":1`), code: streamrecord.UnsupportedType, message: "event.headers.x: "},
		{name: "a header with half a surrogate pair", in: with(four + `,"x":{"S":"\ud800"}`), code: streamrecord.BadString, message: "event.headers.x: "},
		{name: "another member of an unknown type", in: `{"M":{"meta":{"X":1},"headers":{"M":{` + four + `}},` + payload + `}}`, code: streamrecord.UnsupportedType, message: "event.meta: "},
		{name: "two faults: headers before payload", in: `{"M":{"payload":{"X":1},"headers":{"M":{` + id + `}}}}`, code: streamrecord.MissingHeader, message: "event.headers.eventName: "},
		{name: "event an S", in: `{"S":"{}"}`, code: streamrecord.UnsupportedType, message: "event: "},
		{name: "event an L", in: `{"L":[]}`, code: streamrecord.UnsupportedType, message: "event: "},
		{name: "event null", in: `null`, code: streamrecord.UnsupportedType, message: "event: "},
		{name: "event of two types", in: `{"M":{"headers":{"M":{` + four + `}},` + payload + `},"S":"x"}`, code: streamrecord.UnsupportedType, message: "event: "},
		{name: "event damaged", in: `{"M":{"headers" {"M":{` + four + `}},` + payload + `}}`, code: streamrecord.BadRecord, message: "event: "},
		{name: "headers damaged", in: `{"M":{"headers":{"M":{` + four + ` ` + four + `}},` + payload + `}}`, code: streamrecord.BadRecord, message: "event.headers"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := decodeOne(t, row.in)
			if row.code != "" {
				require.Equal(t, streamrecord.Undecodable, r.Kind, "%s", r.Detail)
				require.Equal(t, row.code, r.Fault.Code, r.Fault.Message)
				require.True(t, strings.HasPrefix(r.Fault.Message, row.message), r.Fault.Message)
				return
			}
			require.Nil(t, r.Fault)
			require.Equal(t, row.want, string(r.Detail))
			require.Equal(t, "e1", r.EventID)
			require.Equal(t, "N", r.EventName)
			require.Equal(t, "s", r.Source)
		})
	}
}

func TestHeadersOfRecord(t *testing.T) {
	r := decodeOne(t, `{"M":{"payload":{"NULL":true},"headers":{"M":{"eventId":{"S":"e\"1\u00e9"},"eventName":{"S":"N"},"source":{"S":"s"},
		"timestamp":{"N":"1764000000123"},"region":{"S":"eu-west-1"},"aggregateId":{"S":"a\\1"},"sequence":{"N":"42"},"traceparent":{"S":"00-a-b-01"}}}}}`)
	require.Nil(t, r.Fault)
	require.Equal(t, `e"1é`, r.EventID)
	require.Equal(t, "eu-west-1", r.Region)
	require.Equal(t, `a\1`, r.AggregateID)
	require.Equal(t, "00-a-b-01", r.TraceParent)
	require.Equal(t, int64(42), r.Sequence)
	require.Equal(t, int64(1764000000123), r.Timestamp)

	// optional headers of another type are published, but not used
	r = decodeOne(t, `{"M":{"payload":{"NULL":true},"headers":{"M":{"eventId":{"S":"e1"},"eventName":{"S":"N"},"source":{"S":"s"},
		"timestamp":{"N":"1764000000123"},"region":{"N":"1"},"aggregateId":{"L":[]},"sequence":{"S":"42"},"traceparent":{"NULL":true}}}}}`)
	require.Nil(t, r.Fault)
	require.Contains(t, string(r.Detail), `"region":1,"aggregateId":[],"sequence":"42","traceparent":null`)
	require.Empty(t, r.Region+r.AggregateID+r.TraceParent)
	require.Zero(t, r.Sequence)

	// a dead letter has its headers, and its place in the order, whatever comes before them
	r = decodeOne(t, `{"M":{"payload":{"N":"x"},"headers":{"M":{"eventId":{"S":"e1"},"eventName":{"S":"N"},"source":{"S":"s"},
		"timestamp":{"N":"1764000000123"},"region":{"S":"eu-west-1"},"aggregateId":{"S":"a1"},"sequence":{"N":"42"},"traceparent":{"S":"00-a-b-01"}}}}}`)
	require.Equal(t, streamrecord.BadNumber, r.Fault.Code)
	require.Equal(t, "e1 N s eu-west-1 a1 00-a-b-01", strings.Join([]string{r.EventID, r.EventName, r.Source, r.Region, r.AggregateID, r.TraceParent}, " "))
	require.Equal(t, [2]int64{1764000000123, 42}, [2]int64{r.Timestamp, r.Sequence})
}

// TestFaultsHoldNoValues puts a secret into values near every kind of fault.
func TestFaultsHoldNoValues(t *testing.T) {
	const secret = "s3cret"
	n := 0
	for _, value := range []string{
		`{"S":"s3cret\ud800"}`, `{"S":"s3cret\x"}`, "{\"S\":\"s3cret\x01\"}", "{\"S\":\"s3cret\xff\"}", `"s3cret"`, `{"S":"s3cret","S":"s3cret"}`,
		`{"S":"s3cret" "s3cret"}`, `{"N":"s3cret"}`, `{"B":"s3cret"}`, `{"SS":["s3cret",1]}`, `{"SS":["s3cret\ud800"]}`, `{"NS":["1","s3cret"]}`, `{"BS":["s3cret"]}`,
		`{"L":[{"S":"s3cret"},{"S":"s3cret"},5]}`, `{"L":[{"S":"s3cret"} "s3cret"]}`, `{"L":["s3cret"]}`, `{"M":{"a":"s3cret"}}`,
		`{"M":{"a":{"S":"s3cret"},"b":"s3cret"}}`, `{"M":{"a":{"S":"s3cret"},"b":{"S":"s3cret",}}}`, `{"BOOL":"s3cret"}`, `{"NULL":"s3cret"}`, `["s3cret"]`, `{"S":["s3cret"]}`,
	} {
		for _, event := range []string{
			`{"M":{` + goodHeaders + `,"payload":{"M":{"x":` + value + `}}}}`,
			`{"M":{` + goodHeaders + `,"payload":` + value + `}}`,
			`{"M":{` + goodHeaders + `,"payload":{"N":"1"},"other":` + value + `}}`,
			`{"M":{` + strings.Replace(goodHeaders, `"eventId"`, `"x":`+value+`,"eventId"`, 1) + `,"payload":{"N":"1"}}}`,
			`{"M":{` + strings.Replace(goodHeaders, `{"S":"e1"}`, value, 1) + `,"payload":{"N":"1"}}}`,
			value,
		} {
			r := decodeOne(t, event)
			require.Equal(t, streamrecord.Undecodable, r.Kind, event)
			require.NotContains(t, r.Fault.String(), secret, event)
			n++
		}
	}
	r := decodeOne(t, `{"M":{`+goodHeaders+`,"payload":{"S":"s3cret"}}}`)
	require.Equal(t, streamrecord.BadPayload, r.Fault.Code)
	require.NotContains(t, r.Fault.String(), secret)
	require.Greater(t, n, 100)
}
