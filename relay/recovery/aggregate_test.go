package recovery_test

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// collections is a table in which the partition key "a" has the events 1 and 2,
// "b" has 3 and 4, and so on, a page each, with an empty page in front.
type collections struct {
	fakeTable
	of      map[string][]int
	queries []*dynamodb.QueryInput
}

func (c *collections) Query(_ context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	c.queries = append(c.queries, in)
	numbers := c.of[in.ExpressionAttributeValues[":pk"].(*types.AttributeValueMemberS).Value]
	at := -1
	if in.ExclusiveStartKey != nil {
		at, _ = strconv.Atoi(in.ExclusiveStartKey["sk"].(*types.AttributeValueMemberN).Value)
	}
	out := &dynamodb.QueryOutput{ConsumedCapacity: &types.ConsumedCapacity{CapacityUnits: aws.Float64(1)}}
	if at >= 0 {
		out.Items = append(out.Items, storedItem(numbers[at]))
	}
	if at+1 < len(numbers) {
		out.LastEvaluatedKey = map[string]types.AttributeValue{"sk": &types.AttributeValueMemberN{Value: strconv.Itoa(at + 1)}}
	}
	return out, nil
}

// The aggregates come one after the other, each in its order, also when the replay
// is stopped after each page; one without events is missing.
func TestAggregateGoesOnFromEachCursor(t *testing.T) {
	c := &collections{of: map[string][]int{"a": {1, 2}, "b": {3, 4}, "c": {5}}}
	source := recovery.Aggregate(c, "event-store", envelope.AggregateLayout(), "b", "none", "a")
	stop := errors.New("stop")
	var all []string
	var missing []relay.Missing
	var cursor []byte
	for runs := 0; ; runs++ {
		require.Less(t, runs, 20)
		got, report, err := replay(t, source, func(o *relay.ReplayOptions) {
			o.Cursor = cursor
			o.Progress = func(relay.ReplayProgress) error { return stop }
		})
		all, missing, cursor = append(all, got...), append(missing, report.Missing...), report.Cursor
		if report.Done {
			break
		}
		require.ErrorIs(t, err, stop)
	}
	require.Equal(t, eventIDs(3, 4, 1, 2), all)
	require.Len(t, missing, 1)
	require.Contains(t, missing[0].Reason, `"none"`)
	require.NotContains(t, missing[0].Reason, `"a"`)
	for _, in := range c.queries {
		require.True(t, *in.ConsistentRead)
		require.Equal(t, "#e.#h.#a = :id", *in.FilterExpression, "other items of the partition are left out")
	}
}

// Each id is a query of its own where it is the key; what is not there is missing,
// and an item that holds another event is not published.
func TestIDsAreQueried(t *testing.T) {
	c := &collections{of: map[string][]int{"e1": {1}, "e2": {2}, "taken": {7}}}
	got, report, err := replay(t, recovery.IDs(c, "event-store", envelope.Layout{}, "e2", "e9", "taken", "e1"))
	require.NoError(t, err)
	require.Equal(t, eventIDs(2, 1), got, "also behind an empty page")
	require.Len(t, report.Missing, 1)
	require.Equal(t, "e9", report.Missing[0].EventID)
	require.Len(t, report.Failures, 1)
	require.Equal(t, relay.CodeUnresolved, report.Failures[0].Code)
	require.InDelta(t, 7, report.ReadUnits, 0.01)
}
