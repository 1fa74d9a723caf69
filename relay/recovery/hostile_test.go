package recovery_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streamtypes "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// cancelling is a table that ends the context of the replay in a scan.
type cancelling struct {
	*fakeTable
	at     int // the scan, counted from 1
	cancel context.CancelFunc
}

func (c cancelling) Scan(ctx context.Context, in *dynamodb.ScanInput, optFns ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	if len(c.scans) >= c.at-1 {
		c.cancel()
		return nil, ctx.Err()
	}
	return c.fakeTable.Scan(ctx, in, optFns...)
}

// A source whose context ends is not at its end: which of two channels is ready
// first must not decide it.
func TestACancelledScanIsNoEnd(t *testing.T) {
	for range 50 {
		inTime(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			db := cancelling{&fakeTable{events: 6}, 3, cancel}
			f := &fakeStream{trimmed: 7, shards: []fakeShard{{id: "a", numbers: []int{1, 2, 3, 4, 5, 6, 7}}}}
			source := recovery.OnFailure(f, db, "event-store", envelope.Layout{}, []byte(leftBehind(2, 6, time.Now())),
				func(o *recovery.OnFailureOptions) { o.Segments = 1 })
			ended := false
			for page, err := range source.Pages(ctx, nil) {
				require.NotContains(t, string(page.Cursor), `{"lost":true,"store":true,"at":[{"after":{"sk":{"N":"0"}}}],"done":true}`)
				require.Empty(t, page.Missing)
				ended = ended || err != nil
			}
			require.True(t, ended, "without an error the source has ended")
		})
	}
}

// repeating is a table that gives one page again and again.
type repeating struct{}

func (r repeating) answer() ([]map[string]types.AttributeValue, map[string]types.AttributeValue) {
	item := storedItem(1)
	return []map[string]types.AttributeValue{item}, map[string]types.AttributeValue{"pk": item["pk"], "sk": item["sk"]}
}

func (r repeating) Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error) {
	items, next := r.answer()
	return &dynamodb.ScanOutput{Items: items, LastEvaluatedKey: next}, nil
}

func (r repeating) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	items, next := r.answer()
	return &dynamodb.QueryOutput{Items: items, LastEvaluatedKey: next}, nil
}

