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
	id, parent string
	iterator   *string    // nil before the first read, and when the last one ran out
	last       string     // sequence number of the last record that was read
	closed     bool       // read to its end
	queue      [][]Record // read and not yet done, in order
	tries      int        // invocations without a record done
}

// finished reports whether children of the shard may be read.
func (s *shard) finished() bool { return s.closed && len(s.queue) == 0 }

// pass lists the shards, reads each once and works off what was read. It returns
// how many records were read or were waiting, or how many shards ended, so that
// zero means that there is nothing left to do.
func (p *Poller) pass(ctx context.Context) (int, error) {
	order, err := p.lineage(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, s := range order {
		if parent := p.shards[s.parent]; s.finished() || parent != nil && !parent.finished() {
			continue
		}
		read, err := p.read(ctx, s)
		if err != nil {
			return n, err
		}
		n += read
		for _, b := range s.queue {
			n += len(b)
		}
		if err := p.work(ctx, s); err != nil {
			return n, err
		}
		if s.finished() {
			n++ // its children may be read now
		}
	}
	return n, nil
}

// lineage refreshes the list of shards and returns it, parents before their
// children. A parent that the stream no longer lists has no record left.
func (p *Poller) lineage(ctx context.Context) ([]*shard, error) {
	var listed []*shard
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: &p.streamARN}
	for {
		out, err := p.client.DescribeStream(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("lambdapoller: describe stream %s: %w", p.streamARN, err)
		}
		for _, d := range out.StreamDescription.Shards {
			id := aws.ToString(d.ShardId)
			if p.shards[id] == nil {
				p.shards[id] = &shard{id: id, parent: aws.ToString(d.ParentShardId)}
			}
			listed = append(listed, p.shards[id])
		}
		in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId
		if in.ExclusiveStartShardId == nil {
			break
		}
	}
	depth := func(s *shard) int {
		n := 0
		for parent := p.shards[s.parent]; parent != nil && n <= len(p.shards); parent = p.shards[parent.parent] {
			n++
		}
		return n
	}
	slices.SortStableFunc(listed, func(a, b *shard) int { return depth(a) - depth(b) })
	return listed, nil
}

// read fetches the next page of the shard and cuts it into batches. It returns
// the number of records on the page.
func (p *Poller) read(ctx context.Context, s *shard) (int, error) {
	if s.closed {
		return 0, nil
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
			return 0, fmt.Errorf("lambdapoller: iterator of shard %s: %w", s.id, err)
		}
		s.iterator = out.ShardIterator
	}
	page, err := p.client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: s.iterator})
	if broken(err) {
		s.iterator = nil // read on from the last record
		return p.read(ctx, s)
	}
	if err != nil {
		return 0, fmt.Errorf("lambdapoller: records of shard %s: %w", s.id, err)
	}
	var kept []Record
	for _, r := range page.Records {
		record, err := newRecord(r, p.streamARN)
		if err != nil {
			return 0, err
		}
		s.last = record.SequenceNumber
		kept = append(kept, record)
	}
	s.queue = append(s.queue, cut(kept, p.opts.BatchSize)...)
	s.iterator, s.closed = page.NextShardIterator, page.NextShardIterator == nil
	return len(page.Records), nil
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
