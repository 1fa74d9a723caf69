// Package follow reads the stream of a table as it grows, for people to watch. It
// is one of the readers of each shard; AWS advises two at most, and Lambda is one.
package follow

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// APIClient is what is needed of DynamoDB Streams.
type APIClient interface {
	DescribeStream(context.Context, *dynamodbstreams.DescribeStreamInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error)
	GetShardIterator(context.Context, *dynamodbstreams.GetShardIteratorInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error)
	GetRecords(context.Context, *dynamodbstreams.GetRecordsInput, ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error)
}

const (
	// pause lies between two looks at a shard. A shard takes five reads a second of
	// all its readers together.
	pause = time.Second
	// news is how often new shards are looked for.
	news = 10 * time.Second
)

// shard is one that is read.
type shard struct {
	iterator string // "" if it has to be asked for
	last     string // sequence number of the last record read, "" for none
	open     bool   // its end has not been read
}

type follower struct {
	client APIClient
	arn    string
	from   time.Time // zero: only what comes now
	shards map[string]*shard
	ready  func()
}

// Records yields the records that come on the stream from now on, or from a time
// on that is not zero, until ctx ends. ready is called when it has a place in
// every shard: what is written after that is seen.
func Records(ctx context.Context, client APIClient, streamARN string, from time.Time, ready func()) iter.Seq2[types.Record, error] {
	f := &follower{client: client, arn: streamARN, from: from, ready: ready}
	return func(yield func(types.Record, error) bool) {
		if err := f.run(ctx, func(r types.Record) bool { return yield(r, nil) }); err != nil {
			yield(types.Record{}, err)
		}
	}
}

func (f *follower) run(ctx context.Context, yield func(types.Record) bool) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var looked time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		if time.Since(looked) >= news {
			if err := f.look(ctx); err != nil {
				return ended(ctx, err)
			}
			looked = time.Now()
		}
		for id, s := range f.shards {
			more, err := f.read(ctx, id, s, yield)
			if err != nil {
				return ended(ctx, err)
			}
			if !more {
				return nil
			}
		}
		timer.Reset(pause)
	}
}

// ended is the error of a run, none if somebody has ended it.
func ended(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// look finds the shards. Those that are there at the first look are read from now
// on (or from the time), those that come later from their beginning.
func (f *follower) look(ctx context.Context) error {
	first := f.shards == nil
	if first {
		f.shards = map[string]*shard{}
	}
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &f.arn}
	for {
		out, err := f.client.DescribeStream(ctx, in)
		if err != nil {
			return fmt.Errorf("describe stream %s: %w", f.arn, err)
		}
		for _, s := range out.StreamDescription.Shards {
			id := aws.ToString(s.ShardId)
			if f.shards[id] != nil {
				continue
			}
			f.shards[id] = &shard{open: true}
			if !first {
				continue // read asks for its beginning
			}
			// Also of one that has an end: its iterator shows that there is nothing more.
			if err := f.begin(ctx, id); err != nil {
				return err
			}
		}
		if in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId; aws.ToString(in.ExclusiveStartShardId) == "" {
			break
		}
	}
	if first {
		f.ready()
	}
	return nil
}

// begin takes the place where a shard is read from.
func (f *follower) begin(ctx context.Context, id string) error {
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &f.arn, ShardId: &id, ShardIteratorType: types.ShardIteratorTypeLatest}
	if !f.from.IsZero() {
		in.ShardIteratorType, in.Timestamp = types.ShardIteratorTypeAtTimestamp, &f.from
	}
	return f.iterator(ctx, in, f.shards[id])
}

func (f *follower) iterator(ctx context.Context, in *dynamodbstreams.GetShardIteratorInput, s *shard) error {
	out, err := f.client.GetShardIterator(ctx, in)
	if err != nil {
		return fmt.Errorf("read shard %s: %w", aws.ToString(in.ShardId), err)
	}
	s.iterator = aws.ToString(out.ShardIterator)
	return nil
}

// read reads what is there, and reports whether more is wanted.
func (f *follower) read(ctx context.Context, id string, s *shard, yield func(types.Record) bool) (more bool, err error) {
	if !s.open {
		return true, nil
	}
	if s.iterator == "" {
		in := &dynamodbstreams.GetShardIteratorInput{StreamArn: &f.arn, ShardId: &id, ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
		if s.last != "" {
			in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &s.last
		}
		if err := f.iterator(ctx, in, s); err != nil {
			return false, err
		}
	}
	for {
		out, err := f.client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: &s.iterator})
		if errors.As(err, new(*types.ExpiredIteratorException)) { // it lives for 15 minutes
			s.iterator = ""
			return true, nil
		}
		if err != nil {
			return false, fmt.Errorf("read shard %s: %w", id, err)
		}
		for _, r := range out.Records {
			if r.Dynamodb != nil {
				s.last = aws.ToString(r.Dynamodb.SequenceNumber)
			}
			if !yield(r) {
				return false, nil
			}
		}
		if out.NextShardIterator == nil { // the shard has come to its end
			*s = shard{}
			return true, nil
		}
		s.iterator = *out.NextShardIterator
		if len(out.Records) == 0 {
			return true, nil
		}
	}
}
