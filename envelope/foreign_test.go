package envelope_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// notification is what SNS puts into a queue without raw message delivery.
func notification(t *testing.T, message string) string {
	t.Helper()
	quoted, err := json.Marshal(message)
	require.NoError(t, err)
	return `{"Type":"Notification","MessageId":"22b80b92","TopicArn":"arn:aws:sns:eu-west-1:1:events","Message":` + string(quoted) +
		`,"Timestamp":"2025-11-24T16:00:00Z","SignatureVersion":"1","Signature":"x","SigningCertURL":"x","UnsubscribeURL":"x"}`
}

func TestFromSQSTakesAnSNSNotification(t *testing.T) {
	want, err := envelope.Parse([]byte(golden))
	require.NoError(t, err)
	got, err := envelope.FromSQS([]byte(notification(t, golden)))
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = envelope.FromSQS([]byte(notification(t, busEvent)))
	require.NoError(t, err)
	require.Equal(t, want.Headers, got.Headers)
	require.Equal(t, "6a7e8feb", got.Bus.ID)

	got, err = envelope.FromSQS([]byte(golden[:len(golden)-1] + `,"Type":"Notification","Message":"{}"}`))
	require.NoError(t, err)
	require.Equal(t, want, got, "an event with members like those of SNS is an event")

	_, err = envelope.FromSQS([]byte(notification(t, notification(t, golden))))
	require.ErrorContains(t, err, "an SNS notification within another")
	_, err = envelope.FromSQS([]byte(notification(t, "hello")))
	require.ErrorContains(t, err, "the Message of an SNS notification is not valid JSON at byte 0")
}

// What is not an event of the outbox is named, so that whoever reads the log
// knows what is wired wrongly.
func TestWhatIsNotAnEventIsNamed(t *testing.T) {
	quoted, err := json.Marshal(golden)
	require.NoError(t, err)
	for name, c := range map[string]struct{ message, says string }{
		"SQS event": {`{"Records":[{"messageId":"m1","receiptHandle":"r","body":` + string(quoted) + `,"eventSource":"aws:sqs"}]}`,
			"a whole SQS event; give FromSQS the body of each of its Records"},
		"SQS record":       {`{"messageId":"m1","receiptHandle":"r","body":"x","eventSource":"aws:sqs"}`, "a whole SQS message; give FromSQS its body"},
		"SQS message":      {`{"MessageId":"m1","ReceiptHandle":"r","Body":"x"}`, "a whole SQS message"},
		"SNS event":        {`{"Records":[{"EventSource":"aws:sns","Sns":{"Type":"Notification"}}]}`, "a whole SNS event; give FromSQS the Sns.Message of each of its Records"},
		"SNS subscription": {`{"Type":"SubscriptionConfirmation","Token":"x"}`, "an SNS message of the type SubscriptionConfirmation"},
		"S3 event":         {`{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","s3":{}}]}`, "an event of aws:s3"},
		"S3 test event":    {`{"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"}`, "the test event of S3"},
		"stream event":     {`{"Records":[{"eventSource":"aws:dynamodb","dynamodb":{}}]}`, "an event of aws:dynamodb; the relay takes it"},
		"pipes record":     {`{"eventID":"1","eventName":"INSERT","eventSource":"aws:dynamodb","dynamodb":{"NewImage":{}}}`, "a DynamoDB stream record, as EventBridge Pipes sends it"},
		"on-failure": {`{"version":"1.0","requestContext":{},"responseContext":{},"DDBStreamBatchInfo":{}}`,
			"a record of a failed batch of the stream"},
		"bare payload":   {`{"userId":"u1","email":"a@example.com"}`, "headers: missing; this looks like a payload alone"},
		"no headers":     {`{"payload":{"userId":"u1"}}`, "headers: missing"},
		"another's":      {`{"version":"0","id":"1","detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{}}}`, `detail.headers: missing; this is an EventBridge event of the source "aws.s3" with the detail-type "Object Created"`},
		"array":          {`[` + golden + `]`, "a JSON array"},
		"quoted":         {string(quoted), "a JSON string, not the JSON object of an event; if it holds an event, decode it first"},
		"number":         {`12`, "a JSON number"},
		"null":           {`null`, "null"},
		"text":           {`User 4111 created`, "not valid JSON at byte 0"},
		"damaged":        {`{"headers":{"eventId":4111`, "not valid JSON at byte 26"},
		"empty":          {``, "empty"},
		"headers array":  {`{"headers":["4111"],"payload":1}`, "headers: not a JSON object"},
		"headers string": {`{"headers":"4111","payload":1}`, "headers: not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := envelope.FromSQS([]byte(c.message))
			t.Log(err)
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "4111")
			require.NotContains(t, err.Error(), `event "" ("")`, "an event of which nothing is known has no name")
			for _, parse := range []func([]byte) (envelope.CustomEvent, error){envelope.Parse, envelope.FromEventBridge} {
				_, err := parse([]byte(c.message))
				require.Error(t, err)
				if !strings.HasPrefix(c.says, "headers: ") && name != "another's" {
					require.ErrorContains(t, err, c.says)
				}
			}
		})
	}

	_, err = envelope.Parse([]byte(busEvent))
	require.ErrorContains(t, err, "a whole EventBridge event; give it to FromEventBridge")
	_, err = envelope.FromEventBridge([]byte(golden))
	require.ErrorContains(t, err, "detail: missing; this is a Detail alone; give it to Parse")
	_, err = envelope.FromEventBridge([]byte(notification(t, busEvent)))
	require.ErrorContains(t, err, "an SNS notification; give it to FromSQS")
}

