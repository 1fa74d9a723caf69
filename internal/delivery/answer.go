package delivery

import "slices"

// Answered takes the answer to a call that [Batch.Next] has returned.
func (b *Batch) Answered(call []int, a Answer) {
	bus := b.events[call[0]].Bus
	v := view{entries: len(call), whole: a.Whole, spent: a.Spent, before: b.evidence.Count(bus)}
	for k := range call {
		switch a.Results[k].Class {
		case Accepted:
			v.accepted++
		case EventFault:
			v.refused++
		}
	}
	b.evidence.Add(bus, v.accepted)
	for k, i := range call {
		b.judge(i, a.Results[k], v)
	}
	b.settle(bus, call)
}

// view is what a call shows of each of its entries.
type view struct {
	entries  int
	accepted int
	refused  int // for their content
	whole    bool
	spent    bool
	before   uint64 // what the bus had accepted before
}

// judge decides what becomes of an event after an answer.
func (b *Batch) judge(i int, r Result, v view) {
	e, s := &b.events[i], &b.slots[i]
	s.class = r.Class
	if s.failedAt == 0 && ownFault(r, v) {
		s.failedAt = v.before + 1
	}
	if r.Class == EventFault && v.whole && v.entries > 1 { // narrow it down
		s.width = max(1, v.entries/2)
		b.set(i, Ready)
		return
	}
	s.tries++
	if v.whole {
		s.wholes++
	}
	switch r.Class {
	case Accepted:
		b.set(i, Published)
	case EventFault:
		b.set(i, b.refused(e, r, v))
	case ConfigFault:
		b.set(i, Failed)
	default:
		b.set(i, b.failed(e, s, r, v))
	}
}

// refused returns the state of an event that the bus refuses for its content:
// not as part of a call that was refused as a whole, unless it stood alone.
func (b *Batch) refused(e *Event, r Result, v view) State {
	switch {
	case b.policy.Isolate:
		return Failed
	case r.Explained, e.Expiring:
		return Dead
	case v.refused == v.entries && v.entries > 1:
		return Failed // that may be a bad deploy; it comes again alone
	case b.evidence.Count(e.Bus) > 0:
		return Dead // alone, or beside others that were not refused so
	default:
		return Undecided
	}
}

// failed returns the state of an event after a transient fault.
func (b *Batch) failed(e *Event, s *slot, r Result, v view) State {
	switch {
	case !v.spent && s.tries < b.policy.Attempts && s.wholes < wholeAttempts:
		return Ready
	case e.Aged && ownFault(r, v) && !b.policy.Isolate:
		return Undecided
	default:
		return Failed
	}
}

// ownFault reports whether a transient fault is that of one entry, and so may be
// the event's own.
func ownFault(r Result, v view) bool { return r.Class == Transient && !r.Vague && !v.whole }

// settle decides the events of a bus that waited for another answer of it.
// Those of the call itself wait for the next one.
func (b *Batch) settle(bus string, call []int) {
	for i := 0; i < len(b.slots) && b.undecided > 0; i++ {
		if b.slots[i].state == Undecided && b.events[i].Bus == bus && !slices.Contains(call, i) {
			b.decide(i)
		}
	}
}

// decide ends the doubt about an event: it is Dead if there is evidence that
// the fault is its own, and has failed otherwise.
func (b *Batch) decide(i int) {
	s, accepted := &b.slots[i], b.evidence.Count(b.events[i].Bus)
	switch {
	case s.class == EventFault && accepted > 0, s.class == Transient && accepted >= s.failedAt:
		b.set(i, Dead)
	default:
		b.set(i, Failed)
	}
}

// Doubt returns the bus of an event that is undecided, false if there is none:
// an entry that this bus accepts now would decide it.
func (b *Batch) Doubt() (bus string, ok bool) {
	for i := range b.slots {
		if b.slots[i].state == Undecided {
			return b.events[i].Bus, true
		}
	}
	return "", false
}

// Probed takes what became of an entry that does not belong to the batch: whether
// the bus has accepted it.
func (b *Batch) Probed(bus string, accepted bool) {
	if accepted {
		b.evidence.Add(bus, 1)
	}
	b.settle(bus, nil)
}
