package journal

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	mathrand "math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// attrEvents has the events of an item; see codec.go.
const attrEvents = "events"

// bucket is the time that the events of an item, and of its partition key, are
// of.
const bucket = time.Minute

// spread is how many partition keys a minute has; an item gets one of them by
// chance. Writer and readers must agree on it, so it is no option.
//
// A partition of DynamoDB takes 1,000 write units a second
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html).
// 1,000 invocations a second of 100 events each write 1,000 items of 3.5 KB, 4
// units each: 4,000 units a second, on 16 keys 250 each. So a key has room for
// four times of that.
//
// A reader asks for each key of a minute, also where nothing is: 16 queries, of
// one read unit each.
const spread = 16

// roomEvents is how many bytes of events an item has. DynamoDB allows 409,600
// for names and values together
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-items).
// The names may have 64 KB of it, and keys and time to live have 100 bytes.
const roomEvents = 340_000

// partitionOf is a partition key of a minute.
func partitionOf(minute time.Time, i int) string {
	return fmt.Sprintf("%s/%02d", minute.UTC().Format("2006-01-02T15:04Z"), i)
}

// pack is some events of a minute, encoded, as many as an item holds.
type pack struct {
	minute time.Time
	first  time.Time
	n      int // of events
	events []byte
}

// packs sorts the events into packs. It changes the order of done. An event that
// fits in no item is in the error, and in no pack.
func packs(done []relay.Done) (all []pack, err error) {
	minuteOf := func(d relay.Done) time.Time { return d.At.UTC().Truncate(bucket) }
	slices.SortStableFunc(done, func(a, b relay.Done) int { // one run for each bus, for its name is written once
		return cmp.Or(minuteOf(a).Compare(minuteOf(b)), cmp.Compare(a.Bus, b.Bus))
	})
	var errs []error
	var enc encoder
	for _, d := range done {
		minute := minuteOf(d)
		if len(all) > 0 && all[len(all)-1].minute.Equal(minute) {
			before := enc
			if enc.add(d); len(enc.text) <= roomEvents {
				last := &all[len(all)-1]
				last.n, last.events = last.n+1, enc.text
				continue
			}
			enc = before
		}
		alone := newEncoder(minute)
		if alone.add(d); len(alone.text) > roomEvents {
			errs = append(errs, fmt.Errorf("event %q: its id, the bus and the id of the bus have %d bytes together; an item of the journal holds %d",
				d.EventID[:min(len(d.EventID), 100)], len(alone.text), roomEvents))
			continue
		}
		enc = alone
		all = append(all, pack{minute: minute, first: d.At, n: 1, events: enc.text})
	}
	return all, errors.Join(errs...)
}

// item is the item of a pack. Its key is one that no other item has.
func (t *Table) item(p pack) map[string]types.AttributeValue {
	item := map[string]types.AttributeValue{
		t.opts.PK:  &types.AttributeValueMemberS{Value: partitionOf(p.minute, mathrand.IntN(spread))},
		t.opts.SK:  &types.AttributeValueMemberS{Value: p.first.UTC().Format("2006-01-02T15:04:05.000Z") + "/" + rand.Text()},
		attrEvents: &types.AttributeValueMemberB{Value: p.events},
	}
	if t.opts.TTL > 0 {
		item[t.opts.TTLAttribute] = &types.AttributeValueMemberN{Value: strconv.FormatInt(p.minute.Add(bucket+t.opts.TTL).Unix(), 10)}
	}
	return item
}

// eventsOf yields the events of an item that was found under a key of that
// minute. The error names the item.
func (t *Table) eventsOf(item map[string]types.AttributeValue, minute time.Time) iter.Seq2[relay.Done, error] {
	return func(yield func(relay.Done, error) bool) {
		value, ok := item[attrEvents].(*types.AttributeValueMemberB)
		if !ok {
			yield(relay.Done{}, t.itemError(item, fmt.Errorf("it has no attribute %q of type B, so it is of another writer", attrEvents)))
			return
		}
		for d, err := range decode(value.Value, minute) {
			if err != nil {
				err = t.itemError(item, err)
			}
			if !yield(d, err) {
				return
			}
		}
	}
}

func (t *Table) itemError(item map[string]types.AttributeValue, err error) error {
	key := func(name string) string {
		s, ok := item[name].(*types.AttributeValueMemberS)
		if !ok {
			return "?"
		}
		return s.Value
	}
	return fmt.Errorf("journal: table %s, item %s=%q %s=%q: %w; what it says of events is not known: find out who wrote it, then delete it",
		t.name, t.opts.PK, key(t.opts.PK), t.opts.SK, key(t.opts.SK), err)
}
