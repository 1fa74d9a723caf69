package journal

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// ErrNotFound is what [Table.Find] returns of an event that it does not find.
var ErrNotFound = errors.New("journal: event not found")

// Accepted yields what was done at from or later, and before to: what the bus
// accepted, and what went to the dead letters, which says so. What was done in an
// earlier minute comes first; within a minute there is no order. An event may come
// more than once.
//
// It reads the table while it is iterated over, with consistent reads: 16 queries
// for each minute, all at once, whether there is something or not: a day is 1,440
// round trips and at least 23,040 read units. It holds no more in memory than the
// pages of one minute, 1 MB for each of the 16.
//
// After an error nothing comes any more. It is an error to ask for what is older
// than [Options].TTL, for then "not there" means nothing; and if an item under one
// of the keys is not one of this package: the error names it.
func (t *Table) Accepted(ctx context.Context, from, to time.Time) iter.Seq2[relay.Done, error] {
	return func(yield func(relay.Done, error) bool) {
		if err := t.askable(from, to); err != nil {
			yield(relay.Done{}, err)
			return
		}
		for minute := from.UTC().Truncate(bucket); minute.Before(to); minute = minute.Add(bucket) {
			for d, err := range t.minute(ctx, minute) {
				if err == nil && (d.At.Before(from) || !d.At.Before(to)) {
					continue
				}
				if !yield(d, err) || err != nil {
					return
				}
			}
		}
	}
}

// searchBefore and searchBehind are how far Find looks around a time. An event is
// accepted when it is committed, and while the stream keeps it, 24 hours.
const (
	searchBefore = time.Minute
	searchBehind = 25 * time.Hour
)

// Find says when an event was accepted, and under which id of the bus, from the
// time at which it was made: headers.timestamp. It looks from a minute before that
// to 25 hours behind it, minute by minute, and returns the first acceptance by the
// bus. If there is none, it returns the first dead letter; if there is none of
// either, an error that wraps [ErrNotFound]. An event that was published again
// later is found by that later time.
//
// What is found within a minute costs 32 read units, and what is not found at all
// about 24,000.
func (t *Table) Find(ctx context.Context, eventID string, around time.Time) (relay.Done, error) {
	from, to := around.Add(-searchBefore), around.Add(searchBehind)
	if now := time.Now().Add(searchBefore); to.After(now) {
		to = now // nothing is done in the future, as far as clocks agree
	}
	if err := t.askable(around, around); err != nil {
		return relay.Done{}, err
	}
	var found, dead *relay.Done
	keep := func(first **relay.Done, d relay.Done) {
		if *first == nil || d.At.Before((*first).At) {
			*first = &d
		}
	}
	for minute := from.UTC().Truncate(bucket); minute.Before(to) && found == nil; minute = minute.Add(bucket) {
		for d, err := range t.minute(ctx, minute) {
			switch {
			case err != nil:
				return relay.Done{}, err
			case d.EventID != eventID:
			case d.DeadLettered:
				keep(&dead, d)
			default:
				keep(&found, d)
			}
		}
	}
	switch {
	case found != nil:
		return *found, nil
	case dead != nil:
		return *dead, nil
	default:
		return relay.Done{}, fmt.Errorf("%w: %q, in table %s, from %s to %s",
			ErrNotFound, eventID, t.name, from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	}
}

// askable returns what is wrong with a question.
func (t *Table) askable(from, to time.Time) error {
	switch {
	case t.err != nil:
		return t.err
	case from.IsZero() || to.IsZero():
		return errors.New("journal: from and to are required: each minute between them is asked for")
	case to.Before(from):
		return fmt.Errorf("journal: the time ends before it begins: from %s to %s", from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	}
	if oldest := time.Now().Add(-t.opts.TTL); t.opts.TTL > 0 && from.Before(oldest) {
		return fmt.Errorf("journal: table %s keeps an item for %v, so what was done at %s is not known any more; ask from %s on",
			t.name, t.opts.TTL, from.UTC().Format(time.RFC3339), oldest.UTC().Add(time.Minute).Truncate(time.Minute).Format(time.RFC3339))
	}
	return nil
}

// page is an answer of the table.
type page struct {
	items []map[string]types.AttributeValue
	next  map[string]types.AttributeValue // nil if it is the last of its key
	err   error
}

// minute yields all that was done within a minute. The first page of each key is
// asked for at once, and the others, which only many events have, one by one.
func (t *Table) minute(ctx context.Context, minute time.Time) iter.Seq2[relay.Done, error] {
	return func(yield func(relay.Done, error) bool) {
		var pages [spread]page
		var wg sync.WaitGroup
		for i := range pages {
			wg.Go(func() { pages[i] = t.query(ctx, minute, i, nil) })
		}
		wg.Wait()
		for i := range pages {
			p := pages[i]
			pages[i] = page{} // its memory is not needed any more
			for {
				if p.err != nil {
					yield(relay.Done{}, p.err)
					return
				}
				for _, item := range p.items {
					for d, err := range t.eventsOf(item, minute) {
						if !yield(d, err) { // who asks stops at an error
							return
						}
					}
				}
				if len(p.next) == 0 {
					break
				}
				p = t.query(ctx, minute, i, p.next)
			}
		}
	}
}

func (t *Table) query(ctx context.Context, minute time.Time, i int, start map[string]types.AttributeValue) page {
	out, err := t.client.Query(ctx, &dynamodb.QueryInput{
		TableName:                 &t.name,
		KeyConditionExpression:    aws.String("#pk = :pk"),
		ExpressionAttributeNames:  map[string]string{"#pk": t.opts.PK},
		ExpressionAttributeValues: map[string]types.AttributeValue{":pk": &types.AttributeValueMemberS{Value: partitionOf(minute, i)}},
		ExclusiveStartKey:         start,
		ConsistentRead:            aws.Bool(true),
	})
	if err != nil {
		return page{err: fmt.Errorf("journal: query table %s: %w", t.name, err)}
	}
	if len(start) > 0 && reflect.DeepEqual(out.LastEvaluatedKey, start) {
		return page{err: fmt.Errorf("journal: query table %s: it does not move on: the last key of a page is that of the page before", t.name)}
	}
	return page{items: out.Items, next: out.LastEvaluatedKey}
}
