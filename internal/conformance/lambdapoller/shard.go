package lambdapoller

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// shard is the place in one shard of the stream.
type shard struct {
	id       string
	iterator *string    // nil before the first read, and when the last one ran out
	last     string     // sequence number of the last record that was read
	closed   bool       // read to its end
	queue    [][]Record // read and not yet done, in order
	tries    int        // invocations without a record done
}

// pass reads each shard once and works off what was read. It returns how many
// records were read or were waiting, so that zero means that there is nothing left
// to do.
func (p *Poller) pass(ctx context.Context) (int, error) {
	if err := p.list(ctx); err != nil {
		return 0, err
	}
	n := 0
	for _, s := range p.shards {
		if err := p.read(ctx, s); err != nil {
			return n, err
		}
		for _, b := range s.queue {
			n += len(b)
		}
		if err := p.work(ctx, s); err != nil {
			return n, err
		}
	}
	return n, nil
}

// list adds the shards that are new.
func (p *Poller) list(ctx context.Context) error {
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &p.streamARN}
	for {
		out, err := p.client.DescribeStream(ctx, in)
		if err != nil {
			return fmt.Errorf("lambdapoller: describe stream %s: %w", p.streamARN, err)
		}
		for _, d := range out.StreamDescription.Shards {
			id := aws.ToString(d.ShardId)
			if !slices.ContainsFunc(p.shards, func(s *shard) bool { return s.id == id }) {
				p.shards = append(p.shards, &shard{id: id})
			}
		}
		in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId
		if in.ExclusiveStartShardId == nil {
			return nil
		}
	}
}

// read fetches the next page of the shard and cuts it into batches.
func (p *Poller) read(ctx context.Context, s *shard) error {
	if s.closed {
		return nil
	}
	if s.iterator == nil {
		in := &dynamodbstreams.GetShardIteratorInput{
			StreamArn: &p.streamARN, ShardId: &s.id, ShardIteratorType: types.ShardIteratorTypeTrimHorizon,
		}
		if s.last != "" {
			in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, &s.last
		}
		out, err := p.client.GetShardIterator(ctx, in)
		if err != nil {
			return fmt.Errorf("lambdapoller: iterator of shard %s: %w", s.id, err)
		}
		s.iterator = out.ShardIterator
	}
	page, err := p.client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: s.iterator})
	if broken(err) {
		s.iterator = nil // read on from the last record
		return p.read(ctx, s)
	}
	if err != nil {
		return fmt.Errorf("lambdapoller: records of shard %s: %w", s.id, err)
	}
	var records []Record
	for _, r := range page.Records {
		record, err := newRecord(r, p.streamARN)
		if err != nil {
			return err
		}
		s.last = record.SequenceNumber
		records = append(records, record)
	}
	s.queue = slices.AppendSeq(s.queue, slices.Chunk(records, p.opts.BatchSize))
	s.iterator, s.closed = page.NextShardIterator, page.NextShardIterator == nil
	return nil
}

// broken reports whether an iterator is at fault, so that a new one may read on:
// it has expired, after 15 minutes, or it was made for a shard without records,
// where DynamoDB Local takes the first record for one that was trimmed
// (https://github.com/aws/aws-sdk-java/issues/2923). Where records are really
// gone, GetShardIterator says so.
func broken(err error) bool {
	expired, trimmed := new(types.ExpiredIteratorException), new(types.TrimmedDataAccessException)
	return errors.As(err, &expired) || errors.As(err, &trimmed)
}
