package delivery

import (
	"cmp"
	"slices"
)

// Batch holds the state of each event of one batch. It is not safe for
// concurrent use. A zero Batch is ready for [Batch.Start], and may be started
// again.
type Batch struct {
	policy   Policy
	events   []Event
	evidence *Evidence
	slots    []slot

	order []int32 // the events in the order in which they are sent
	done  int     // so many at the front of order are done

	group  []int32        // number of each event's group, -1 for none
	groups map[string]int // number of each group
	open   []uint32       // by group: the walk that has seen an open event of it
	walk   uint32         // number of the walk

	repeats   int // events that are, or may be, sent again; see repeated
	undecided int // events in that state
}

// slot is the state of one event.
type slot struct {
	state    State
	class    Class // of the last result
	sent     int   // calls that it was part of
	tries    int   // of those, the ones that count against Policy.Attempts
	wholes   int   // of those, the ones that failed as a whole
	width    int   // the most entries of a call that it may be part of
	failedAt uint64
}

// repeated reports whether the event is, or may be, sent again.
func (s *slot) repeated() bool {
	return s.state == Ready && s.sent > 0 || s.state == Flying && s.sent > 1
}

// Start begins a batch. The events are kept until the next Start and not
// changed. The evidence is that of the process; it is added to.
func (b *Batch) Start(events []Event, policy Policy, evidence *Evidence) {
	b.policy, b.events, b.evidence = policy, events, evidence
	b.slots = slices.Grow(b.slots[:0], len(events))[:len(events)]
	b.order = slices.Grow(b.order[:0], len(events))[:len(events)]
	b.group = slices.Grow(b.group[:0], len(events))[:len(events)]
	b.done, b.walk, b.repeats, b.undecided = 0, 0, 0, 0
	clear(b.groups)
	turns := false
	for i := range events {
		e := &events[i]
		b.slots[i] = slot{state: e.State, width: policy.Entries, failedAt: e.FailedAt}
		if e.Turn > 0 {
			b.slots[i].width, turns = 1, true
		}
		b.order[i], b.group[i] = int32(i), b.groupOf(e.Group)
	}
	b.open = slices.Grow(b.open[:0], len(b.groups))[:len(b.groups)]
	clear(b.open)
	if turns {
		b.takeTurns()
	}
}

// groupOf returns the number of a group.
func (b *Batch) groupOf(name string) int32 {
	if name == "" {
		return -1
	}
	if b.groups == nil {
		b.groups = make(map[string]int)
	}
	n, ok := b.groups[name]
	if !ok {
		n = len(b.groups)
		b.groups[name] = n
	}
	return int32(n)
}

// takeTurns puts events with a Turn behind those with a lower one. An event
// never goes before an earlier one of its group, so it has at least its turn.
func (b *Batch) takeTurns() {
	turn := make([]int, len(b.events))
	last := make([]int, len(b.groups))
	for i := range b.events {
		turn[i] = b.events[i].Turn
		if g := b.group[i]; g >= 0 {
			turn[i] = max(turn[i], last[g])
			last[g] = turn[i]
		}
	}
	slices.SortStableFunc(b.order, func(i, j int32) int { return cmp.Compare(turn[i], turn[j]) })
}

// unblocked walks over the events, in the order of sending, that need not wait
// for an earlier one: of their group, or any that has failed.
func (b *Batch) unblocked(yield func(int) bool) {
	b.walk++
	for k := b.done; k < len(b.order); k++ {
		i := int(b.order[k])
		g := b.group[i]
		if (g < 0 || b.open[g] != b.walk) && !yield(i) {
			return
		}
		switch s := b.slots[i].state; {
		case s.Done():
			if k == b.done {
				b.done++
			}
			continue
		case s == Failed && !b.policy.Isolate:
			return
		}
		if g >= 0 {
			b.open[g] = b.walk
		}
	}
}

// Next returns the events of the next call, nil if nothing is to be sent now.
// Each must come back: through [Batch.Answered], or through [Batch.Dropped] if it
// was not made.
func (b *Batch) Next() []int {
	again := b.repeating()
	var call []int
	size, width := 0, b.policy.Entries
	for i := range b.unblocked {
		e, s := &b.events[i], &b.slots[i]
		if s.state != Ready || again && s.sent == 0 || len(call) > 0 && e.Bus != b.events[call[0]].Bus {
			continue
		}
		if len(call) > 0 && (len(call) >= s.width || size+e.Size > b.policy.Bytes) {
			break
		}
		if call == nil {
			call = make([]int, 0, min(width, len(b.slots)))
		}
		call, size, width = append(call, i), size+e.Size, min(width, s.width)
		if len(call) >= width {
			break
		}
	}
	for _, i := range call {
		b.set(i, Flying)
		if b.slots[i].sent++; b.slots[i].sent > 1 {
			b.repeats++
		}
	}
	return call
}

// Dropped takes back a call that was not made.
func (b *Batch) Dropped(call []int) {
	for _, i := range call {
		if b.slots[i].sent--; b.slots[i].sent == 1 {
			b.repeats--
		}
		b.set(i, Ready)
	}
}

// repeating reports whether an event that has failed is, or may be, sent again.
func (b *Batch) repeating() bool {
	if b.repeats == 0 {
		return false
	}
	for i := range b.unblocked {
		if b.slots[i].repeated() {
			return true
		}
	}
	return false
}

// Bury returns an event that is to be put into the dead letters, -1 if there is
// none now. The sink's answer must come back through [Batch.Buried].
func (b *Batch) Bury() int {
	for i := range b.unblocked {
		if b.slots[i].state == Dead {
			b.set(i, Burying)
			return i
		}
	}
	return -1
}

// Buried takes the sink's answer: whether it has the event.
func (b *Batch) Buried(i int, ok bool) {
	if ok {
		b.set(i, Buried)
	} else {
		b.set(i, Failed)
	}
}

// Close ends the batch, when nothing is under way any more. What is undecided
// is decided by what is known, and what may still be sent has failed. What is
// Dead then is still to be buried.
func (b *Batch) Close() {
	for i := range b.slots {
		switch b.slots[i].state {
		case Undecided:
			b.decide(i)
		case Ready, Flying, Burying:
			b.set(i, Failed)
		}
	}
}

// State returns the state of an event.
func (b *Batch) State(i int) State { return b.slots[i].state }

// Sent returns in how many calls the event was.
func (b *Batch) Sent(i int) int { return b.slots[i].sent }

// Turn returns what is to be remembered of an event that has failed until it
// comes again, 0 for nothing: it was refused for its content, by itself or with
// others, and goes alone from now on.
func (b *Batch) Turn(i int) int {
	s, turn := &b.slots[i], b.events[i].Turn
	if s.sent > 0 && (s.class == EventFault || s.width < b.policy.Entries) {
		turn++
	}
	return turn
}

// FailedAt returns what is to be remembered of an event that has failed until
// it comes again: since when it fails by itself, by the count of what its bus
// has accepted; 0 for nothing.
func (b *Batch) FailedAt(i int) uint64 { return b.slots[i].failedAt }

// set changes the state of an event, and keeps the counts.
func (b *Batch) set(i int, state State) {
	s := &b.slots[i]
	b.count(s, -1)
	s.state = state
	b.count(s, +1)
}

func (b *Batch) count(s *slot, n int) {
	if s.repeated() {
		b.repeats += n
	}
	if s.state == Undecided {
		b.undecided += n
	}
}
