package relay

import (
	"cmp"
	"hash/maphash"
	"slices"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// sendingOrder returns the indexes of the records in the order in which they
// are sent: that of the stream, but with an Ordered layout the events of each
// aggregate stand by their sequence in the places that they have in the batch.
// The stream keeps the order of one item, and may bring two items of an
// aggregate the other way round.
//
// Events with equal sequences, and those without one, keep the stream's order.
func (r *run) sendingOrder() []int {
	r.order = slices.Grow(r.order[:0], len(r.records))[:len(r.records)]
	for i := range r.order {
		r.order[i] = i
	}
	if !r.h.opts.Layout.Ordered {
		return r.order
	}
	places := make(map[string][]int)
	for i := range r.records {
		if rec := &r.records[i]; hasSequence(rec) {
			places[rec.AggregateID] = append(places[rec.AggregateID], i)
		}
	}
	bySequence := func(i, j int) int { return cmp.Compare(r.records[i].Sequence, r.records[j].Sequence) }
	for _, at := range places {
		sorted := slices.Clone(at)
		slices.SortStableFunc(sorted, bySequence)
		for k, i := range sorted {
			r.order[at[k]] = i
		}
	}
	return r.order
}

func hasSequence(rec *streamrecord.Record) bool {
	return (rec.Kind == streamrecord.Event || rec.Kind == streamrecord.Undecodable) && rec.AggregateID != "" && rec.Sequence > 0
}

// noteOrder counts an event that comes with a lower sequence than one of its
// aggregate that this process has had accepted.
func (r *run) noteOrder(rec *streamrecord.Record) {
	if !hasSequence(rec) || r.mode.replay {
		return
	}
	if highest, ok := r.h.highest.get(aggregateKey(rec)); ok && rec.Sequence < highest {
		r.m.OutOfOrder++
	}
}

// notePublished remembers the sequence of an event that the bus has accepted.
func (r *run) notePublished(rec *streamrecord.Record) {
	if !r.h.opts.Layout.Ordered || !hasSequence(rec) || r.mode.replay {
		return
	}
	k := aggregateKey(rec)
	if highest, ok := r.h.highest.get(k); !ok || rec.Sequence > highest {
		r.h.highest.put(k, rec.Sequence)
	}
}

func aggregateKey(rec *streamrecord.Record) key {
	return key{maphash.String(seeds[0], rec.AggregateID), maphash.String(seeds[1], rec.AggregateID)}
}
