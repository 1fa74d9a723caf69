package lambdapoller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"
)

// fakeStream is a stream of shards held in memory, two records a page. An
// iterator is "shard/index".
type fakeStream struct {
	shards []fakeShard
	broken error // of the next GetRecords
	calls  int
}

type fakeShard struct {
	id, parent string
	numbers    []string
	open       bool
}

func (f *fakeStream) shard(id string) *fakeShard {
	for i := range f.shards {
		if f.shards[i].id == id {
			return &f.shards[i]
		}
	}
	return nil
}

// DescribeStream lists one shard a page.
func (f *fakeStream) DescribeStream(_ context.Context, in *dynamodbstreams.DescribeStreamInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.DescribeStreamOutput, error) {
	i := 0
	for in.ExclusiveStartShardId != nil && f.shards[i].id != *in.ExclusiveStartShardId {
		i++
	}
	if in.ExclusiveStartShardId != nil {
		i++
	}
	s := f.shards[i]
	d := &types.StreamDescription{Shards: []types.Shard{{ShardId: &s.id}}}
	if s.parent != "" {
		d.Shards[0].ParentShardId = &s.parent
	}
	if i < len(f.shards)-1 {
		d.LastEvaluatedShardId = &s.id
	}
	return &dynamodbstreams.DescribeStreamOutput{StreamDescription: d}, nil
}

func (f *fakeStream) GetShardIterator(_ context.Context, in *dynamodbstreams.GetShardIteratorInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetShardIteratorOutput, error) {
	i := 0
	if in.ShardIteratorType == types.ShardIteratorTypeAfterSequenceNumber {
		for f.shard(*in.ShardId).numbers[i] != *in.SequenceNumber {
			i++
		}
		i++
	}
	return &dynamodbstreams.GetShardIteratorOutput{ShardIterator: aws.String(fmt.Sprintf("%s/%d", *in.ShardId, i))}, nil
}

func (f *fakeStream) GetRecords(_ context.Context, in *dynamodbstreams.GetRecordsInput, _ ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	f.calls++
	if f.broken != nil {
		err := f.broken
		f.broken = nil
		return nil, err
	}
	id, index, _ := strings.Cut(*in.ShardIterator, "/")
	var i int
	if _, err := fmt.Sscan(index, &i); err != nil {
		return nil, err
	}
	s := f.shard(id)
	end := min(i+2, len(s.numbers))
	out := &dynamodbstreams.GetRecordsOutput{}
	for _, n := range s.numbers[i:end] {
		out.Records = append(out.Records, types.Record{EventName: types.OperationTypeInsert, Dynamodb: &types.StreamRecord{SequenceNumber: &n}})
	}
	if s.open || end < len(s.numbers) {
		out.NextShardIterator = aws.String(fmt.Sprintf("%s/%d", id, end))
	}
	return out, nil
}

// numbers returns the sequence numbers in an event.
func numbers(t *testing.T, event []byte) []string {
	t.Helper()
	var e struct {
		Records []struct {
			DynamoDB struct{ SequenceNumber string } `json:"dynamodb"`
		}
	}
	require.NoError(t, json.Unmarshal(event, &e))
	var ns []string
	for _, r := range e.Records {
		ns = append(ns, r.DynamoDB.SequenceNumber)
	}
	return ns
}

// batches returns the sequence numbers of each invocation, joined.
func batches(p *Poller) []string {
	var got []string
	for _, inv := range p.Invocations() {
		got = append(got, strings.Join(inv.SequenceNumbers, " "))
	}
	return got
}

var succeed = HandlerFunc(func(context.Context, []byte) ([]byte, error) { return nil, nil })

func newPoller(t *testing.T, f *fakeStream, h lambda.Handler, optFns ...func(*Options)) *Poller {
	t.Helper()
	p, err := New(f, "arn", h, optFns...)
	require.NoError(t, err)
	return p
}

func TestDrainReadsParentsFirst(t *testing.T) {
	f := &fakeStream{shards: []fakeShard{
		{id: "grandchild", parent: "child", numbers: []string{"7"}, open: true},
		{id: "child", parent: "root", numbers: []string{"4", "5", "6"}},
		{id: "root", parent: "trimmed", numbers: []string{"1", "2", "3"}},
	}}
	p := newPoller(t, f, succeed)
	require.NoError(t, p.Drain(t.Context()))
	require.Equal(t, []string{"1 2", "3", "4 5", "6", "7"}, batches(p))
}

func TestDrainKeepsItsPlace(t *testing.T) {
	f := &fakeStream{shards: []fakeShard{{id: "s", numbers: []string{"1"}, open: true}}}
	p := newPoller(t, f, succeed)
	require.NoError(t, p.Drain(t.Context()))
	require.NoError(t, p.Drain(t.Context()))
	f.shards[0].numbers = append(f.shards[0].numbers, "2", "3")
	require.NoError(t, p.Drain(t.Context()))
	require.Equal(t, []string{"1", "2 3"}, batches(p))

	// The shard is split meanwhile: its child is found.
	f.shards[0].open = false
	f.shards = append(f.shards, fakeShard{id: "child", parent: "s", numbers: []string{"4"}, open: true})
	require.NoError(t, p.Drain(t.Context()))
	require.Equal(t, []string{"1", "2 3", "4"}, batches(p))
}

