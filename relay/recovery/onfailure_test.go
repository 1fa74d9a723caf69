package recovery_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// leftBehind is what Lambda leaves in a queue of a batch of these records, which
// came at a time.
func leftBehind(first, last int, came time.Time) string {
	at := came.UTC().Format(time.RFC3339)
	return fmt.Sprintf(`{"requestContext":{"condition":"RetryAttemptsExhausted","approximateInvokeCount":3},"version":"1.0","timestamp":%[4]q,
		"DDBStreamBatchInfo":{"shardId":"a","startSequenceNumber":"%[1]d","endSequenceNumber":"%[2]d","approximateArrivalOfFirstRecord":%[4]q,
		"approximateArrivalOfLastRecord":%[4]q,"batchSize":%[3]d,"streamArn":%[5]q}}`, first, last, last-first+1, at, streamARN)
}

// inPipes is the same as EventBridge Pipes leaves it.
func inPipes(text string) string {
	return strings.Replace(text, `"requestContext"`, `"context":{"partnerResourceArn":"arn:aws:pipes:eu-west-1:1:pipe/p","condition":"RetriesExhausted"},"x"`, 1)
}

// withPayload is the same as Lambda leaves it in a bucket.
func withPayload(text, payload string) string {
	return text[:len(text)-1] + `,"payload":` + payload + `}`
}

func recordText(id, arn string) string {
	return fmt.Sprintf(`{"eventName":"INSERT","eventSource":"aws:dynamodb","eventSourceARN":%q,"dynamodb":{"SequenceNumber":"1","NewImage":%s}}`, arn, wireItem(id, `{"NULL":true}`))
}

func TestOnFailureReads(t *testing.T) {
	inTime(t, func(t *testing.T) {
		came := time.Now().Add(-time.Minute)
		batch := `{"Records":[` + recordText("x", streamARN) + `,` + recordText("y", streamARN) + `]}`
		text, err := json.Marshal(batch)
		require.NoError(t, err)
		for name, c := range map[string]struct {
			record string
			want   []string
		}{
			"Lambda's message":              {leftBehind(2, 4, came), eventIDs(2, 3, 4)},
			"that of Pipes":                 {inPipes(leftBehind(2, 4, came)), eventIDs(2, 3, 4)},
			"an object with a text":         {withPayload(leftBehind(2, 3, came), string(text)), []string{"x", "y"}},
			"an object with an object":      {withPayload(leftBehind(2, 3, came), batch), []string{"x", "y"}},
			"a message with a null payload": {withPayload(leftBehind(5, 5, came), "null"), eventIDs(5)},
		} {
			f := &fakeStream{shards: []fakeShard{{id: "a", numbers: []int{1, 2, 3, 4, 5}}}}
			source := recovery.OnFailure(f, &fakeTable{}, "event-store", envelope.Layout{}, []byte(c.record))
			got, report, err := replay(t, source)
			require.NoError(t, err, name)
			require.Equal(t, c.want, got, name)
			require.Empty(t, report.Missing)
			again, _, err := replay(t, source, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
			require.NoError(t, err)
			require.Empty(t, again, name)
		}
	})
}

func TestOnFailureRefuses(t *testing.T) {
	good := leftBehind(2, 4, time.Now())
	for problem, record := range map[string]string{
		"no JSON object":                       `]`,
		"DDBStreamBatchInfo":                   `{"Records":[]}`,
		"names no stream":                      strings.Replace(good, streamARN, "arn:aws:kinesis:eu-west-1:1:stream/s", 1),
		`of table "another"`:                   strings.Replace(good, "event-store", "another", 1),
		"names no shard":                       strings.Replace(good, `"shardId":"a"`, `"shardId":""`, 1),
		"no range":                             strings.Replace(good, `"startSequenceNumber":"2"`, `"startSequenceNumber":"5"`, 1),
		"when its records came":                strings.Replace(good, "approximateArrivalOfFirstRecord", "first", 1),
		"of stream arn:aws:dynamodb:eu-west-2": strings.Replace(good, "eu-west-1", "eu-west-2", 1),
		"of stream arn:aws:dynamodb:eu-west-1:123456789013": strings.Replace(good, "123456789012", "123456789013", 1),
		"does not say how many records":                     strings.Replace(good, `"batchSize":3`, `"batchSize":0`, 1),
		"how many records the batch":                        strings.Replace(good, `"batchSize":3`, `"batchSize":-1`, 1),
		"how many records":                                  strings.Replace(good, `"batchSize"`, `"size"`, 1),
		"holds no records":                                  withPayload(good, `"{}"`),
		"payload of the on-failu":                           withPayload(good, `7`),
		"record of another strea":                           withPayload(good, `{"Records":[`+recordText("x", streamARN)+`,`+recordText("x", streamARN+"2")+`]}`),
	} {
		f := &fakeStream{shards: []fakeShard{{id: "a", numbers: []int{1, 2, 3, 4, 5}}}}
		db := &fakeTable{events: 3}
		got, _, err := replay(t, recovery.OnFailure(f, db, "arn:aws:dynamodb:eu-west-1:123456789012:table/event-store", envelope.Layout{}, []byte(record)))
		require.ErrorContains(t, err, problem)
		require.Empty(t, got)
		require.Empty(t, f.iterators)
		require.Empty(t, db.scans)
	}
	_, _, err := replay(t, recovery.OnFailure(&fakeStream{}, &fakeTable{}, "event-store", envelope.Layout{}, []byte(good), func(o *recovery.OnFailureOptions) { o.Slack = -1 }))
	require.ErrorContains(t, err, "Slack")
	_, _, err = replay(t, recovery.OnFailure(nil, nil, "event-store", envelope.Layout{}, []byte(good)))
	require.ErrorContains(t, err, "dynamodbstreams client is nil")
	require.ErrorContains(t, err, "dynamodb client is nil")
}

// The stream has forgotten a part. However often the replay is stopped, each page
// comes, first the rest of the stream and then what the event store has of that
// time; and what neither has is said once.
func TestOnFailureGoesOnInTheEventStore(t *testing.T) {
	for _, c := range []struct{ trimmed, stored, missing int }{{3, 6, 0}, {3, 2, 2}, {6, 6, 0}, {6, 0, 5}} {
		inTime(t, func(t *testing.T) {
			f := &fakeStream{trimmed: c.trimmed, shards: []fakeShard{{id: "a", numbers: []int{1, 2, 3, 4, 5, 6, 7}}}}
			db := &fakeTable{events: c.stored}
			source := recovery.OnFailure(f, db, "event-store", envelope.Layout{}, []byte(leftBehind(2, 6, time.Now())))
			all, missing := pageByPage(t, source)
			want := eventIDs(numbers(c.trimmed+1, 7)...)
			require.ElementsMatch(t, append(want, eventIDs(numbers(0, c.stored)...)...), all, "the rest of the stream, and the window of the event store")
			if c.missing == 0 {
				require.Empty(t, missing)
				return
			}
			require.Len(t, missing, 1)
			require.Equal(t, c.missing, missing[0].Events)
			require.Equal(t, []string{"a", "2", "6"}, []string{missing[0].ShardID, missing[0].First, missing[0].Last})
		})
	}
}
