package relay_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// What must come out of a record.
const (
	publish  = "published"
	skip     = "skipped"
	reported = "reported"
	// anything else is the code of a dead letter
)

// hostileRow is a record that a stream might bring, made from a good one by
// replacing pieces of it.
type hostileRow struct {
	name    string
	replace []string // old, new, old, new …
	record  string   // instead
	want    string
	detail  string // of what is published, if it matters; JSON
	opt     func(*relay.Options)
}

// before is the record with the first n of replace made, and its times open.
func (r hostileRow) before(n int) string {
	record := r.record
	if record == "" {
		record = testRecord{sequence: 2}.template()
	}
	for i := 0; i < n; i += 2 {
		record = strings.ReplaceAll(record, r.replace[i], r.replace[i+1])
	}
	return record
}

const (
	goodHeaders = `{"headers":{"eventId":"event-2","eventName":"User.Created","source":"userService","timestamp":0}`
	timestampN  = `"timestamp":{"N":"$ms"}`
	eventIDS    = `"eventId":{"S":"event-2"}`
	payloadM    = `"payload":{"M":{"secret":{"S":"` + testSecret + `"}}}`
)

func goodHeadersOf(i int) string { return strings.Replace(goodHeaders, "event-2", eventID(i), 1) }

func payload(av string) []string { return []string{payloadM, `"payload":` + av} }

