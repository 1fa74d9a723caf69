package recovery_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"
)

const streamARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/event-store/stream/2026-11-24T00:00:00.000"

// fakeShard is a shard of a script. Records have the numbers 1, 2, … of the whole
// stream, and an event each whose id is "e" and the number. A number of 0 is an
// empty page.
type fakeShard struct {
	id, parent string
	numbers    []int
	open       bool
	after      int // it is listed when so many records were read
}

// fakeStream is a stream of a script, a record a page.
type fakeStream struct {
	shards  []fakeShard
	at      func(number int) time.Time // when a record came; nil for now
	trimmed int                        // records up to this number are forgotten
	expire  bool                       // each iterator is good for one call
	view    types.StreamViewType
	noTime  bool // it does not know AT_TIMESTAMP

	// Answers in the place of the script's.
	describe func(*dynamodbstreams.DescribeStreamInput) (*dynamodbstreams.DescribeStreamOutput, error)
	iterate  func(*dynamodbstreams.GetShardIteratorInput) (*dynamodbstreams.GetShardIteratorOutput, error)
	records  func(*dynamodbstreams.GetRecordsInput) (*dynamodbstreams.GetRecordsOutput, error)

	read      int
	iterators []string
	used      map[string]bool
}

func (f *fakeStream) created(n int) time.Time {
	if f.at == nil {
		return time.Now()
	}
	return f.at(n)
}

// DescribeStream lists one shard a page.
func (f *fakeStream) DescribeStream(_ context.Context, in *dynamodbstreams.DescribeStreamInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error) {
	if f.describe != nil {
		return f.describe(in)
	}
	d := &types.StreamDescription{StreamViewType: f.view}
	start := aws.ToString(in.ExclusiveStartShardId)
	for _, s := range f.shards {
		if s.after > f.read {
			continue
		}
		if start != "" {
			if s.id == start {
				start = ""
			}
			continue
		}
		if len(d.Shards) == 1 {
			d.LastEvaluatedShardId = d.Shards[0].ShardId
			break
		}
		d.Shards = append(d.Shards, types.Shard{ShardId: aws.String(s.id), ParentShardId: aws.String(s.parent)})
		if s.parent == "" {
			d.Shards[0].ParentShardId = nil
		}
	}
	return &dynamodbstreams.DescribeStreamOutput{StreamDescription: d}, nil
}

func (f *fakeStream) shard(id string) *fakeShard {
	for i := range f.shards {
		if f.shards[i].id == id {
			return &f.shards[i]
		}
	}
	return nil
}

func (f *fakeStream) GetShardIterator(_ context.Context, in *dynamodbstreams.GetShardIteratorInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	if f.iterate != nil {
		return f.iterate(in)
	}
	f.iterators = append(f.iterators, string(in.ShardIteratorType)+" "+aws.ToString(in.SequenceNumber))
	s := f.shard(*in.ShardId)
	if s == nil {
		return nil, &types.ResourceNotFoundException{}
	}
	number, _ := strconv.Atoi(aws.ToString(in.SequenceNumber))
	if in.ShardIteratorType == types.ShardIteratorTypeAfterSequenceNumber {
		number++
	}
	switch in.ShardIteratorType {
	case types.ShardIteratorTypeAtTimestamp:
		if f.noTime {
			return nil, &smithy.GenericAPIError{Code: "ValidationException", Message: "no such type"}
		}
	case types.ShardIteratorTypeTrimHorizon:
	default:
		if number <= f.trimmed {
			return nil, &types.TrimmedDataAccessException{}
		}
	}
	i := 0
	for ; i < len(s.numbers); i++ {
		n := s.numbers[i]
		if n == 0 && number > 0 || n != 0 && (n < number || n <= f.trimmed) {
			continue
		}
		if n != 0 && in.Timestamp != nil && f.created(n).Before(in.Timestamp.Truncate(time.Second)) {
			continue
		}
		break
	}
	return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: f.iterator(s.id, i)}, nil
}

func (f *fakeStream) iterator(shard string, i int) *string {
	return aws.String(fmt.Sprintf("%s/%d/%d", shard, i, len(f.used)))
}

func (f *fakeStream) GetRecords(_ context.Context, in *dynamodbstreams.GetRecordsInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	if f.records != nil {
		return f.records(in)
	}
	parts := strings.Split(*in.ShardIterator, "/")
	s := f.shard(parts[0])
	i, _ := strconv.Atoi(parts[1])
	if f.used == nil {
		f.used = map[string]bool{}
	}
	if f.expire && i > 0 && !f.used[*in.ShardIterator] && len(f.used)%2 == 1 {
		f.used[*in.ShardIterator] = true
		return nil, &types.ExpiredIteratorException{}
	}
	f.used[*in.ShardIterator] = true
	out := &dynamodbstreams.GetRecordsOutput{}
	if i < len(s.numbers) {
		if n := s.numbers[i]; n != 0 && n > f.trimmed {
			out.Records = append(out.Records, fakeRecord(n, f.created(n)))
			f.read++
		}
		i++
	}
	if i < len(s.numbers) || s.open {
		out.NextShardIterator = f.iterator(s.id, i)
	}
	return out, nil
}

func fakeRecord(n int, created time.Time) types.Record {
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	m := func(v map[string]types.AttributeValue) types.AttributeValue {
		return &types.AttributeValueMemberM{Value: v}
	}
	return types.Record{
		EventName: types.OperationTypeInsert,
		Dynamodb: &types.StreamRecord{
			SequenceNumber: aws.String(strconv.Itoa(n)), ApproximateCreationDateTime: aws.Time(created.Truncate(time.Second)),
			NewImage: map[string]types.AttributeValue{"pk": text(eventID(n)), "event": m(map[string]types.AttributeValue{
				"headers": m(map[string]types.AttributeValue{
					"eventId": text(eventID(n)), "eventName": text("User.Created"), "source": text("s"),
					"timestamp": &types.AttributeValueMemberN{Value: strconv.FormatInt(created.UnixMilli(), 10)},
				}),
				"payload": text(`{"n":1}`),
			})},
		},
	}
}

func eventID(n int) string { return fmt.Sprintf("e%d", n) }
