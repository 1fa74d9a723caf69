// Package packing decides which entries go together into a call, and when. It
// does no I/O and knows no time.
package packing

import "math"

// Limits of one call.
type Limits struct {
	Entries, Bytes int
}

// Item is an entry to be sent, as far as packing cares.
type Item struct {
	// Size counts against Limits.Bytes.
	Size int
	// Lane is where it goes: a call holds items of one lane only. From 0.
	Lane int
	// Group is what order is kept within, "" for none. An item is handed out
	// only when every earlier item of its group is done, so a call never holds
	// two of a group.
	Group string
	// Alone asks for a call of its own.
	Alone bool
}

// Queue hands out the items of one batch call by call, in the batch's order,
// and takes back what became of them. Every item handed out by [Queue.Next]
// must come back once through [Queue.Done], [Queue.Again] or [Queue.Fail], or
// through [Queue.Probe] and then one of these.
//
// Its rules:
//   - Without groups and faults, the calls of a lane are the fewest that keep
//     the order: each takes as many of the next items as fit.
//   - While an item that failed is neither done nor given up, only such items
//     are handed out, packed together. Nothing new is started behind an item
//     that may have to be reported as failed: all of it would come again.
//   - Behind an item that was given up nothing is handed out any more, unless
//     the queue is made to go on.
//
// It is not safe for concurrent use.
type Queue struct {
	items  []Item
	lim    Limits
	goOn   bool
	next   []int32 // next item of the same group, -1 if there is none
	failed []bool  // was sent and failed, and is neither done nor given up
	lanes  []lane
	fence  int // items from here on are not handed out
	waits  int // number of failed items before the fence
}

// lane holds the items that may be sent, as heaps by index.
type lane struct {
	fresh, again heap
}

// NewQueue returns a queue over items, which it keeps and does not change.
// With goOn, an item that is given up holds up only its own group.
func NewQueue(items []Item, lim Limits, goOn bool) *Queue {
	q := &Queue{
		items: items, lim: lim, goOn: goOn,
		next:   make([]int32, len(items)),
		failed: make([]bool, len(items)),
		fence:  len(items),
	}
	lanes := 0
	for i := range items {
		lanes = max(lanes, items[i].Lane+1)
	}
	q.lanes = make([]lane, lanes)
	var tail map[string]int32 // the last item of each group so far
	for i := range items {
		q.next[i] = -1
		if g := items[i].Group; g != "" {
			if tail == nil {
				tail = make(map[string]int32)
			}
			prev, later := tail[g]
			tail[g] = int32(i)
			if later {
				q.next[prev] = int32(i)
				continue
			}
		}
		q.lanes[items[i].Lane].fresh.push(int32(i))
	}
	return q
}

// Next appends to buf the indexes of the next call, ascending, and returns it.
// It returns buf as it is when nothing may be sent now. An item larger than a
// call comes alone.
func (q *Queue) Next(buf []int) []int {
	again := q.waits > 0
	var best *heap
	first := int32(math.MaxInt32)
	for l := range q.lanes {
		h := q.lanes[l].heap(again)
		if len(*h) > 0 && (*h)[0] < first && int((*h)[0]) < q.fence {
			best, first = h, (*h)[0]
		}
	}
	if best == nil {
		return buf
	}
	bytes := 0
	for n := 0; n < q.lim.Entries && len(*best) > 0; n++ {
		i := int((*best)[0])
		bytes += q.items[i].Size
		if i >= q.fence || n > 0 && (bytes > q.lim.Bytes || q.items[i].Alone || q.items[first].Alone) {
			break
		}
		best.pop()
		buf = append(buf, i)
	}
	return buf
}

// Done says that an item is accepted: it is over, and the next of its group
// may be sent.
func (q *Queue) Done(i int) {
	q.settle(i)
	if n := q.next[i]; n >= 0 {
		q.lanes[q.items[n].Lane].fresh.push(n)
	}
}

// Again says that an item was not accepted and is to be sent again. It is
// dropped if it is behind one that was given up.
func (q *Queue) Again(i int) {
	if i >= q.fence {
		q.settle(i)
		return
	}
	if !q.failed[i] {
		q.failed[i] = true
		q.waits++
	}
	q.lanes[q.items[i].Lane].again.push(int32(i))
}

// Fail says that an item is given up. It may also be called for an item that
// was never handed out.
func (q *Queue) Fail(i int) {
	q.settle(i)
	if q.goOn || i >= q.fence {
		return
	}
	q.fence = i
	for l := range q.lanes {
		h := &q.lanes[l].again
		kept := (*h)[:0]
		for _, j := range *h {
			if int(j) < q.fence {
				kept = append(kept, j)
			} else {
				q.settle(int(j))
			}
		}
		*h = kept
		h.init()
	}
	// items in flight behind the fence must not hold up what is before it
	for j := q.fence; j < len(q.items); j++ {
		q.settle(j)
	}
}

// Probe says that it takes another call to tell what becomes of an item. Until
// Done or Fail it holds up its own group, and not that call.
func (q *Queue) Probe(i int) { q.settle(i) }

// Waits reports whether an item that failed waits to be sent again.
func (q *Queue) Waits() bool {
	for l := range q.lanes {
		if len(q.lanes[l].again) > 0 {
			return true
		}
	}
	return false
}

// Waiting returns the items that failed and wait to be sent again, in no
// particular order.
func (q *Queue) Waiting() []int {
	var w []int
	for l := range q.lanes {
		for _, i := range q.lanes[l].again {
			w = append(w, int(i))
		}
	}
	return w
}

func (q *Queue) settle(i int) {
	if q.failed[i] {
		q.failed[i] = false
		q.waits--
	}
}

func (l *lane) heap(again bool) *heap {
	if again {
		return &l.again
	}
	return &l.fresh
}
