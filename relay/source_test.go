package relay_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// Records as other sources deliver them to a function, by the source that they
// name.
var otherSources = map[string]string{
	"aws:kinesis": `{"eventSource":"aws:kinesis","eventSourceARN":"arn:aws:kinesis:us-east-1:1:stream/s",` +
		`"kinesis":{"sequenceNumber":"1","data":"e30="}}`,
	"aws:sqs": `{"messageId":"m","receiptHandle":"r","body":"{}","attributes":{},"messageAttributes":{},` +
		`"md5OfBody":"x","eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:1:q","awsRegion":"us-east-1"}`,
	"aws:sns": `{"EventSource":"aws:sns","EventVersion":"1.0","EventSubscriptionArn":"arn:aws:sns:us-east-1:1:t:s",` +
		`"Sns":{"Type":"Notification","Message":"{}"}}`,
	"aws:s3": `{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventName":"ObjectCreated:Put",` +
		`"s3":{"bucket":{"name":"b"},"object":{"key":"k"}}}`,
	"aws:ses":        `{"eventSource":"aws:ses","eventVersion":"1.0","ses":{"mail":{},"receipt":{}}}`,
	"aws:codecommit": `{"eventSource":"aws:codecommit","awsRegion":"us-east-1","codecommit":{"references":[]}}`,
	"my:own":         `{"eventSource":"my:own"}`,
	"aws:dynamodbs":  `{"eventSource":"aws:dynamodbs"}`,
	"AWS:DYNAMODB":   `{"eventSource":"AWS:DYNAMODB"}`,
}

// requireNothingConsumed checks that an invocation ended with an error that has
// each of these texts, and that nothing came of its records: a source that takes
// an answer for success would delete what nobody has read.
func requireNothingConsumed(t *testing.T, payload []byte, texts ...string) {
	t.Helper()
	bothAnswers(t, "nothing is consumed", func(t *testing.T, answers func(*relay.Options)) {
		bus, sink, log := &scriptedBus{}, &recordingSink{}, &logRecorder{}
		var m relay.Metrics
		h := newHandler(t, bus, sink, answers, keep(&m), func(o *relay.Options) { o.Logger = log.logger() })
		for range 2 {
			out, err := h.Invoke(t.Context(), payload)
			require.Zero(t, sink.puts, "dead letters")
			require.Empty(t, bus.calls, "events published")
			require.Error(t, err, "the answer is %s", out)
			require.Nil(t, out, "an answer, which may count as success")
			for _, text := range texts {
				require.ErrorContains(t, err, text)
			}
			require.Less(t, len(err.Error()), 1000)
			require.True(t, m.Error)
		}
		require.NotEmpty(t, logged(log, append(texts, `"level":"ERROR"`)...), log.String())
	})
}

// What another source delivers is not the relay's: it says so, and lets that
// source keep it. No batch of one mapping has records of two sources; who makes
// one by hand learns of it before anything is published.
func TestRecordsOfAnotherSource(t *testing.T) {
	for source, record := range otherSources {
		other := testRecord{raw: record}
		for name, rs := range map[string][]testRecord{
			"alone":         {other},
			"several":       slices.Repeat([]testRecord{other}, 10),
			"before events": slices.Insert(records(1, 2), 0, other),
			"among events":  slices.Insert(records(1, 2), 1, other),
			"behind events": append(records(1, 2), other),
		} {
			t.Run(source+", "+name, func(t *testing.T) { requireNothingConsumed(t, batch(rs...), source) })
		}
	}
}

// A record may look like one of DynamoDB's in everything but its source: then a
// copy of the stream was put into a queue, or the source is a slip. Both are to
// be looked at, and neither is an event to publish or to put away.
func TestAnEventFromAnotherSource(t *testing.T) {
	for name, changed := range map[string][2]string{
		"an event":          {`"aws:dynamodb"`, `"aws:kinesis"`},
		"the source last":   {`"eventSourceARN":`, `"eventSource":"aws:kinesis","eventSourceARN":`},
		"what is no INSERT": {`"eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb"`, `"eventName":"MODIFY","eventSource":"aws:kinesis"`},
		"what cannot be read": {`"eventSource":"aws:dynamodb","awsRegion":"eu-west-1","dynamodb":{`,
			`"eventSource":"aws:kinesis","awsRegion":"eu-west-1","dynamodb":7,"x":{`},
	} {
		t.Run(name, func(t *testing.T) {
			r := testRecord{sequence: 1}
			if name == "the source last" { // and only there
				r = r.with(`"eventSource":"aws:dynamodb",`, "")
			}
			requireNothingConsumed(t, batch(r.with(changed[0], changed[1])), "aws:kinesis")
		})
	}
}

// The name of a source is text of others: the error has no more of it than is
// good for a log.
func TestTheNameOfASourceIsCutOff(t *testing.T) {
	requireNothingConsumed(t, []byte(`{"Records":[{"eventSource":"`+strings.Repeat("x", 1_000_000)+`"}]}`), "xxx")
}

// A stream without new images has no events to publish, in whatever record that
// shows: it is a slip of the configuration.
func TestAStreamWithoutNewImages(t *testing.T) {
	for _, view := range []string{"KEYS_ONLY", "OLD_IMAGE"} {
		for _, what := range []string{"INSERT", "MODIFY", "REMOVE"} {
			for at := range 3 {
				t.Run(fmt.Sprintf("%s, %s, at %d", view, what, at), func(t *testing.T) {
					text := testRecord{sequence: 9}.template()
					text = strings.NewReplacer(`"NEW_IMAGE"`, `"`+view+`"`, `"INSERT"`, `"`+what+`"`, `"NewImage"`, `"OldImage"`).Replace(text)
					requireNothingConsumed(t, batch(slices.Insert(records(1, 2), at, testRecord{raw: text})...), view, "NEW_IMAGE")
				})
			}
		}
	}
}

// A record that names no source is judged by what is in it: so it is kept in a
// dead letter, and so it comes from the event store.
func TestARecordWithoutASource(t *testing.T) {
	bus, sink := &scriptedBus{}, &recordingSink{}
	h := newHandler(t, bus, sink)
	const source = `"eventSource":"aws:dynamodb",`
	invoke(t, h, batch(
		testRecord{sequence: 1}.with(source, ""), testRecord{sequence: 2, payload: `{"??":1}`}.with(source, ""),
		testRecord{sequence: 3}, testRecord{sequence: 4}.with(`"aws:dynamodb"`, `"aws:d\u0079namodb"`)))
	require.Equal(t, []string{"event-1", "event-3", "event-4"}, bus.accepted)
	require.Equal(t, []string{"event-2"}, sink.ids())
}
