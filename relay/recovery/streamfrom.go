package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

const (
	// retention is how long a stream keeps a record
	// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
	retention = 24 * time.Hour

	// An open shard has no end, and an empty page says nothing. After so many of
	// them one behind the other, with a wait between two looks, it counts as read.
	emptyPages = 20
	emptyWait  = 250 * time.Millisecond
)

// StreamFrom is the source of all records that came on the stream at from or
// later, and before the replay began. Parent shards come before their children, so
// the records of an item are in order.
//
// The stream keeps 24 hours. Where from is earlier, everything between it and the
// first record of each oldest shard is Missing: whether there was something
// cannot be known from the stream. A shard that is open has no end that could be
// seen; it counts as read when a record comes that is younger than the replay, or
// after 20 empty pages in 5 seconds.
//
// Two readers of a shard are all that AWS advises, and a Lambda function is one
// of them (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
//
// It needs the permissions dynamodb:DescribeStream, dynamodb:GetShardIterator and
// dynamodb:GetRecords on the stream.
func StreamFrom(client StreamAPIClient, streamARN string, from time.Time) relay.Source {
	return &streamFrom{stream: stream{client, streamARN}, from: from.UTC()}
}

type streamFrom struct {
	stream
	from time.Time
}

// Validate returns an error that names each wrong argument.
func (s *streamFrom) Validate() error {
	errs := []error{s.validate()}
	if s.from.IsZero() || s.from.After(time.Now()) {
		errs = append(errs, errors.New("recovery: the time to read the stream from is required, and may not be in the future"))
	}
	return errors.Join(errs...)
}

// Question names the stream and the time.
func (s *streamFrom) Question() string {
	return fmt.Sprintf("stream %s from %s", s.arn, s.from.Format(time.RFC3339Nano))
}

// followed is the place in a stream, in a cursor.
type followed struct {
	Until  int64               `json:"until"` // when the replay began, Unix ms
	Shards map[string]*inShard `json:"shards"`
}

// inShard is the place in a shard.
type inShard struct {
	After string `json:"after,omitempty"` // a sequence number
	Done  bool   `json:"done,omitempty"`
}

// Pages reads the stream.
func (s *streamFrom) Pages(ctx context.Context, cursor json.RawMessage) iter.Seq2[relay.Page, error] {
	return func(yield func(relay.Page, error) bool) {
		f := &follower{streamFrom: s, at: followed{Until: time.Now().UnixMilli(), Shards: map[string]*inShard{}}}
		if cursor != nil && (json.Unmarshal(cursor, &f.at) != nil || f.at.Shards == nil) {
			yield(relay.Page{}, relay.ErrCursor)
			return
		}
		for {
			open, gone, err := f.open(ctx)
			if err != nil {
				yield(relay.Page{}, err)
				return
			}
			if len(gone) > 0 {
				page, err := f.finish(relay.Page{Missing: gone})
				if !yield(page, err) || err != nil {
					return
				}
			}
			if len(open) == 0 {
				return
			}
			if more, err := f.turns(ctx, open, yield); err != nil {
				yield(relay.Page{}, err)
				return
			} else if !more {
				return
			}
		}
	}
}

// follower reads the shards of a stream.
type follower struct {
	*streamFrom
	at      followed
	readers map[string]*shardReader
}

// shardReader reads one of them.
type shardReader struct {
	reader
	root    bool      // its parent, if it had one, is forgotten
	begun   bool      // a record was read
	empty   int       // pages in a row
	trimmed int       // answers in a row that it is forgotten
	next    time.Time // when to look again
}

