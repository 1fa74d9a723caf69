package recovery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// The most that [ScanOptions].Segments may be.
const maxSegments = 1000

// ScanOptions of [EventStore].
type ScanOptions struct {
	// Segments is how many parts of the table are read at once, 1 to 1000.
	// Each holds a page of up to 1 MB. Zero means 4. A cursor is bound to it.
	Segments int

	// ReadUnits is the most read units to consume in a second, averaged, as
	// DynamoDB counts them. Zero means no limit.
	ReadUnits float64

	// Eventually reads with eventual consistency, for half of the read units. It
	// may miss what was committed in the last second or so. Zero reads
	// consistently.
	Eventually bool

	// PageSize is the most items that are read for a page, and so the most that
	// are published twice after a crash. Zero means as many as are in 1 MB.
	PageSize int
}

// EventStore is the source of all events whose headers.timestamp is at from or
// later, and before to. It scans the table, so it works in every layout, and costs
// the read units of the whole table whatever the times are: each started 4 KB one
// unit, or half of one with Eventually
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/capacity-mode.html).
//
// Events of one partition key come in the order of the sort key, everything else
// in no order. An item whose headers.timestamp cannot be read is not found, nor is
// one that TTL has deleted. An item that was changed since is published as it is
// now.
//
// It needs the permission dynamodb:Scan on the table.
func EventStore(client TableAPIClient, table string, layout envelope.Layout, from, to time.Time, optFns ...func(*ScanOptions)) relay.Source {
	s := &eventStore{store: newStore(client, table, layout), from: from.UTC(), to: to.UTC()}
	for _, fn := range optFns {
		if fn != nil {
			fn(&s.opts)
		}
	}
	if s.opts.Segments == 0 {
		s.opts.Segments = 4
	}
	return s
}

type eventStore struct {
	store
	from, to time.Time
	opts     ScanOptions
}

// Validate returns an error that names each wrong argument.
func (s *eventStore) Validate() error {
	errs := []error{s.validate(), validateTimes(s.from, s.to)}
	if s.opts.Segments < 1 || s.opts.Segments > maxSegments {
		errs = append(errs, fmt.Errorf("recovery: ScanOptions.Segments: %d is out of range, 1 to %d; zero means 4", s.opts.Segments, maxSegments))
	}
	if !(s.opts.ReadUnits >= 0) {
		errs = append(errs, fmt.Errorf("recovery: ScanOptions.ReadUnits: %v is negative; zero means no limit", s.opts.ReadUnits))
	}
	if s.opts.PageSize < 0 || s.opts.PageSize > 1_000_000 {
		errs = append(errs, fmt.Errorf("recovery: ScanOptions.PageSize: %d is out of range, up to 1,000,000; zero means no limit", s.opts.PageSize))
	}
	return errors.Join(errs...)
}

func validateTimes(from, to time.Time) error {
	switch {
	case from.IsZero() || to.IsZero():
		return errors.New("recovery: both times are required")
	case !from.Before(to):
		return fmt.Errorf("recovery: the times are reversed: from %s is not before to %s", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	return nil
}

// Question names the table and the times.
func (s *eventStore) Question() string {
	return s.question(fmt.Sprintf("events from %s to %s, in %d segments", s.from.Format(time.RFC3339Nano), s.to.Format(time.RFC3339Nano), s.opts.Segments))
}

// Pages scans the table.
func (s *eventStore) Pages(ctx context.Context, cursor json.RawMessage) iter.Seq2[relay.Page, error] {
	return func(yield func(relay.Page, error) bool) {
		at, units := make([]position, s.opts.Segments), 0.0
		if cursor != nil {
			if err := json.Unmarshal(cursor, &at); err != nil || len(at) != s.opts.Segments {
				yield(relay.Page{}, relay.ErrCursor)
				return
			}
		} else {
			var err error
			if units, err = s.looksLike(ctx); err != nil {
				yield(relay.Page{}, err)
				return
			}
		}
		for read, err := range s.segments(ctx, at) {
			if err != nil {
				yield(relay.Page{}, err)
				return
			}
			at[read.segment] = read.behind
			text, err := json.Marshal(at)
			if err != nil {
				yield(relay.Page{}, err)
				return
			}
			if !yield(relay.Page{Records: recordsOf(read.items), Cursor: text, ReadUnits: units + read.units}, nil) {
				return
			}
			units = 0
		}
	}
}

// input returns the request of a page.
func (s *eventStore) input(segment int, p position) (*dynamodb.ScanInput, error) {
	key, err := p.key()
	if err != nil {
		return nil, err
	}
	f := s.eventFilter()
	f.between(s.from, s.to)
	number, total, consistent := int32(segment), int32(s.opts.Segments), !s.opts.Eventually
	in := &dynamodb.ScanInput{
		ExclusiveStartKey: key, ConsistentRead: &consistent,
		FilterExpression: f.expression(), ExpressionAttributeNames: f.names, ExpressionAttributeValues: f.values,
	}
	if total > 1 {
		in.Segment, in.TotalSegments = &number, &total
	}
	if n := int32(s.opts.PageSize); n > 0 {
		in.Limit = &n
	}
	return in, nil
}

// Texts are compared from their first digit on, so they must be of one length. From
// this time on, in 2001, the milliseconds have 13 digits, up to 2286.
const thirteenDigits = 1_000_000_000_000

// between adds the times: headers.timestamp is an N, or an S as other writers
// have it.
func (f *filter) between(from, to time.Time) {
	first, last := ceilMilli(from), ceilMilli(to)-1
	f.names["#t"] = "timestamp"
	f.values[":from"] = &types.AttributeValueMemberN{Value: strconv.FormatInt(first, 10)}
	f.values[":to"] = &types.AttributeValueMemberN{Value: strconv.FormatInt(last, 10)}
	part := "#e.#h.#t BETWEEN :from AND :to"
	first, last = max(first, envelope.MinTimestamp.UnixMilli()), min(last, envelope.MaxTimestamp.UnixMilli()-1)
	if last >= thirteenDigits {
		first = max(first, thirteenDigits)
	}
	if first <= last {
		f.text(":fromS", strconv.FormatInt(first, 10))
		f.text(":toS", strconv.FormatInt(last, 10))
		part = "(" + part + " OR #e.#h.#t BETWEEN :fromS AND :toS)"
	}
	f.and(part)
}

// ceilMilli is the first whole millisecond at t or later.
func ceilMilli(t time.Time) int64 {
	ms := t.UnixMilli()
	if time.UnixMilli(ms).Before(t) {
		ms++
	}
	return ms
}
