package follow_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/follow"
)

// stream has shards with numbers in them. An iterator is shard:index, and a serial
// number where it was asked for.
type stream struct {
	mu      sync.Mutex // guards all below
	shards  map[string][]string
	closed  map[string]bool
	expires bool // the next iterator that is used, for good
	expired map[string]bool
	serial  int // of iterators that were asked for
}

func (s *stream) DescribeStream(_ context.Context, in *dynamodbstreams.DescribeStreamInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for id := range s.shards {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	d := &types.StreamDescription{}
	for i, id := range ids { // one on a page
		if in.ExclusiveStartShardId == nil || id > *in.ExclusiveStartShardId {
			d.Shards = []types.Shard{{ShardId: &id}}
			if i < len(ids)-1 {
				d.LastEvaluatedShardId = &id
			}
			break
		}
	}
	return &dynamodbstreams.DescribeStreamOutput{StreamDescription: d}, nil
}

func (s *stream) GetShardIterator(_ context.Context, in *dynamodbstreams.GetShardIteratorInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := 0
	switch in.ShardIteratorType {
	case types.ShardIteratorTypeLatest:
		i = len(s.shards[*in.ShardId])
	case types.ShardIteratorTypeAfterSequenceNumber:
		i = slices.Index(s.shards[*in.ShardId], *in.SequenceNumber) + 1
	}
	s.serial++
	return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: aws.String(fmt.Sprintf("%s:%d:%d", *in.ShardId, i, s.serial))}, nil
}

func (s *stream) GetRecords(_ context.Context, in *dynamodbstreams.GetRecordsInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.expires {
		s.expires, s.expired = false, map[string]bool{*in.ShardIterator: true}
	}
	if s.expired[*in.ShardIterator] {
		return nil, &types.ExpiredIteratorException{}
	}
	parts := strings.Split(*in.ShardIterator, ":")
	id := parts[0]
	i, err := strconv.Atoi(parts[1])
	out := &dynamodbstreams.GetRecordsOutput{}
	for _, n := range s.shards[id][i:] {
		out.Records = append(out.Records, types.Record{Dynamodb: &types.StreamRecord{SequenceNumber: aws.String(n)}})
	}
	if !s.closed[id] {
		out.NextShardIterator = aws.String(fmt.Sprintf("%s:%d", id, len(s.shards[id])))
	}
	return out, err
}

// TestFollow: what comes is seen once, in a shard that is there, behind an
// iterator that has expired, and in a shard that comes later; what was there before
// is not.
func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stream{shards: map[string][]string{"a": {"1", "2"}, "b": {"3"}}, closed: map[string]bool{"b": true}}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var seen []string
		ready := make(chan struct{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for r, err := range follow.Records(ctx, s, "arn", time.Time{}, func() { close(ready) }) {
				if err != nil {
					t.Error(err)
				}
				seen = append(seen, *r.Dynamodb.SequenceNumber)
			}
		}()
		<-ready
		after := func(d time.Duration, change func()) {
			<-time.After(d)
			s.mu.Lock()
			defer s.mu.Unlock()
			change()
		}
		after(1500*time.Millisecond, func() { s.shards["a"] = append(s.shards["a"], "4") })
		after(2*time.Second, func() { s.expires, s.shards["a"] = true, append(s.shards["a"], "5") })
		after(3*time.Second, func() { s.closed["a"], s.shards["c"] = true, []string{"6"} })
		after(20*time.Second, stop)
		<-done
		require.Equal(t, []string{"4", "5", "6"}, seen)
	})
}

func TestFollowEndsWhenEnoughIsSeen(t *testing.T) {
	s := &stream{shards: map[string][]string{"a": {"1", "2", "3"}}}
	var seen []string
	for r, err := range follow.Records(t.Context(), s, "arn", time.Unix(1, 0), func() {}) {
		require.NoError(t, err)
		if seen = append(seen, *r.Dynamodb.SequenceNumber); len(seen) == 2 {
			break
		}
	}
	require.Equal(t, []string{"1", "2"}, seen)
}