func TestDrainAfterABrokenIterator(t *testing.T) {
	for _, broken := range []error{&types.ExpiredIteratorException{}, &types.TrimmedDataAccessException{}} {
		f := &fakeStream{shards: []fakeShard{{id: "s", numbers: []string{"1"}, open: true}}}
		p := newPoller(t, f, succeed)
		require.NoError(t, p.Drain(t.Context()))
		f.shards[0].numbers = append(f.shards[0].numbers, "2")
		f.broken = broken
		require.NoError(t, p.Drain(t.Context()))
		require.Equal(t, []string{"1", "2"}, batches(p))
	}
}

func TestChildWaitsForTheParentsFailure(t *testing.T) {
	f := &fakeStream{shards: []fakeShard{{id: "p", numbers: []string{"1"}}, {id: "c", parent: "p", numbers: []string{"2"}}}}
	fail := true
	h := HandlerFunc(func(context.Context, []byte) ([]byte, error) {
		if fail {
			return nil, errors.New("bus is away")
		}
		return nil, nil
	})
	p := newPoller(t, f, h, func(o *Options) { o.StuckAfter = 3 })
	err := p.Drain(t.Context())
	require.ErrorIs(t, err, ErrStuck)
	require.ErrorContains(t, err, "bus is away")
	require.Equal(t, []string{"1", "1", "1"}, batches(p))
	fail = false
	require.NoError(t, p.Drain(t.Context()))
	require.Equal(t, []string{"1", "1", "1", "1", "2"}, batches(p))
}

func TestCheckpointSendsTheRestAgain(t *testing.T) {
	for _, tt := range []struct {
		name   string
		report bool
		want   []string
	}{
		{"heeded", true, []string{"8 9", "9", "10"}},
		{"ignored without ReportBatchItemFailures", false, []string{"8 9", "10"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := &fakeStream{shards: []fakeShard{{id: "s", numbers: []string{"8", "9", "10"}}}}
			calls := 0
			h := HandlerFunc(func(context.Context, []byte) ([]byte, error) {
				if calls++; calls == 1 {
					return []byte(`{"batchItemFailures":[{"itemIdentifier":"9"}]}`), nil
				}
				return []byte(`{"batchItemFailures":[]}`), nil
			})
			p := newPoller(t, f, h, func(o *Options) { o.ReportBatchItemFailures = tt.report })
			require.NoError(t, p.Drain(t.Context()))
			require.Equal(t, tt.want, batches(p))
		})
	}
}

func TestBisectFindsThePoison(t *testing.T) {
	f := &fakeStream{shards: []fakeShard{{id: "s", numbers: []string{"1", "2"}}}}
	poisoned := 3
	h := HandlerFunc(func(_ context.Context, event []byte) ([]byte, error) {
		for _, n := range numbers(t, event) {
			if n == "2" && poisoned > 0 {
				poisoned--
				panic("poison")
			}
		}
		return nil, nil
	})
	p := newPoller(t, f, h, func(o *Options) { o.Bisect = true })
	require.NoError(t, p.Drain(t.Context()))
	require.Equal(t, []string{"1 2", "1", "2", "2", "2"}, batches(p))
	require.ErrorContains(t, p.Invocations()[0].Err, "poison")
}

func TestCancelledDrainLosesNothing(t *testing.T) {
	f := &fakeStream{shards: []fakeShard{{id: "s", numbers: []string{"1"}}}}
	ctx, cancel := context.WithCancel(t.Context())
	h := HandlerFunc(func(ctx context.Context, _ []byte) ([]byte, error) {
		cancel()
		return nil, ctx.Err()
	})
	p := newPoller(t, f, h)
	require.ErrorIs(t, p.Drain(ctx), context.Canceled)
	require.NoError(t, p.Drain(t.Context()))
	require.Equal(t, []string{"1", "1"}, batches(p))
}

func TestRunGoesOnUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeStream{shards: []fakeShard{{id: "s", numbers: []string{"1"}, open: true}}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		h := HandlerFunc(func(context.Context, []byte) ([]byte, error) {
			// The next record comes while this one is handled.
			if n := len(f.shards[0].numbers); n < 5 {
				f.shards[0].numbers = append(f.shards[0].numbers, fmt.Sprint(n+1))
			}
			return nil, nil
		})
		p := newPoller(t, f, h)
		require.NoError(t, p.Run(ctx))
		require.Equal(t, []string{"1", "2", "3", "4", "5"}, batches(p))
		require.InDelta(t, time.Minute/idle, f.calls, 10, "GetRecords calls: it waits between two looks")
	})
}

func TestRecordedEvents(t *testing.T) {
	f := &fakeStream{shards: []fakeShard{{id: "s", numbers: []string{"1", "2", "3"}, open: true}}}
	events, err := Events(t.Context(), f, "arn", 0)
	require.NoError(t, err)
	require.Len(t, events, 2)
	require.Equal(t, []string{"1", "2"}, numbers(t, events[0]))
	require.Equal(t, []string{"3"}, numbers(t, events[1]))
}

func TestNewRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, want string
		opt        func(*Options)
	}{
		{"batch size", "BatchSize is 10001", func(o *Options) { o.BatchSize = 10_001 }},
		{"negative batch size", "BatchSize is -1", func(o *Options) { o.BatchSize = -1 }},
		{"stuck", "StuckAfter is -1", func(o *Options) { o.StuckAfter = -1 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(&fakeStream{}, "arn", succeed, tt.opt)
			require.ErrorContains(t, err, tt.want)
		})
	}
	_, err := New(&fakeStream{}, "", succeed)
	require.ErrorContains(t, err, "ARN is empty")
	_, err = New(nil, "arn", succeed)
	require.ErrorContains(t, err, "must not be nil")
}
