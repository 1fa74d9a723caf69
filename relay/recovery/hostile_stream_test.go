package recovery_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// What a stream says that cannot be is an error: neither an end, nor a replay
// without one.
func TestAStreamThatMakesNoSense(t *testing.T) {
	shards := func(next string, shards ...types.Shard) func(*dynamodbstreams.DescribeStreamInput) (*dynamodbstreams.DescribeStreamOutput, error) {
		return func(*dynamodbstreams.DescribeStreamInput) (*dynamodbstreams.DescribeStreamOutput, error) {
			return &dynamodbstreams.DescribeStreamOutput{StreamDescription: &types.StreamDescription{Shards: shards, LastEvaluatedShardId: aws.String(next)}}, nil
		}
	}
	shard := func(id, parent string) types.Shard {
		return types.Shard{ShardId: &id, ParentShardId: &parent}
	}
	for name, c := range map[string]struct {
		stream  fakeStream
		problem string
	}{
		"shards in a circle":        {fakeStream{describe: shards("", shard("a", "b"), shard("b", "a"))}, "parent"},
		"a shard under itself":      {fakeStream{describe: shards("", shard("a", "a"))}, "parent"},
		"a description without end": {fakeStream{describe: shards("a", shard("a", ""))}, "does not move on"},
		"an iterator that stays": {fakeStream{records: func(in *dynamodbstreams.GetRecordsInput) (*dynamodbstreams.GetRecordsOutput, error) {
			return &dynamodbstreams.GetRecordsOutput{Records: []types.Record{fakeRecord(1, time.Now().Add(-time.Minute))}, NextShardIterator: in.ShardIterator}, nil
		}}, "does not move on"},
		"iterators in a circle": {fakeStream{records: func(in *dynamodbstreams.GetRecordsInput) (*dynamodbstreams.GetRecordsOutput, error) {
			n, next := 1, "a/1/0"
			if *in.ShardIterator == next {
				n, next = 2, "a/0/0"
			}
			return &dynamodbstreams.GetRecordsOutput{Records: []types.Record{fakeRecord(n, time.Now().Add(-time.Minute))}, NextShardIterator: &next}, nil
		}}, "does not move on"},
		"a description in a circle": {fakeStream{describe: func(in *dynamodbstreams.DescribeStreamInput) (*dynamodbstreams.DescribeStreamOutput, error) {
			if aws.ToString(in.ExclusiveStartShardId) == "a" {
				return shards("b", shard("b", ""))(in)
			}
			return shards("a", shard("a", ""))(in)
		}}, "does not move on"},
		"trimmed whatever is asked": {fakeStream{iterate: func(*dynamodbstreams.GetShardIteratorInput) (*dynamodbstreams.GetShardIteratorOutput, error) {
			return nil, &types.TrimmedDataAccessException{}
		}}, "forgotten"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				c.stream.shards = []fakeShard{{id: "a", numbers: []int{1}}}
				c.stream.at = func(int) time.Time { return time.Now().Add(-time.Minute) }
				pages := 0
				_, report, err := replayWithin(ctx, t, recovery.StreamFrom(&c.stream, streamARN, time.Now().Add(-time.Hour)), func(o *relay.ReplayOptions) {
					o.Progress = func(relay.ReplayProgress) error {
						if pages++; pages > 100 {
							return fmt.Errorf("%d pages", pages)
						}
						return nil
					}
				})
				require.ErrorContains(t, err, c.problem)
				require.False(t, report.Done)
			})
		})
	}
}