func hostileRows() []hostileRow {
	deep := func(n int) string {
		return strings.Repeat(`{"L":[`, n) + `{"NULL":true}` + strings.Repeat(`]}`, n)
	}
	marker := func(o *relay.Options) { o.Layout.Marker = "kind" }
	region := func(o *relay.Options) { o.Region = "eu-west-1" }
	inRegion := func(r string) []string { return []string{timestampN, timestampN + `,"region":` + r} }
	others := idsOf(1, 3)
	routed := func(f func(*relay.Entry) error) func(*relay.Options) { return func(o *relay.Options) { o.Route = f } }
	return []hostileRow{
		// what must be published
		{name: "as it is", want: publish},
		{name: "payload as JSON text", replace: payload(`{"S":"{\"a\": [1, 2]}"}`), want: publish, detail: goodHeaders + `,"payload":{"a":[1,2]}}`},
		{name: "payload a JSON text of a string", replace: payload(`{"S":"\"x\""}`), want: publish, detail: goodHeaders + `,"payload":"x"}`},
		{name: "payload a number", replace: payload(`{"N":"1.5"}`), want: publish, detail: goodHeaders + `,"payload":1.5}`},
		{name: "payload null", replace: payload(`{"NULL":true}`), want: publish, detail: goodHeaders + `,"payload":null}`},
		{name: "payload an empty map", replace: payload(`{"M":{}}`), want: publish, detail: goodHeaders + `,"payload":{}}`},
		{name: "38 digits", replace: payload(`{"N":"12345678901234567890123456789012345678"}`), want: publish, detail: goodHeaders + `,"payload":12345678901234567890123456789012345678}`},
		{name: "binary", replace: payload(`{"B":"AAEC/w=="}`), want: publish, detail: goodHeaders + `,"payload":"AAEC/w=="}`},
		{name: "string set", replace: payload(`{"SS":["a","b"]}`), want: publish, detail: goodHeaders + `,"payload":["a","b"]}`},
		{name: "number set", replace: payload(`{"NS":["1","2"]}`), want: publish, detail: goodHeaders + `,"payload":[1,2]}`},
		{name: "binary set", replace: payload(`{"BS":["AA=="]}`), want: publish, detail: goodHeaders + `,"payload":["AA=="]}`},
		{name: "surrogate pair", replace: payload(`{"M":{"e":{"S":"\ud83d\ude00"}}}`), want: publish, detail: goodHeaders + `,"payload":{"e":"😀"}}`},
		{name: "escaped quotes and controls", replace: payload(`{"M":{"e":{"S":"\"\\\u0000\n"}}}`), want: publish, detail: goodHeaders + `,"payload":{"e":"\"\\\u0000\n"}}`},
		{name: "deep as DynamoDB allows", replace: payload(deep(30)), want: publish},
		{name: "a header of tomorrow", replace: []string{eventIDS, eventIDS + `,"tomorrow":{"M":{"x":{"N":"1"}}}`}, want: publish},
		{name: "unknown members everywhere", replace: []string{`"eventVersion"`, `"new":{"a":[1,{}]},"eventVersion"`, `"SizeBytes"`, `"other":null,"SizeBytes"`}, want: publish},
		{name: "white space", replace: []string{`,`, " ,\n\t", `:{`, ` : { `}, want: publish},
		{name: "timestamp as a string", replace: []string{timestampN, `"timestamp":{"S":"$ms"}`}, want: publish},
		{name: "quoted creation time", replace: []string{`"ApproximateCreationDateTime":$s`, `"ApproximateCreationDateTime":"$s"`}, want: publish},
		{name: "nonsense creation time", replace: []string{`"ApproximateCreationDateTime":$s`, `"ApproximateCreationDateTime":{"x":1}`}, want: publish},
		{name: "no creation time", replace: []string{`"ApproximateCreationDateTime":$s,`, ``}, want: publish},
		{name: "no keys", replace: []string{`"Keys":{"pk":{"S":"event-2"},"sk":{"N":"$ms"}},`, ``}, want: publish},
		{name: "no stream ARN", replace: []string{`,"eventSourceARN":"` + testARN + `"`, ``}, want: publish},
		{name: "no sequence number", replace: []string{`"SequenceNumber":"000000000000000000002",`, ``}, want: publish},
		{name: "short sequence number", replace: []string{`"SequenceNumber":"000000000000000000002"`, `"SequenceNumber":"2"`}, want: publish},
		{name: "event version of the future", replace: []string{`"eventVersion":"1.1"`, `"eventVersion":"9.9"`}, want: publish},
		{name: "traceparent that cannot be one", replace: []string{eventIDS, eventIDS + `,"traceparent":{"S":"00-x"}`}, want: publish},
		{name: "traceparent of another type", replace: []string{eventIDS, eventIDS + `,"traceparent":{"N":"1"}`}, want: publish},
		{name: "aggregateId of another type", replace: []string{eventIDS, eventIDS + `,"aggregateId":{"N":"1"}`}, want: publish},
		{name: "members beside headers and payload", replace: []string{payloadM, payloadM + `,"extra":{"BOOL":true}`}, want: publish},
		{name: "an old image too", replace: []string{`"StreamViewType":"NEW_IMAGE"`, `"StreamViewType":"NEW_AND_OLD_IMAGES"`}, want: publish},

		// what is skipped
		{name: "MODIFY", replace: []string{`"eventName":"INSERT"`, `"eventName":"MODIFY"`}, want: skip},
		{name: "REMOVE", replace: []string{`"eventName":"INSERT"`, `"eventName":"REMOVE"`}, want: skip},
		{name: "REMOVE by time to live", replace: []string{`"eventName":"INSERT"`, `"eventName":"REMOVE","userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}`}, want: skip},
		{name: "no marker on a shared table", opt: marker, want: skip},
		{name: "another region's", opt: region, replace: inRegion(`{"S":"us-east-1"}`), want: skip},
		{name: "own region's", opt: region, replace: inRegion(`{"S":"eu-west-1"}`), want: publish},
		{name: "no region's", opt: region, replace: inRegion(`{"S":""}`), want: publish},
		{name: "region of another type", opt: region, replace: inRegion(`{"N":"1"}`), want: publish},
		{name: "another region's and unreadable", opt: region, replace: append(inRegion(`{"S":"us-east-1"}`), payload(`{"S":"{"}`)...), want: skip},
		{name: "marked", opt: marker, replace: []string{`"NewImage":{`, `"NewImage":{"kind":{"S":"` + envelope.MarkerValue + `"},`}, want: publish},

		// what can never be published
		{name: "marked by a later version", opt: marker, replace: []string{`"NewImage":{`, `"NewImage":{"kind":{"S":"outbox/2"},`}, want: "UnknownFormat"},
		{name: "no event attribute", replace: []string{`"event":{"M"`, `"something":{"M"`}, want: "MissingEvent"},
		{name: "a header twice", replace: []string{eventIDS, eventIDS + "," + eventIDS}, want: "DuplicateMember"},
		{name: "payload twice", replace: []string{payloadM, payloadM + "," + payloadM}, want: "DuplicateMember"},
		{name: "sequence number twice", replace: []string{`"SizeBytes":100`, `"SizeBytes":100,"SizeBytes":100`}, want: "DuplicateMember"},
		{name: "no new image", replace: []string{`"NewImage"`, `"Image"`}, want: "MissingNewImage"},
		{name: "null new image", record: `{"eventName":"INSERT","dynamodb":{"NewImage":null,"SequenceNumber":"2","StreamViewType":"NEW_IMAGE"}}`, want: "MissingNewImage"},
		{name: "no dynamodb member", record: `{"eventName":"INSERT","eventSourceARN":"` + testARN + `"}`, want: "MissingNewImage"},
		{name: "no eventName", replace: []string{`"eventName":"INSERT",`, ``}, want: "BadRecord"},
		{name: "unknown eventName", replace: []string{`"eventName":"INSERT"`, `"eventName":"UPSERT"`}, want: "BadRecord"},
		{name: "a number for a record", record: `7`, want: "BadRecord"},
		{name: "null for a record", record: `null`, want: "BadRecord"},
		{name: "an array for a record", record: `[1,2]`, want: "BadRecord"},
		{name: "names with unknown escapes", record: `{"eventName":"INSERT","\q":1,"dynamodb":{"\q":1,"Keys\q":{}}}`, want: "MissingNewImage"},
		{name: "an empty record", record: `{}`, want: "BadRecord"},
		{name: "damaged inside its frame", record: `{"eventName":"INSERT","dynamodb":{"NewImage":{,,}}}`, want: "BadRecord"},
		{name: "a bad literal", record: `{"eventName":"INSERT","dynamodb":{"NewImage":{"event":{"BOOL":tru}}}}`, want: "UnsupportedType"},
		{name: "event not a map", replace: []string{`"event":{"M":{`, `"event":{"S":"x"},"other":{"M":{`}, want: "UnsupportedType"},
		{name: "unknown type tag", replace: payload(`{"X":"1"}`), want: "UnsupportedType"},
		{name: "unknown type tag, nested", replace: payload(`{"M":{"a":{"L":[{"Q":1}]}}}`), want: "UnsupportedType"},
		{name: "two type tags", replace: payload(`{"S":"1","N":"1"}`), want: "UnsupportedType"},
		{name: "no type tag", replace: payload(`{}`), want: "UnsupportedType"},
		{name: "a number that is no string", replace: payload(`{"N":1}`), want: "UnsupportedType"},
		{name: "a number that cannot be one", replace: payload(`{"N":"12x"}`), want: "BadNumber"},
		{name: "NaN", replace: payload(`{"N":"NaN"}`), want: "BadNumber"},
		{name: "lone surrogate", replace: payload(`{"M":{"e":{"S":"\ud83d"}}}`), want: "BadString"},
		{name: "invalid UTF-8", replace: payload("{\"M\":{\"e\":{\"S\":\"\xff\"}}}"), want: "BadString"},
		{name: "binary that is not base64", replace: payload(`{"B":"***"}`), want: "BadBinary"},
		{name: "payload text that is no JSON", replace: payload(`{"S":"{\"a\":"}`), want: "BadPayload"},
		{name: "payload text of two values", replace: payload(`{"S":"1 2"}`), want: "BadPayload"},
		{name: "payload text that is empty", replace: payload(`{"S":""}`), want: "BadPayload"},
		{name: "no payload", replace: []string{`,` + payloadM, ``}, want: "MissingPayload"},
		{name: "no headers", replace: []string{`"headers":{`, `"heads":{`}, want: "MissingHeader"},
		{name: "no eventId", replace: []string{eventIDS + `,`, ``}, want: "MissingHeader"},
		{name: "no source", replace: []string{`"source":{"S":"userService"},`, ``}, want: "MissingHeader"},
		{name: "no timestamp", replace: []string{`,` + timestampN, ``}, want: "MissingHeader"},
		{name: "empty eventId", replace: []string{eventIDS, `"eventId":{"S":""}`}, want: "BadHeader"},
		{name: "numeric eventId", replace: []string{eventIDS, `"eventId":{"N":"2"}`}, want: "BadHeader"},
		{name: "timestamp in seconds", replace: []string{timestampN, `"timestamp":{"N":"$s"}`}, want: "BadHeader"},
		{name: "timestamp in microseconds", replace: []string{timestampN, `"timestamp":{"N":"$ms000"}`}, want: "BadHeader"},
		{name: "timestamp of the zero time", replace: []string{timestampN, `"timestamp":{"N":"-6795364578871"}`}, want: "BadHeader"},
		{name: "timestamp with a fraction", replace: []string{timestampN, `"timestamp":{"N":"$ms.5"}`}, want: "BadHeader"},
		{name: "deeper than JSON readers go", replace: payload(deep(20_000)), want: "TooDeep"},
		{name: "too large for any call", replace: payload(`{"M":{"x":{"S":"` + strings.Repeat("x", 1_000_001) + `"}}}`), want: "TooLarge"},
		{name: "sent there by the route", opt: routed(func(e *relay.Entry) error { return onTwo(e, fmt.Errorf("no: %w", relay.ErrDeadLetter)) }), want: "Routed"},

		// what is held
		{name: "route refuses", opt: routed(func(e *relay.Entry) error { return onTwo(e, context.Canceled) }), want: reported},
		{name: "route panics", opt: spoils(func(*relay.Entry) { panic("x") }, others...), want: reported},
		{name: "route empties the source", opt: spoils(func(e *relay.Entry) { e.Source = "" }, others...), want: reported},
		{name: "route empties the detail-type", opt: spoils(func(e *relay.Entry) { e.DetailType = "" }, others...), want: reported},
		{name: "route makes it too large", opt: spoils(func(e *relay.Entry) { e.Resources = []string{strings.Repeat("x", 1_000_001)} }, others...), want: reported},
		{name: "route changes what it may not", opt: spoils(func(e *relay.Entry) {
			e.EventID, e.Group, e.Detail = "changed", "changed", []byte("changed")
		}), want: publish, detail: goodHeaders + `,"payload":{"secret":"` + testSecret + `"}}`},
	}
}

func onTwo(e *relay.Entry, err error) error {
	if e.EventID == "event-2" {
		return err
	}
	return nil
}
