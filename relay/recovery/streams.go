package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/aws/smithy-go"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/isnil"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/sequence"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/tablename"
)

// StreamAPIClient is what the sources that read a stream need of a client.
type StreamAPIClient interface {
	DescribeStream(context.Context, *dynamodbstreams.DescribeStreamInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error)
	GetShardIterator(context.Context, *dynamodbstreams.GetShardIteratorInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error)
	GetRecords(context.Context, *dynamodbstreams.GetRecordsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error)
}

var _ StreamAPIClient = (*dynamodbstreams.Client)(nil)

// stream is a stream that is read.
type stream struct {
	client StreamAPIClient
	arn    string
}

func (s stream) validate() error {
	var errs []error
	if isnil.Value(s.client) {
		errs = append(errs, errors.New("recovery: dynamodbstreams client is nil"))
	}
	if tablename.OfStream(s.arn) == "" {
		errs = append(errs, fmt.Errorf("recovery: %q is not the ARN of a stream", s.arn))
	}
	return errors.Join(errs...)
}

// shards returns the shards of the stream, in the order of the description.
func (s stream) shards(ctx context.Context) ([]types.Shard, error) {
	var all []types.Shard
	seen := map[string]bool{}
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &s.arn}
	for {
		out, err := s.client.DescribeStream(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("describe stream %s: %w", s.arn, err)
		}
		d := out.StreamDescription
		if d == nil {
			return nil, fmt.Errorf("describe stream %s: no description in the answer", s.arn)
		}
		if v := d.StreamViewType; v == types.StreamViewTypeKeysOnly || v == types.StreamViewTypeOldImage {
			return nil, fmt.Errorf("stream %s has view type %s and carries no new images", s.arn, v)
		}
		all = append(all, d.Shards...)
		next := aws.ToString(d.LastEvaluatedShardId)
		if next == "" {
			return all, nil
		}
		if seen[next] {
			return nil, fmt.Errorf("describe stream %s: it does not move on behind shard %s", s.arn, next)
		}
		seen[next] = true
		in.ExclusiveStartShardId = d.LastEvaluatedShardId
	}
}

// entry is one record of a shard.
type entry struct {
	text     []byte // as the stream has it
	sequence string
	created  time.Time // zero if it cannot be read, or cannot be
}

// reader reads a shard forwards.
type reader struct {
	stream
	shard    string
	start    dynamodbstreams.GetShardIteratorInput // where it begins
	last     string                                // the last sequence number that was read, "" for none
	iterator *string
	closed   bool // nothing comes any more

	highest string // sequence number that was read
	same    int    // pages in a row without a higher one
}

// errTrimmed says that the stream has forgotten what was to be read.
var errTrimmed = errors.New("the stream has forgotten it")

// read returns the next records, which may be none without an end. An iterator
// lives for 15 minutes, so it is renewed from the last number read
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_GetShardIterator.html).
func (r *reader) read(ctx context.Context) ([]entry, error) {
	for renewed := false; ; renewed = true {
		if r.iterator == nil {
			if err := r.renew(ctx); err != nil || r.closed {
				return nil, err
			}
		}
		b := body{member: "Records"}
		out, err := r.client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: r.iterator},
			func(o *dynamodbstreams.Options) { o.APIOptions = append(slices.Clip(o.APIOptions), b.install) })
		var expired *types.ExpiredIteratorException
		if errors.As(err, &expired) && !renewed {
			r.iterator = nil
			continue
		}
		if err != nil {
			return nil, r.fault("read", err)
		}
		entries, err := entriesOf(b, out.Records)
		if err != nil {
			return nil, err
		}
		if len(entries) > 0 {
			if err := r.movesOn(entries); err != nil {
				return nil, err
			}
			r.last = entries[len(entries)-1].sequence
		}
		r.iterator, r.closed = out.NextShardIterator, out.NextShardIterator == nil
		return entries, nil
	}
}

