package lambdapoller_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

func item(i int) map[string]types.AttributeValue {
	return map[string]types.AttributeValue{
		"pk": &types.AttributeValueMemberS{Value: fmt.Sprintf("e%03d", i)},
		"sk": &types.AttributeValueMemberN{Value: strconv.Itoa(i)},
		"event": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
			"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{
				&types.AttributeValueMemberS{Value: "<&>é"},
				&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}},
				&types.AttributeValueMemberL{Value: []types.AttributeValue{}},
				&types.AttributeValueMemberNULL{Value: true},
			}},
			"empty": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{}},
			"bytes": &types.AttributeValueMemberB{Value: []byte{1, 2}},
		}},
	}
}

// keys returns the sort keys of an event's records, read with the types that a
// Lambda function has.
func keys(t *testing.T, payload []byte) []string {
	t.Helper()
	var e events.DynamoDBEvent
	require.NoError(t, json.Unmarshal(payload, &e))
	ns := make([]string, 0, len(e.Records))
	for _, r := range e.Records {
		require.Equal(t, "INSERT", r.EventName)
		require.Equal(t, "aws:dynamodb", r.EventSource)
		require.NotEmpty(t, r.EventSourceArn)
		require.NotEmpty(t, r.Change.SequenceNumber)
		require.Equal(t, "NEW_IMAGE", r.Change.StreamViewType)
		require.False(t, r.Change.ApproximateCreationDateTime.IsZero())
		ns = append(ns, r.Change.Keys["sk"].Number())
	}
	return ns
}

func TestPollerOnEngines(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		table := enginetest.EventStore(t, db)
		put := func(from, to int) {
			for i := from; i < to; i++ {
				_, err := db.DynamoDB().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table.Name, Item: item(i)})
				require.NoError(t, err)
			}
		}
		failAt, fails := -1, false // index in the next batch at which the handler stops, or all of it
		h := lambdapoller.HandlerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
			if fails {
				fails = false
				return nil, errors.New("once")
			}
			if failAt < 0 {
				return nil, nil
			}
			var e events.DynamoDBEvent
			if err := json.Unmarshal(payload, &e); err != nil {
				return nil, err
			}
			failed := events.DynamoDBEventResponse{BatchItemFailures: []events.DynamoDBBatchItemFailure{
				{ItemIdentifier: e.Records[failAt].Change.SequenceNumber},
			}}
			failAt = -1
			return json.Marshal(failed)
		})
		p, err := lambdapoller.New(db.Streams(), table.StreamARN, h, func(o *lambdapoller.Options) {
			o.BatchSize, o.ReportBatchItemFailures, o.Bisect = 4, true, true
		})
		require.NoError(t, err)

		put(0, 10)
		require.NoError(t, p.Drain(t.Context()))
		put(10, 13)
		failAt = 1
		require.NoError(t, p.Drain(t.Context()))
		put(13, 16)
		fails = true
		require.NoError(t, p.Drain(t.Context()))

		var got [][]string
		for _, inv := range p.Invocations() {
			got = append(got, keys(t, inv.Payload))
		}
		require.Equal(t, [][]string{
			{"0", "1", "2", "3"}, {"4", "5", "6", "7"}, {"8", "9"},
			{"10", "11", "12"}, {"11", "12"},
			{"13", "14", "15"}, {"13", "14"}, {"15"},
		}, got)

		// What the stream says is what the table holds, empty maps included.
		recorded, err := lambdapoller.Events(t.Context(), db.Streams(), table.StreamARN, 1)
		require.NoError(t, err)
		require.Len(t, recorded, 16)
		var first struct {
			Records []struct {
				DynamoDB struct{ NewImage json.RawMessage } `json:"dynamodb"`
			}
		}
		require.NoError(t, json.Unmarshal(recorded[0], &first))
		require.JSONEq(t, `{"pk":{"S":"e000"},"sk":{"N":"0"},"event":{"M":{"empty":{"M":{}},"bytes":{"B":"AQI="},
			"list":{"L":[{"S":"<&>é"},{"M":{}},{"L":[]},{"NULL":true}]}}}}`, string(first.Records[0].DynamoDB.NewImage))
	})
}