// Headers are read in their order, and what is wrong is said of the first: an
// error of one event has one text.
func TestErrorsDoNotDependOnTheOrderOfAMap(t *testing.T) {
	for name, c := range map[string]struct{ headers, want string }{
		"eventId first": {`{"eventId":"e1","eventName":"E","source":1,"region":2,"timestamp":"x","sequence":1.5}`,
			`envelope: event "e1" ("E"): headers.source: not a string`},
		"eventId last": {`{"sequence":1.5,"timestamp":"x","region":2,"source":1,"eventName":"E","eventId":"e1"}`,
			`envelope: event "e1" ("E"): headers.sequence: not a whole number`},
	} {
		t.Run(name, func(t *testing.T) {
			texts := map[string]bool{}
			for range 200 {
				_, err := envelope.Parse([]byte(`{"headers":` + c.headers + `,"payload":1}`))
				require.Error(t, err)
				texts[err.Error()] = true
			}
			require.Equal(t, map[string]bool{c.want: true}, texts)
		})
	}
}

func TestParseTakesWholeNumbersHoweverWritten(t *testing.T) {
	for _, timestamp := range []string{`1.7639424E12`, `1763942400000.0`, `17639424e5`, `1763942400000`, `"1763942400000"`, `"1.7639424E12"`} {
		for _, sequence := range []string{`3`, `3.0`, `0.3e1`, `"3"`, `30E-1`} {
			ev, err := envelope.Parse([]byte(`{"headers":{"eventId":"e","eventName":"E","timestamp":` + timestamp +
				`,"aggregateId":"a","sequence":` + sequence + `},"payload":1}`))
			require.NoError(t, err, "%s %s", timestamp, sequence)
			require.Equal(t, int64(1763942400000), ev.Headers.Timestamp.UnixMilli(), timestamp)
			require.Equal(t, int64(3), ev.Headers.Sequence, sequence)
		}
	}
	for _, sequence := range []string{`3.5`, `1e-1`, `9223372036854775808`, `1e400`, `"3x"`, `""`, `true`, `[]`} {
		_, err := envelope.Parse([]byte(`{"headers":{"eventId":"e","eventName":"E","timestamp":1763942400000,"sequence":` + sequence + `},"payload":1}`))
		require.ErrorContains(t, err, `event "e" ("E"): headers.sequence: not a whole number`)
	}
}

const busEvent = `{"version":"0","id":"6a7e8feb","detail-type":"User.Created","source":"userService","account":"123456789012",` +
	`"time":"2025-11-24T16:00:00Z","region":"eu-west-1","resources":["arn:aws:x","arn:aws:y"],"replay-name":"friday","detail":` + golden + `}`

func TestWhatTheBusAdds(t *testing.T) {
	want := envelope.BusInfo{
		ID: "6a7e8feb", Time: time.Date(2025, 11, 24, 16, 0, 0, 0, time.UTC), Account: "123456789012", Region: "eu-west-1",
		Resources: []string{"arn:aws:x", "arn:aws:y"}, ReplayName: "friday",
	}
	for name, read := range map[string]func([]byte) (envelope.CustomEvent, error){"SQS": envelope.FromSQS, "EventBridge": envelope.FromEventBridge} {
		t.Run(name, func(t *testing.T) {
			ev, err := read([]byte(busEvent))
			require.NoError(t, err)
			require.Equal(t, want, ev.Bus)
			wire, err := json.Marshal(ev)
			require.NoError(t, err)
			require.Equal(t, golden, string(wire), "it is not part of the event")

			// An event is not refused for what the bus says of it.
			for _, resources := range []string{`"x"`, `["x",1]`, `[]`, `null`} {
				ev, err = read([]byte(`{"id":1,"time":"noon","account":null,"region":[],"resources":` + resources + `,"detail":` + golden + `}`))
				require.NoError(t, err)
				require.Equal(t, envelope.BusInfo{}, ev.Bus)
			}
		})
	}
	ev, err := envelope.FromSQS([]byte(golden))
	require.NoError(t, err)
	require.Equal(t, envelope.BusInfo{}, ev.Bus, "a Detail alone says nothing of its bus")
}
