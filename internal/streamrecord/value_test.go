package streamrecord_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// maxDepth is how deep encoding/json reads.
const maxDepth = 10000

// decodeOne decodes a batch of one record that inserts event, in DynamoDB JSON.
func decodeOne(t *testing.T, event string) streamrecord.Record {
	t.Helper()
	return decodeRecord(t, streamrecord.Config{}, `{"eventName":"INSERT","dynamodb":{"SequenceNumber":"1","NewImage":{"event":`+event+`}}}`)
}

// decodeRecord decodes record between two good ones, which must not notice.
func decodeRecord(t *testing.T, cfg streamrecord.Config, record string) streamrecord.Record {
	t.Helper()
	good := strings.ReplaceAll(goodRecord, `"fmt"`, `"`+cfg.Marker+`"`)
	payload := []byte(`{"Records":[` + good + `,` + record + `,` + good + `]}`)
	b, err := streamrecord.NewDecoder(cfg).Decode(payload)
	require.NoError(t, err)
	require.Len(t, b.Records, 3)
	for _, i := range []int{0, 2} {
		require.Equal(t, streamrecord.Event, b.Records[i].Kind, "a neighbour: %v", b.Records[i].Fault)
		require.Equal(t, goodDetail, string(b.Records[i].Detail), "a neighbour")
	}
	require.Equal(t, record, string(b.Records[1].Raw))
	sane(t, payload, &b.Records[1])
	return b.Records[1]
}