// movesOn returns an error if many pages in a row have no record that is new: their
// iterators go round.
func (r *reader) movesOn(entries []entry) error {
	r.same++
	for _, e := range entries {
		if r.highest == "" || sequence.Less(r.highest, e.sequence) {
			r.highest, r.same = e.sequence, 0
		}
	}
	if r.same >= emptyPages {
		return fmt.Errorf("read shard %s of stream %s: it does not move on behind record %s", r.shard, r.arn, r.highest)
	}
	return nil
}

// renew gets an iterator behind the last record read.
func (r *reader) renew(ctx context.Context) error {
	in := r.start
	if r.last != "" {
		in = dynamodbstreams.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAfterSequenceNumber, SequenceNumber: &r.last}
	}
	in.StreamArn, in.ShardId = &r.arn, &r.shard
	out, err := r.client.GetShardIterator(ctx, &in)
	if err != nil && in.Timestamp != nil && code(err) == "ValidationException" {
		// It is the last word of an engine that has no such iterator. From the
		// beginning, the same records come: what is too old is left out here.
		in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeTrimHorizon, nil
		out, err = r.client.GetShardIterator(ctx, &in)
	}
	if err != nil {
		return r.fault("open", err)
	}
	r.iterator, r.closed = out.ShardIterator, out.ShardIterator == nil
	return nil
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func (r *reader) fault(what string, err error) error {
	var trimmed *types.TrimmedDataAccessException
	if errors.As(err, &trimmed) {
		err = errTrimmed
	}
	return fmt.Errorf("%s shard %s of stream %s: %w", what, r.shard, r.arn, err)
}

// fromOldest makes the reader begin with the oldest record that there is.
func (r *reader) fromOldest() {
	r.start = dynamodbstreams.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
	r.last, r.iterator, r.closed = "", nil, false
}

// entriesOf are the records of an answer.
func entriesOf(b body, records []types.Record) ([]entry, error) {
	if !b.found {
		for _, r := range records {
			text, err := recordText(r)
			if err != nil {
				return nil, err
			}
			b.elements = append(b.elements, text)
		}
	}
	entries := make([]entry, len(b.elements))
	for i, text := range b.elements {
		change := jsonlex.Find(text, 0, "dynamodb")
		number, _ := strconv.Unquote(string(jsonlex.Find(change, 0, "SequenceNumber")))
		if !sequence.Valid(number) {
			return nil, errors.New("a record of the stream has no sequence number")
		}
		entries[i] = entry{text: text, sequence: number}
		seconds, err := strconv.ParseFloat(string(jsonlex.Find(change, 0, "ApproximateCreationDateTime")), 64)
		if at := time.UnixMilli(int64(seconds * 1000)).UTC(); err == nil && !at.Before(envelope.MinTimestamp) && at.Before(envelope.MaxTimestamp) {
			entries[i].created = at
		}
	}
	return entries, nil
}

// recordText is a record as Lambda would deliver it, as far as the relay asks
// for it.
func recordText(r types.Record) ([]byte, error) {
	if r.Dynamodb == nil || r.Dynamodb.SequenceNumber == nil {
		return nil, errors.New("a record of the stream has no sequence number")
	}
	d := r.Dynamodb
	text := fmt.Appendf(nil, `{"eventName":%q,"eventSource":"aws:dynamodb","dynamodb":{"SequenceNumber":%q`, r.EventName, *d.SequenceNumber)
	if d.ApproximateCreationDateTime != nil {
		text = fmt.Appendf(text, `,"ApproximateCreationDateTime":%d`, d.ApproximateCreationDateTime.Unix())
	}
	if d.NewImage != nil {
		image, err := attributevalue.FromDynamoDBStreamsMap(d.NewImage)
		if err != nil {
			return nil, err
		}
		item, err := attributevalue.MarshalMapJSON(image)
		if err != nil {
			return nil, err
		}
		text = fmt.Appendf(text, `,"NewImage":%s`, item)
	}
	return append(text, "}}"...), nil
}