// open returns the readers of the shards that are to be read now: those that are
// not done, whose parents are. gone is what was begun, and is not there any more.
func (f *follower) open(ctx context.Context) (open []*shardReader, gone []relay.Missing, err error) {
	shards, err := f.shards(ctx)
	if err != nil {
		return nil, nil, err
	}
	known := map[string]bool{}
	for _, sh := range shards {
		if sh.ShardId != nil {
			known[*sh.ShardId] = true
		}
	}
	if f.readers == nil {
		f.readers = map[string]*shardReader{}
	}
	for _, id := range slices.Sorted(maps.Keys(f.at.Shards)) {
		if at := f.at.Shards[id]; at != nil && !at.Done && !known[id] {
			at.Done = true
			gone = append(gone, f.forgotten(id, at))
		}
	}
	waiting := ""
	for _, sh := range shards {
		if sh.ShardId == nil {
			continue
		}
		id := *sh.ShardId
		at := f.at.Shards[id]
		if at != nil && at.Done {
			continue
		}
		waiting = id
		root := sh.ParentShardId == nil || !known[*sh.ParentShardId]
		if !root {
			if parent := f.at.Shards[*sh.ParentShardId]; parent == nil || !parent.Done {
				continue
			}
		}
		if at == nil {
			at = &inShard{}
			f.at.Shards[id] = at
		}
		if f.readers[id] == nil {
			r := &shardReader{root: root, begun: at.After != ""}
			r.reader = reader{stream: f.stream, shard: id, last: at.After}
			r.start = dynamodbstreams.GetShardIteratorInput{ShardIteratorType: types.ShardIteratorTypeAtTimestamp, Timestamp: &f.from}
			f.readers[id] = r
		}
		open = append(open, f.readers[id])
	}
	if len(open) == 0 && waiting != "" {
		return nil, nil, fmt.Errorf("stream %s: shard %s cannot be read: by its parents it comes behind itself", f.arn, waiting)
	}
	return open, gone, nil
}

// forgotten says that the stream does not have what followed in a shard.
func (f *follower) forgotten(shard string, at *inShard) relay.Missing {
	return relay.Missing{ShardID: shard, First: at.After, From: f.from, Reason: "the stream has forgotten what followed this record; it keeps 24 hours"}
}

// turns reads the shards in turns, until one of them is done: it may have
// children. It reports whether there is more.
func (f *follower) turns(ctx context.Context, open []*shardReader, yield func(relay.Page, error) bool) (bool, error) {
	for {
		for _, r := range open {
			page, err := f.turn(ctx, r)
			if err != nil {
				return false, err
			}
			if !yield(page, nil) {
				return false, nil
			}
		}
		if slices.ContainsFunc(open, func(r *shardReader) bool { return f.at.Shards[r.shard].Done }) {
			return true, nil
		}
	}
}

// turn reads a page of a shard.
func (f *follower) turn(ctx context.Context, r *shardReader) (relay.Page, error) {
	var page relay.Page
	at := f.at.Shards[r.shard]
	if err := waitUntil(ctx, r.next); err != nil {
		return page, err
	}
	entries, err := r.read(ctx)
	if errors.Is(err, errTrimmed) && r.trimmed < emptyPages { // behind what was read before, or while it was read
		page.Missing = append(page.Missing, f.forgotten(r.shard, at))
		r.fromOldest()
		r.trimmed, r.next = r.trimmed+1, time.Now().Add(emptyWait)
		return f.finish(page)
	}
	if err != nil {
		return page, err
	}
	r.trimmed = 0
	until, past := time.UnixMilli(f.at.Until), false
	for _, e := range entries {
		if past = !e.created.IsZero() && !e.created.Before(until); past {
			break
		}
		at.After = e.sequence
		if e.created.IsZero() || !e.created.Before(f.from.Truncate(time.Second)) { // the stream's times are whole seconds
			f.begin(r, e.created, &page)
			page.Records = append(page.Records, relay.Again{Record: e.text})
		}
	}
	if r.empty++; len(entries) > 0 {
		r.empty, r.next = 0, time.Time{}
	} else {
		r.next = time.Now().Add(emptyWait)
	}
	if at.Done = r.closed || past || r.empty >= emptyPages; at.Done {
		f.begin(r, until, &page)
	}
	return f.finish(page)
}

// begin notes what is missing before the first record of a shard.
func (f *follower) begin(r *shardReader, first time.Time, page *relay.Page) {
	if r.begun {
		return
	}
	r.begun = true
	horizon := time.Now().Add(-retention) // not that of the beginning: a replay may go on days later
	if r.root && f.from.Before(horizon) {
		page.Missing = append(page.Missing, relay.Missing{
			ShardID: r.shard, From: f.from, To: first, Reason: "the stream keeps 24 hours; what it had before its first record cannot be known",
		})
	}
}

// finish gives a page its cursor.
func (f *follower) finish(page relay.Page) (relay.Page, error) {
	text, err := json.Marshal(f.at)
	page.Cursor = text
	return page, err
}

// waitUntil returns at t, or when ctx has ended.
func waitUntil(ctx context.Context, t time.Time) error {
	if d := time.Until(t); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}