// TestPayloadValues has, for the payload of an event in DynamoDB JSON, the JSON
// that is published, or else the code and the path of the fault.
func TestPayloadValues(t *testing.T) {
	deep := func(n int) (string, string) {
		return strings.Repeat(`{"L":[`, n) + strings.Repeat(`]}`, n), strings.Repeat(`[`, n) + strings.Repeat(`]`, n)
	}
	deepIn, deepOut := deep(32)
	deepestIn, deepestOut := deep(maxDepth - 1)
	tooDeepIn, _ := deep(maxDepth)
	words := map[string]string{ // of the faults, by their code
		streamrecord.BadRecord:       "damaged JSON",
		streamrecord.UnsupportedType: "not a value of one DynamoDB type",
		streamrecord.BadNumber:       "an N that is no number",
		streamrecord.BadString:       "a string with invalid UTF-8, half a surrogate pair, a control character or an unknown escape",
		streamrecord.BadBinary:       "a B that is not base64",
		streamrecord.BadPayload:      "a payload of type S must be JSON text, and this is not",
		streamrecord.TooDeep:         "nested too deep",
	}
	for _, row := range []struct {
		name, in   string
		want       string // the JSON, or
		code, path string
	}{
		// types
		{name: "S in a map", in: `{"M":{"a":{"S":"x"}}}`, want: `{"a":"x"}`},
		{name: "N", in: `{"N":"42"}`, want: `42`},
		{name: "BOOL true", in: `{"BOOL":true}`, want: `true`},
		{name: "BOOL false", in: `{"BOOL":false}`, want: `false`},
		{name: "NULL", in: `{"NULL":true}`, want: `null`},
		{name: "M empty", in: `{"M":{}}`, want: `{}`},
		{name: "L empty", in: `{"L":[]}`, want: `[]`},
		{name: "M and L nested", in: `{"M":{"a":{"L":[{"M":{"b":{"L":[{"N":"1"},{"M":{}}]}}}]},"c":{"N":"2"}}}`, want: `{"a":[{"b":[1,{}]}],"c":2}`},
		{name: "B", in: `{"B":"aGVsbG8="}`, want: `"aGVsbG8="`},
		{name: "B with escapes", in: `{"B":"\/\/\u002b\u003d"}`, want: `"//+="`},
		{name: "SS", in: `{"SS":["a","b\"c"]}`, want: `["a","b\"c"]`},
		{name: "NS", in: `{"NS":["1","+2",".5"]}`, want: `[1,2,0.5]`},
		{name: "BS", in: `{"BS":["aGk=","YQ=="]}`, want: `["aGk=","YQ=="]`},
		{name: "SS empty", in: `{"SS":[]}`, want: `[]`},
		{name: "white space everywhere", in: " {\n\"M\" :\t{ \"a\" : { \"N\" : \"1\" } ,\r\n\"b\" : { \"L\" : [ { \"NULL\" : true } , { \"SS\" : [ \"x\" , \"y\" ] } ] } } } ", want: `{"a":1,"b":[null,["x","y"]]}`},
		{name: "white space before literals", in: `{"L":[{"BOOL": true},{"NULL":` + "\n" + `true},{"N": "1"},{"S": "s"},{"L": []},{"M": {}}]}`, want: `[true,null,1,"s",[],{}]`},
		{name: "white space before literals in a map", in: `{"M":{"a":{"BOOL": true},"b":{"NULL":` + "\n" + `true},"c":{"N": "1"},"d":{"S": "s"}}}`, want: `{"a":true,"b":null,"c":1,"d":"s"}`},
		{name: "escaped type", in: `{"L":[{"\u0053":"x"},{"\u004e":"1"},{"B\u004fOL":true},{"\u004e\u0055\u004c\u004c":true}]}`, want: `["x",1,true,null]`},
		{name: "keys that look like types", in: `{"M":{"S":{"N":"1"},"M":{"S":"x"}}}`, want: `{"S":1,"M":"x"}`},
		{name: "key empty", in: `{"M":{"":{"N":"1"}}}`, want: `{"":1}`},
		{name: "key twice", in: `{"M":{"a":{"N":"1"},"a":{"N":"2"}}}`, want: `{"a":1,"a":2}`},
		{name: "as deep as DynamoDB stores", in: deepIn, want: deepOut},
		{name: "maps as deep as encoding/json reads", in: strings.Repeat(`{"M":{"a":`, maxDepth-2) + `{"M":{}}` + strings.Repeat(`}}`, maxDepth-2),
			want: strings.Repeat(`{"a":`, maxDepth-2) + `{}` + strings.Repeat(`}`, maxDepth-2)},
		{name: "as deep as encoding/json reads", in: deepestIn, want: deepestOut},
		{name: "a set as deep as encoding/json reads", in: strings.Repeat(`{"L":[`, maxDepth-2) + `{"SS":[]}` + strings.Repeat(`]}`, maxDepth-2), want: deepestOut},

		// numbers
		{name: "38 digits", in: `{"N":"12345678901234567890123456789012345678"}`, want: `12345678901234567890123456789012345678`},
		{name: "38 digits and a fraction", in: `{"N":"-1234567890123456789.0123456789012345678"}`, want: `-1234567890123456789.0123456789012345678`},
		{name: "exponents", in: `{"NS":["1E125","-1e-130","1.5E+3"]}`, want: `[1E125,-1e-130,1.5E+3]`},
		{name: "zeros", in: `{"NS":["0","-0","0.0","0e0"]}`, want: `[0,-0,0.0,0e0]`},
		{name: "plus", in: `{"N":"+5"}`, want: `5`},
		{name: "no whole part", in: `{"NS":[".5","-.5","+.5e3"]}`, want: `[0.5,-0.5,0.5e3]`},
		{name: "no fraction", in: `{"NS":["1.","-12.e5"]}`, want: `[1,-12e5]`},
		{name: "leading zeros", in: `{"NS":["007","-007.50","00","000.5"]}`, want: `[7,-7.50,0,0.5]`},
		{name: "escaped digits", in: `{"NS":["\u0031\u0032","\u002b5","\u002e5","1\u0065\u0035"]}`, want: `[12,5,0.5,1e5]`},
		{name: "eight digits and more", in: `{"NS":["12345678","123456789","1234567812345678","12345678.12345678"]}`, want: `[12345678,123456789,1234567812345678,12345678.12345678]`},

		// strings
		{name: "escapes come out minimal", in: `{"L":[{"S":"\u0041\/\u2028\u0026\u003c\u007f"}]}`, want: "[\"A/\u2028&<\x7f\"]"},
		{name: "short escapes", in: `{"L":[{"S":"\"\\\b\f\n\r\t"},{"S":"\u0022\u005c\u0008\u000c\u000A\u000d\u0009"}]}`, want: `["\"\\\b\f\n\r\t","\"\\\b\f\n\r\t"]`},
		{name: "control characters", in: `{"L":[{"S":"\u0000\u001F\u000b"}]}`, want: `["\u0000\u001f\u000b"]`},
		{name: "two, three and four bytes", in: `{"L":[{"S":"é€😀"},{"S":"\u00e9\u20ac\ud83d\ude00"}]}`, want: `["é€😀","é€😀"]`},
		{name: "ends of the planes", in: `{"L":[{"S":"\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff\ud800\udc00\udbff\udfff"}]}`, want: "[\"\x7f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff\"]"},
		{name: "keys have escapes too", in: `{"M":{"\u0061\n\u00e9":{"N":"1"}}}`, want: `{"a\né":1}`},
		{name: "string of every length", in: `{"SS":["","1","12","1234567","12345678","123456789","123456789012345","1234567890123456","12345678901234567"]}`,
			want: `["","1","12","1234567","12345678","123456789","123456789012345","1234567890123456","12345678901234567"]`},

		// a payload of type S is JSON text
		{name: "text: object", in: `{"S":"{\"a\":[1, 2.50,\"\\u00e9\"]}"}`, want: `{"a":[1, 2.50,"\u00e9"]}`},
		{name: "text: string", in: `{"S":"\"x\""}`, want: `"x"`},
		{name: "text: words", in: `{"S":"[true,false,null]"}`, want: `[true,false,null]`},
		{name: "text: numbers", in: `{"S":"[0,-0,1.5e+3,1E400,-12345678901234567890.5]"}`, want: `[0,-0,1.5e+3,1E400,-12345678901234567890.5]`},
		{name: "text: white space around", in: `{"S":" \n{ } "}`, want: " \n{ } "},
		{name: "text: escaped by the stream", in: `{"S":"\u007b\"\u00e9\":1\u007d"}`, want: `{"é":1}`},
		{name: "text: in white space", in: `{ "S" : "1" }`, want: `1`},
		{name: "text: as deep as encoding/json reads", in: `{"S":"` + deepestOut + `"}`, want: deepestOut},
		{name: "text: too deep", in: `{"S":"[` + deepestOut + `]"}`, code: streamrecord.TooDeep, path: "event.payload"},
		{name: "text: empty", in: `{"S":""}`, code: streamrecord.BadPayload, path: "event.payload"},
		{name: "text: not JSON", in: `{"S":"hello"}`, code: streamrecord.BadPayload, path: "event.payload"},
		{name: "text: two values", in: `{"S":"1 2"}`, code: streamrecord.BadPayload, path: "event.payload"},
		{name: "text: members without object", in: `{"S":"1,\"x\":2"}`, code: streamrecord.BadPayload, path: "event.payload"},
		{name: "text: closes the Detail", in: `{"S":"1}"}`, code: streamrecord.BadPayload, path: "event.payload"},
		{name: "text: trailing comma", in: `{"S":"[1,]"}`, code: streamrecord.BadPayload, path: "event.payload"},
		{name: "text: leading zero", in: `{"S":"01"}`, code: streamrecord.BadPayload, path: "event.payload"},
		{name: "text: key without quotes", in: `{"S":"{a:1}"}`, code: streamrecord.BadPayload, path: "event.payload"},
		{name: "text: key without value", in: `{"S":"{\"a\"}"}`, code: streamrecord.BadPayload, path: "event.payload"},
		{name: "text: brackets of two kinds", in: `{"S":"[1}"}`, code: streamrecord.BadPayload, path: "event.payload"},
		{name: "text: cut off", in: `{"S":"{\"a\":[1"}`, code: streamrecord.BadPayload, path: "event.payload"},
		{name: "text: cut off in a string", in: `{"S":"\"abc"}`, code: streamrecord.BadPayload, path: "event.payload"},
		{name: "text: control character", in: `{"S":"\"\u0001\""}`, code: streamrecord.BadPayload, path: "event.payload"},
		{name: "text: half a surrogate pair", in: `{"S":"\"\\ud800\""}`, code: streamrecord.BadPayload, path: "event.payload"},
		{name: "text: byte order mark", in: `{"S":"\ufeff1"}`, code: streamrecord.BadPayload, path: "event.payload"},

		// what is none of it
		{name: "unknown type", in: `{"X":"1"}`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "unknown type inside", in: `{"M":{"a":{"L":[{"N":"1"},{"Z":"1"}]}}}`, code: streamrecord.UnsupportedType, path: "event.payload.a[1]"},
		{name: "type in lower case", in: `{"s":["a"]}`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "type of our own tables", in: `{"t":true}`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "no type", in: `{}`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "two types", in: `{"S":"1","N":"1"}`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "two types, same", in: `{"N":"1","N":"1"}`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "two types inside", in: `{"M":{"a":{"N":"1","S":"1"}}}`, code: streamrecord.UnsupportedType, path: "event.payload.a"},
		{name: "plain JSON number", in: `5`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "plain JSON string", in: `"5"`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "null", in: `null`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "array", in: `[]`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "key with a dot", in: `{"M":{"a.b":{"L":[{"N":"1"},{"M":{"c d":1}}]}}}`, code: streamrecord.UnsupportedType, path: `event.payload["a.b"][1]["c d"]`},
		{name: "key with escapes", in: `{"M":{"\u0061\u00e9\n":1}}`, code: streamrecord.UnsupportedType, path: `event.payload["aé\n"]`},
		{name: "plain JSON in a map", in: `{"M":{"a":1}}`, code: streamrecord.UnsupportedType, path: "event.payload.a"},
		{name: "N without quotes", in: `{"N":1}`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "S of a number", in: `{"M":{"a":{"S":1}}}`, code: streamrecord.UnsupportedType, path: "event.payload.a"},
		{name: "S of null", in: `{"M":{"a":{"S":null}}}`, code: streamrecord.UnsupportedType, path: "event.payload.a"},
		{name: "M of an array", in: `{"M":[]}`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "L of an object", in: `{"L":{}}`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "SS of a string", in: `{"SS":"a"}`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "SS of numbers", in: `{"SS":[1]}`, code: streamrecord.UnsupportedType, path: "event.payload[0]"},
		{name: "BOOL as text", in: `{"BOOL":"true"}`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "BOOL of a number", in: `{"BOOL":1}`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "BOOL that goes on", in: `{"BOOL":trueish}`, code: streamrecord.BadRecord, path: "event.payload"},
		{name: "NULL false", in: `{"NULL":false}`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "B of a number", in: `{"B":1}`, code: streamrecord.UnsupportedType, path: "event.payload"},
		{name: "B with a character of another alphabet", in: `{"B":"a-_="}`, code: streamrecord.BadBinary, path: "event.payload"},
		{name: "B without padding", in: `{"B":"aGk"}`, code: streamrecord.BadBinary, path: "event.payload"},
		{name: "B of padding", in: `{"B":"===="}`, code: streamrecord.BadBinary, path: "event.payload"},
		{name: "BS with one bad", in: `{"BS":["aGk=","a"]}`, code: streamrecord.BadBinary, path: "event.payload[1]"},
		{name: "N empty", in: `{"N":""}`, code: streamrecord.BadNumber, path: "event.payload"},
		{name: "N of signs", in: `{"L":[{"N":"-"}]}`, code: streamrecord.BadNumber, path: "event.payload[0]"},
		{name: "N point only", in: `{"N":"."}`, code: streamrecord.BadNumber, path: "event.payload"},
		{name: "N exponent only", in: `{"N":"e5"}`, code: streamrecord.BadNumber, path: "event.payload"},
		{name: "N exponent without digits", in: `{"N":"1e+"}`, code: streamrecord.BadNumber, path: "event.payload"},
		{name: "N with a space", in: `{"N":"1 "}`, code: streamrecord.BadNumber, path: "event.payload"},
		{name: "N not a number", in: `{"N":"NaN"}`, code: streamrecord.BadNumber, path: "event.payload"},
		{name: "N hexadecimal", in: `{"N":"0x1F"}`, code: streamrecord.BadNumber, path: "event.payload"},
		{name: "N two points", in: `{"N":"1.2.3"}`, code: streamrecord.BadNumber, path: "event.payload"},
		{name: "N with other digits", in: `{"N":"१"}`, code: streamrecord.BadNumber, path: "event.payload"},
		{name: "N that would be two members", in: `{"N":"1,\"x\":2"}`, code: streamrecord.BadNumber, path: "event.payload"},
		{name: "NS with one bad", in: `{"NS":["1","x"]}`, code: streamrecord.BadNumber, path: "event.payload[1]"},
		{name: "high half alone", in: `{"M":{"a":{"S":"\ud83d"}}}`, code: streamrecord.BadString, path: "event.payload.a"},
		{name: "low half alone", in: `{"M":{"a":{"S":"\ude00"}}}`, code: streamrecord.BadString, path: "event.payload.a"},
		{name: "two high halves", in: `{"M":{"a":{"S":"\ud83d\ud83d"}}}`, code: streamrecord.BadString, path: "event.payload.a"},
		{name: "high half and a letter", in: `{"M":{"a":{"S":"\ud83dx\ude00"}}}`, code: streamrecord.BadString, path: "event.payload.a"},
		{name: "half a pair in a key", in: `{"M":{"\ud83d":{"N":"1"}}}`, code: streamrecord.BadString, path: "event.payload"},
		{name: "invalid UTF-8", in: "{\"M\":{\"a\":{\"S\":\"x\xff\"}}}", code: streamrecord.BadString, path: "event.payload.a"},
		{name: "invalid UTF-8, cut off", in: "{\"M\":{\"a\":{\"S\":\"long enough for a word \xe2\x82\"}}}", code: streamrecord.BadString, path: "event.payload.a"},
		{name: "invalid UTF-8, completed by an escape", in: "{\"M\":{\"a\":{\"S\":\"\xc3\\u00a9\"}}}", code: streamrecord.BadString, path: "event.payload.a"},
		{name: "surrogate in UTF-8", in: "{\"M\":{\"a\":{\"S\":\"\xed\xa0\x80\"}}}", code: streamrecord.BadString, path: "event.payload.a"},
		{name: "overlong UTF-8", in: "{\"M\":{\"a\":{\"S\":\"\xc0\xaf\"}}}", code: streamrecord.BadString, path: "event.payload.a"},
		{name: "control character", in: "{\"M\":{\"a\":{\"S\":\"x\ny\"}}}", code: streamrecord.BadString, path: "event.payload.a"},
		{name: "unknown escape", in: `{"M":{"a":{"S":"\x41"}}}`, code: streamrecord.BadString, path: "event.payload.a"},
		{name: "short escape", in: `{"M":{"a":{"S":"\u12"}}}`, code: streamrecord.BadString, path: "event.payload.a"},
		{name: "escape with a wrong digit", in: `{"M":{"a":{"S":"\u00g0"}}}`, code: streamrecord.BadString, path: "event.payload.a"},
		{name: "no colon", in: `{"M":{"a" {"N":"1"}}}`, code: streamrecord.BadRecord, path: "event.payload"},
		{name: "no comma", in: `{"L":[{"N":"1"} {"N":"2"}]}`, code: streamrecord.BadRecord, path: "event.payload[0]"},
		{name: "trailing comma in a map", in: `{"M":{"a":{"N":"1"},}}`, code: streamrecord.BadRecord, path: "event.payload"},
		{name: "trailing comma in a list", in: `{"L":[{"N":"1"},]}`, code: streamrecord.UnsupportedType, path: "event.payload[1]"},
		{name: "key that is not a string", in: `{"M":{1:{"N":"1"}}}`, code: streamrecord.BadRecord, path: "event.payload"},
		{name: "brackets of two kinds", in: `{"M":{"a":{"N":"1"]}}`, code: streamrecord.BadRecord, path: "event.payload.a"},
		{name: "a map that ends as a list", in: `{"M":{"a":{"N":"1"}]}`, code: streamrecord.BadRecord, path: "event.payload.a"},
		{name: "a list that ends as a map", in: `{"L":[{"N":"1"}}}`, code: streamrecord.BadRecord, path: "event.payload[0]"},
		{name: "a value in a list that ends as one", in: `{"L":[{"N":"1"],{"N":"2"}]}`, code: streamrecord.BadRecord, path: "event.payload[0]"},
		{name: "a value in a list that ends as one, at its end", in: `{"L":[{"N":"1"]]}`, code: streamrecord.BadRecord, path: "event.payload[0]"},
		{name: "a set that ends as a map", in: `{"SS":["a"}}`, code: streamrecord.BadRecord, path: "event.payload[0]"},
		{name: "a set too deep", in: strings.Repeat(`{"L":[`, maxDepth-1) + `{"SS":[]}` + strings.Repeat(`]}`, maxDepth-1), code: streamrecord.TooDeep},
		{name: "maps too deep", in: strings.Repeat(`{"M":{"a":`, maxDepth-1) + `{"M":{}}` + strings.Repeat(`}}`, maxDepth-1), code: streamrecord.TooDeep},
		{name: "too deep", in: tooDeepIn, code: streamrecord.TooDeep},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := decodeOne(t, `{"M":{`+goodHeaders+`,"payload":`+row.in+`}}`)
			if row.code != "" {
				require.Equal(t, streamrecord.Undecodable, r.Kind, "%s", r.Detail)
				require.Equal(t, row.code, r.Fault.Code, r.Fault.Message)
				require.True(t, strings.HasSuffix(r.Fault.Message, ": "+words[row.code]), r.Fault.Message)
				if row.path != "" {
					require.Equal(t, row.path+": "+words[row.code], r.Fault.Message)
				}
				require.Equal(t, "e1", r.EventID, "the headers were readable")
				return
			}
			require.Nil(t, r.Fault)
			require.Equal(t, strings.Replace(goodDetail, `{"a":1}`, row.want, 1), string(r.Detail))
			require.True(t, json.Valid(r.Detail))
		})
	}
}
