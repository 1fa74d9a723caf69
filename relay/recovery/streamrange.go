package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/sequence"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// StreamRange is the source of the records of a shard from the sequence number
// first to last, both included. What the stream has forgotten of them is Missing.
//
// It needs the permissions dynamodb:GetShardIterator and dynamodb:GetRecords on the
// stream.
func StreamRange(client StreamAPIClient, streamARN, shardID, first, last string) relay.Source {
	return &streamRange{stream{client, streamARN}, shardID, first, last}
}

type streamRange struct {
	stream
	shard, first, last string
}

// Validate returns an error that names each wrong argument.
func (s *streamRange) Validate() error {
	errs := []error{s.validate()}
	if s.shard == "" {
		errs = append(errs, errors.New("recovery: shard id is empty"))
	}
	switch {
	case !sequence.Valid(s.first) || !sequence.Valid(s.last):
		errs = append(errs, errors.New("recovery: both sequence numbers are required, and are digits"))
	case sequence.Less(s.last, s.first):
		errs = append(errs, errors.New("recovery: the sequence numbers are reversed"))
	}
	return errors.Join(errs...)
}

// Question names the range.
func (s *streamRange) Question() string {
	return fmt.Sprintf("stream %s, shard %s, records %s to %s", s.arn, s.shard, s.first, s.last)
}

// Pages reads the range.
func (s *streamRange) Pages(ctx context.Context, cursor json.RawMessage) iter.Seq2[relay.Page, error] {
	return func(yield func(relay.Page, error) bool) {
		var at inShard
		if cursor != nil && json.Unmarshal(cursor, &at) != nil {
			yield(relay.Page{}, relay.ErrCursor)
			return
		}
		r := &reader{stream: s.stream, shard: s.shard, last: at.After}
		r.start = dynamodbstreams.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtSequenceNumber, SequenceNumber: &s.first}
		trimmed, empty := false, 0
		for !at.Done {
			page, past := relay.Page{}, false
			entries, err := r.read(ctx)
			var none *types.ResourceNotFoundException
			switch {
			case errors.As(err, &none): // the shard is forgotten
				r.closed = true
			case errors.Is(err, errTrimmed) && !trimmed:
				trimmed = true
				r.fromOldest()
				continue
			case err != nil:
				yield(relay.Page{}, err)
				return
			}
			for _, e := range entries {
				if past = sequence.Less(s.last, e.sequence); past {
					break
				}
				if sequence.Less(e.sequence, s.first) {
					continue
				}
				if trimmed {
					trimmed = false
					page.Missing = s.missing(at.After, e.sequence)
				}
				page.Records = append(page.Records, relay.Again{Record: e.text})
				at.After = e.sequence
			}
			if empty++; len(entries) > 0 {
				empty = 0
			} else if err := waitUntil(ctx, time.Now().Add(emptyWait)); err != nil && !r.closed {
				yield(relay.Page{}, err)
				return
			}
			short := at.After == "" || sequence.Less(at.After, s.last)
			if at.Done = !short || past || r.closed || empty >= emptyPages; at.Done && short && (trimmed || !past) {
				page.Missing = append(page.Missing, s.missing(at.After, s.last)...)
			}
			if page.Cursor, err = json.Marshal(at); !yield(page, err) || err != nil {
				return
			}
		}
	}
}

// missing says that the stream does not have the records behind after, up to one.
func (s *streamRange) missing(after, to string) []relay.Missing {
	if after == "" {
		after = s.first
	}
	return []relay.Missing{{ShardID: s.shard, First: after, Last: to, Reason: "the stream does not have these records any more; it keeps 24 hours"}}
}