// A table whose answers do not move on is an error, and no replay without end.
func TestATableThatDoesNotMoveOn(t *testing.T) {
	for name, source := range map[string]func(recovery.TableAPIClient) relay.Source{
		"scan": func(c recovery.TableAPIClient) relay.Source {
			return recovery.EventStore(c, "t", envelope.Layout{}, envelope.MinTimestamp, envelope.MinTimestamp.Add(time.Hour))
		},
		"aggregate": func(c recovery.TableAPIClient) relay.Source {
			return recovery.Aggregate(c, "t", envelope.AggregateLayout(), "a")
		},
		"ids": func(c recovery.TableAPIClient) relay.Source {
			return recovery.IDs(c, "t", envelope.Layout{}, eventID(1))
		},
		"scanned ids": func(c recovery.TableAPIClient) relay.Source {
			return recovery.IDs(c, "t", envelope.AggregateLayout(), eventID(1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			h, err := relay.NewHandler(&ledger{}, relay.Block)
			require.NoError(t, err)
			_, err = relay.Replay(ctx, source(repeating{}), h, toSameBus)
			require.ErrorContains(t, err, "does not move on")
		})
	}
}

// oddStream is a stream that answers as it is told.
type oddStream struct {
	*fakeStream
	describe func(*dynamodbstreams.DescribeStreamInput) (*dynamodbstreams.DescribeStreamOutput, error)
	open     func(*dynamodbstreams.GetShardIteratorInput) (*dynamodbstreams.GetShardIteratorOutput, error)
	records  func(*dynamodbstreams.GetRecordsInput) (*dynamodbstreams.GetRecordsOutput, error)
}

func (o oddStream) DescribeStream(ctx context.Context, in *dynamodbstreams.DescribeStreamInput, optFns ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error) {
	if o.describe != nil {
		return o.describe(in)
	}
	return o.fakeStream.DescribeStream(ctx, in, optFns...)
}

func (o oddStream) GetShardIterator(ctx context.Context, in *dynamodbstreams.GetShardIteratorInput, optFns ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	if o.open != nil {
		return o.open(in)
	}
	return o.fakeStream.GetShardIterator(ctx, in, optFns...)
}

func (o oddStream) GetRecords(ctx context.Context, in *dynamodbstreams.GetRecordsInput, optFns ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	if o.records != nil {
		return o.records(in)
	}
	return o.fakeStream.GetRecords(ctx, in, optFns...)
}

// What a stream says that cannot be is an error: neither an end, nor a replay
// without one.
func TestAStreamThatMakesNoSense(t *testing.T) {
	shards := func(next string, shards ...streamtypes.Shard) func(*dynamodbstreams.DescribeStreamInput) (*dynamodbstreams.DescribeStreamOutput, error) {
		return func(*dynamodbstreams.DescribeStreamInput) (*dynamodbstreams.DescribeStreamOutput, error) {
			return &dynamodbstreams.DescribeStreamOutput{StreamDescription: &streamtypes.StreamDescription{Shards: shards, LastEvaluatedShardId: aws.String(next)}}, nil
		}
	}
	shard := func(id, parent string) streamtypes.Shard {
		return streamtypes.Shard{ShardId: &id, ParentShardId: &parent}
	}
	for name, c := range map[string]struct {
		stream  oddStream
		problem string
	}{
		"shards in a circle":        {oddStream{describe: shards("", shard("a", "b"), shard("b", "a"))}, "parent"},
		"a shard under itself":      {oddStream{describe: shards("", shard("a", "a"))}, "parent"},
		"a description without end": {oddStream{describe: shards("a", shard("a", ""))}, "does not move on"},
		"an iterator that stays": {oddStream{records: func(in *dynamodbstreams.GetRecordsInput) (*dynamodbstreams.GetRecordsOutput, error) {
			return &dynamodbstreams.GetRecordsOutput{Records: []streamtypes.Record{fakeRecord(1, time.Now().Add(-time.Minute))}, NextShardIterator: in.ShardIterator}, nil
		}}, "does not move on"},
		"trimmed whatever is asked": {oddStream{open: func(*dynamodbstreams.GetShardIteratorInput) (*dynamodbstreams.GetShardIteratorOutput, error) {
			return nil, &streamtypes.TrimmedDataAccessException{}
		}}, "forgotten"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				c.stream.fakeStream = &fakeStream{shards: []fakeShard{{id: "a", numbers: []int{1}}}, at: func(int) time.Time { return time.Now().Add(-time.Minute) }}
				h, err := relay.NewHandler(&ledger{}, relay.Block)
				require.NoError(t, err)
				pages := 0
				report, err := relay.Replay(ctx, recovery.StreamFrom(c.stream, streamARN, time.Now().Add(-time.Hour)), h, toSameBus, func(o *relay.ReplayOptions) {
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
			f := oddStream{fakeStream: &fakeStream{shards: []fakeShard{{id: "a", numbers: []int{1}}}}}
			f.records = func(*dynamodbstreams.GetRecordsInput) (*dynamodbstreams.GetRecordsOutput, error) {
				r := fakeRecord(1, time.Now())
				r.Dynamodb.ApproximateCreationDateTime = &odd
				return &dynamodbstreams.GetRecordsOutput{Records: []streamtypes.Record{r}}, nil
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
		f := oddStream{fakeStream: &fakeStream{shards: []fakeShard{{id: "a", numbers: []int{1}}}}}
		f.records = func(*dynamodbstreams.GetRecordsInput) (*dynamodbstreams.GetRecordsOutput, error) {
			second := fakeRecord(5, time.Now())
			second.Dynamodb.NewImage = fakeRecord(6, time.Now()).Dynamodb.NewImage
			return &dynamodbstreams.GetRecordsOutput{Records: []streamtypes.Record{
				fakeRecord(3, time.Now()), fakeRecord(5, time.Now()), second, fakeRecord(4, time.Now()), fakeRecord(9, time.Now()),
			}}, nil
		}
		got, report, err := replay(t, recovery.StreamRange(f, streamARN, "a", "3", "9"))
		require.NoError(t, err)
		require.Equal(t, eventIDs(3, 5, 6, 4, 9), got)
		require.Empty(t, report.Missing)
	})
}

// Without the number of records nothing could be said to be missing.
func TestOnFailureNeedsTheNumberOfRecords(t *testing.T) {
	inTime(t, func(t *testing.T) {
		good := leftBehind(2, 4, time.Now())
		for _, size := range []string{`"batchSize":0`, `"batchSize":-1`, `"size":3`} {
			f := &fakeStream{trimmed: 9, shards: []fakeShard{{id: "a", numbers: []int{1, 2, 3, 4, 5}}}}
			_, _, err := replay(t, recovery.OnFailure(f, &fakeTable{}, "event-store", envelope.Layout{}, []byte(strings.Replace(good, `"batchSize":3`, size, 1))))
			require.ErrorContains(t, err, "how many records")
		}
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

// A table that is given by its ARN is that of one account and region.
func TestOnFailureOfAnotherRegion(t *testing.T) {
	for _, arn := range []string{"arn:aws:dynamodb:eu-west-1:123456789013:table/event-store", "arn:aws:dynamodb:eu-west-2:123456789012:table/event-store"} {
		_, _, err := replay(t, recovery.OnFailure(&fakeStream{}, &fakeTable{}, arn, envelope.Layout{}, []byte(leftBehind(2, 4, time.Now()))))
		require.ErrorContains(t, err, "and not of")
	}
}

// A cursor is bound to the names of the layout: another one finds other items in
// the pages that are behind it.
func TestACursorOfAnotherLayout(t *testing.T) {
	f := &fakeTable{events: 5}
	window := func(l envelope.Layout) relay.Source {
		return recovery.EventStore(f, "t", l, envelope.MinTimestamp, envelope.MinTimestamp.Add(time.Hour))
	}
	seen := map[string]bool{}
	for _, l := range []envelope.Layout{{}, {PK: "p"}, {SK: "s"}, {Event: "e"}, {Marker: "m"}, {PK: "p", Marker: "m"}} {
		require.False(t, seen[window(l).Question()], l)
		seen[window(l).Question()] = true
	}
	require.Equal(t, window(envelope.Layout{}).Question(), window(envelope.Layout{}.WithDefaults()).Question())
}

// Times from before 2001 or after 2286 have other numbers of digits.
func TestTheTimesOfTextsAreCompared(t *testing.T) {
	year := func(y int) time.Time { return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC) }
	at := "1764140400000"
	for _, c := range []struct {
		from, to time.Time
		in       bool
	}{
		{year(2000), year(2100), true}, {year(1970), year(2100), true}, {year(1960), year(2100), true}, {year(2020), year(2500), true}, {year(2020), year(9999), true},
		{year(1980), year(1990), false}, {year(2400), year(2500), false}, {year(2020), year(2021), false},
	} {
		f := &fakeTable{events: 1}
		_, _, err := replay(t, recovery.EventStore(f, "t", envelope.Layout{}, c.from, c.to, func(o *recovery.ScanOptions) { o.Segments = 1 }))
		require.NoError(t, err)
		values := f.scans[1].ExpressionAttributeValues
		if values[":fromS"] == nil {
			require.False(t, c.in, "%v to %v", c.from, c.to)
			continue
		}
		first, last := values[":fromS"].(*types.AttributeValueMemberS).Value, values[":toS"].(*types.AttributeValueMemberS).Value
		require.LessOrEqual(t, first, last, "BETWEEN refuses it")
		require.Equal(t, c.in, first <= at && at <= last, "%v to %v", c.from, c.to)
	}
}

// The body may hold an array twice, and then nobody knows which is meant. An
// answer with neither items nor a count is none of DynamoDB.
func TestAnswersThatAreNone(t *testing.T) {
	a, b := wireItem("a", `{"NULL":true}`), wireItem("b", `{"NULL":true}`)
	for _, text := range []string{
		`{"Items":[` + a + `],"Items":[` + b + `],"Count":1}`,
		`{"Items":[` + a + `],"\u0049tems":[],"Count":1}`,
		`{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no"}`,
		`{}`,
		`[]`,
		`null`,
	} {
		client := answering(t, 200, nil, `{"Items":[`+a+`],"LastEvaluatedKey":{"pk":{"S":"a"},"sk":{"N":"1"}}}`, text)
		got, report, err := replay(t, recovery.EventStore(client, "t", envelope.Layout{}, envelope.MinTimestamp, envelope.MinTimestamp.Add(time.Hour),
			func(o *recovery.ScanOptions) { o.Segments = 1 }))
		require.Error(t, err, text)
		require.Equal(t, []string{"a"}, got, "which was in the page before")
		require.False(t, report.Done)
	}
}