// A replay that goes on when the stream has forgotten a shard says what is
// missing: what was not read of it is in no other.
func TestStreamFromGoesOnTooLate(t *testing.T) {
	stop := fmt.Errorf("stop")
	inTime(t, func(t *testing.T) {
		began := time.Now()
		f := &fakeStream{at: func(n int) time.Time { return began.Add(time.Duration(n-5) * time.Hour) }, shards: []fakeShard{{id: "a", numbers: []int{1, 2, 3}}}}
		source := recovery.StreamFrom(f, streamARN, began.Add(-10*time.Hour))
		_, report, err := replay(t, source, func(o *relay.ReplayOptions) { o.Progress = func(relay.ReplayProgress) error { return stop } })
		require.ErrorIs(t, err, stop)

		<-time.After(40 * time.Hour)
		f.shards = []fakeShard{{id: "b", parent: "a2", numbers: []int{60}}}
		got, report, err := replay(t, source, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
		require.NoError(t, err)
		require.Empty(t, got)
		require.NotEmpty(t, report.Missing, "events 2 and 3, and whatever the shards between had")
		var shards []string
		for _, m := range report.Missing {
			shards = append(shards, m.ShardID)
		}
		require.ElementsMatch(t, []string{"a", "b"}, shards)

		_, again, err := replay(t, source, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
		require.NoError(t, err)
		require.Empty(t, again.Missing, "it is said once")
	})
}

// A time that cannot be is not known, so the record comes.
func TestRecordsWithAnOddTime(t *testing.T) {
	inTime(t, func(t *testing.T) {
		for _, odd := range []time.Time{time.UnixMilli(1 << 62), time.UnixMilli(-1 << 62), time.Unix(time.Now().UnixMilli(), 0), {}} {
			f := &fakeStream{shards: []fakeShard{{id: "a", numbers: []int{1}}}}
			f.records = func(*dynamodbstreams.GetRecordsInput) (*dynamodbstreams.GetRecordsOutput, error) {
				r := fakeRecord(1, time.Now())
				r.Dynamodb.ApproximateCreationDateTime = &odd
				return &dynamodbstreams.GetRecordsOutput{Records: []types.Record{r}}, nil
			}
			got, _, err := replay(t, recovery.StreamFrom(f, streamARN, time.Now().Add(-time.Hour)))
			require.NoError(t, err)
			require.Equal(t, eventIDs(1), got, odd)
		}
	})
}

// A number that comes twice, or out of order, is another record and not one that
// was read before.
func TestStreamRangeOfNumbersThatAreOutOfOrder(t *testing.T) {
	inTime(t, func(t *testing.T) {
		f := &fakeStream{shards: []fakeShard{{id: "a", numbers: []int{1}}}}
		f.records = func(*dynamodbstreams.GetRecordsInput) (*dynamodbstreams.GetRecordsOutput, error) {
			second := fakeRecord(5, time.Now())
			second.Dynamodb.NewImage = fakeRecord(6, time.Now()).Dynamodb.NewImage
			return &dynamodbstreams.GetRecordsOutput{Records: []types.Record{
				fakeRecord(3, time.Now()), fakeRecord(5, time.Now()), second, fakeRecord(4, time.Now()), fakeRecord(9, time.Now()),
			}}, nil
		}
		got, report, err := replay(t, recovery.StreamRange(f, streamARN, "a", "3", "9"))
		require.NoError(t, err)
		require.Equal(t, eventIDs(3, 5, 6, 4, 9), got)
		require.Empty(t, report.Missing)
	})
}

// What is missing follows from the number of records.
func TestOnFailureCountsWhatIsMissing(t *testing.T) {
	inTime(t, func(t *testing.T) {
		good := leftBehind(2, 4, time.Now())
		f := &fakeStream{trimmed: 9, shards: []fakeShard{{id: "a", numbers: []int{1, 2, 3, 4, 5}}}}
		_, report, err := replay(t, recovery.OnFailure(f, &fakeTable{}, "event-store", envelope.Layout{}, []byte(strings.Replace(good, `"batchSize":3`, `"batchSize":10000`, 1))))
		require.NoError(t, err)
		require.Len(t, report.Missing, 1)
		require.Equal(t, 10_000, report.Missing[0].Events)

		_, report, err = replay(t, recovery.OnFailure(f, &fakeTable{}, "event-store", envelope.Layout{}, []byte(withPayload(good, `{"Records":[`+recordText("x", streamARN)+`]}`))))
		require.NoError(t, err)
		require.Len(t, report.Missing, 1, "the object holds one record of three")
		require.Equal(t, 2, report.Missing[0].Events)
	})
}
