package delivery_test

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/delivery"
)

// The checker plays every execution of small batches: every answer of the bus
// and of the sink, in every order in which they can come. It holds each against
// what must never happen. It knows the rules by their meaning, and nothing of
// how the batch keeps them.

// tape is one execution: each choice is read from it, or opens a new branch.
type tape struct {
	picks, sizes []int
	at           int
}

func (t *tape) pick(n int) int {
	if n == 1 {
		return 0
	}
	if t.at == len(t.picks) {
		t.picks, t.sizes = append(t.picks, 0), append(t.sizes, n)
	}
	v := t.picks[t.at]
	t.at++
	return v
}

// next goes on to the next execution, and reports whether there is one.
func (t *tape) next() bool {
	t.picks, t.sizes = t.picks[:t.at], t.sizes[:t.at]
	t.at = 0
	for k := len(t.picks) - 1; k >= 0; k-- {
		if t.picks[k]++; t.picks[k] < t.sizes[k] {
			return true
		}
		t.picks, t.sizes = t.picks[:k], t.sizes[:k]
	}
	return false
}

// event is an event with what the checker knows of it.
type event struct {
	delivery.Event
	explained bool
}

// setting is what an execution begins with.
type setting struct {
	events []event
	policy delivery.Policy
	proven bool // the process has seen bus "a" accept an entry
	lanes  int  // calls under way at once
	calls  int  // calls there is time for, 0 for any number
	probe  bool // the user has a probe
	kinds  []kind
}

// kind is a kind of answer to a call.
type kind uint8

const (
	eachOwn    kind = iota // a result for each entry
	wholeFault             // the call fails for a passing reason
	wholeSpent             // the same, and the publisher has repeated it
	wholeEvent             // refused as a whole for its content
	wholeConfig
	vague // an answer that cannot be read
)

var allKinds = []kind{eachOwn, wholeFault, wholeSpent, wholeEvent, wholeConfig, vague}

// past is what has happened to an event.
type past struct {
	accepted, sunk bool
	refusedBySink  bool
	sent           int
	class          delivery.Class
	whole, vague   bool
	spent          bool // the publisher has repeated its last call often enough
	tries, wholes  int  // answers that count against it, and of those the ones for a whole call
	entries        int  // of its last call
	others         bool // of its last call, some were accepted
	allRefused     bool // of its last call, all were refused for their content
	begin          int  // what its bus had accepted before it first failed by itself, -1 before that
}

type execution struct {
	setting
	t        *tape
	b        delivery.Batch
	past     []past
	order    []int // the order of sending
	accepted map[string]int
	flying   [][]int
	burying  int
	started  int
	good     bool // nothing has failed
	broken   string
}

// play plays one execution and returns what is broken, "" for nothing.
func play(t *tape, s setting) string {
	x := &execution{setting: s, t: t, past: make([]past, len(s.events)), accepted: map[string]int{}, burying: -1, good: true}
	var evidence delivery.Evidence
	if s.proven {
		evidence.Add("a", 1)
		x.accepted["a"] = 1
	}
	events := make([]delivery.Event, len(s.events))
	for i, e := range s.events {
		events[i] = e.Event
		x.past[i].begin = -1
		if e.FailedAt > 0 {
			x.past[i].begin = int(e.FailedAt) - 1
		}
		if e.State == delivery.Failed {
			x.good = false
		}
	}
	x.order = sendingOrder(events)
	x.b.Start(events, s.policy, &evidence)
	for probed := false; ; {
		if msg := x.start(); msg != "" {
			return msg
		}
		if len(x.flying) == 0 && x.burying < 0 {
			bus, doubt := x.b.Doubt()
			if !doubt || !s.probe || probed {
				break
			}
			probed = true
			ok := t.pick(2) == 0
			if ok {
				x.accepted[bus]++
			}
			x.b.Probed(bus, ok)
			continue
		}
		x.finish()
	}
	if call := x.b.Next(); call != nil { // there was no time for it
		if s.calls == 0 {
			return "a call was forgotten"
		}
		x.b.Dropped(call)
		for _, i := range call {
			if x.b.Sent(i) != x.past[i].sent {
				return fmt.Sprint("a call that was not made counts: ", i)
			}
		}
	}
	x.b.Close()
	for i := x.b.Bury(); i >= 0; i = x.b.Bury() {
		if msg := x.mayBury(i); msg != "" {
			return msg
		}
		x.bury(i, t.pick(2) == 0)
	}
	return x.verdict()
}

// sendingOrder is the order in which events may begin, by its meaning: by turn,
// but within a group as they came.
func sendingOrder(events []delivery.Event) []int {
	order, turn := make([]int, len(events)), make([]int, len(events))
	for i := range events {
		order[i], turn[i] = i, events[i].Turn
		for j := range i {
			if g := events[i].Group; g != "" && g == events[j].Group {
				turn[i] = max(turn[i], turn[j])
			}
		}
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(turn[i], turn[j]) })
	return order
}

// start starts everything that may be started.
func (x *execution) start() string {
	for len(x.flying) < x.lanes && (x.calls == 0 || x.started < x.calls) {
		call := x.b.Next()
		if len(call) == 0 {
			break
		}
		if msg := x.mayCall(call); msg != "" {
			return msg
		}
		if x.started++; x.started > 14*len(x.events) {
			return "it does not end"
		}
		for _, i := range call {
			x.past[i].sent++
		}
		x.flying = append(x.flying, call)
	}
	if x.burying < 0 {
		if i := x.b.Bury(); i >= 0 {
			if msg := x.mayBury(i); msg != "" {
				return msg
			}
			x.burying = i
		}
	}
	return ""
}

// mayCall holds a call against the rules of packing and order.
func (x *execution) mayCall(call []int) string {
	size, bus := 0, x.events[call[0]].Bus
	for k, i := range call {
		e := x.events[i]
		size += e.Size
		switch {
		case e.Bus != bus:
			return "two buses in a call"
		case e.State != delivery.Ready:
			return fmt.Sprint("sent, though it was not to be: ", i)
		case e.Turn > 0 && len(call) > 1:
			return fmt.Sprint("not alone: ", i)
		case x.past[i].spent:
			return fmt.Sprint("sent again, though the publisher has repeated it: ", i)
		case x.past[i].tries >= x.policy.Attempts, x.past[i].wholes >= 2:
			return fmt.Sprint("sent too often: ", i)
		case (x.past[i].sent > 0) != (x.past[call[0]].sent > 0):
			return "something new in a call of repetitions"
		}
		for _, j := range call[:k] {
			if e.Group != "" && e.Group == x.events[j].Group {
				return "two of a group in a call"
			}
		}
		for j := range i {
			if e.Group != "" && x.events[j].Group == e.Group && !x.b.State(j).Done() {
				return fmt.Sprint("sent before an earlier one of its group: ", i)
			}
		}
		if x.policy.Isolate {
			continue
		}
		for _, j := range x.order[:slices.Index(x.order, i)] {
			if x.b.State(j) == delivery.Failed || x.past[j].sent > 0 && x.past[j].class == delivery.ConfigFault && x.b.State(j) != delivery.Flying {
				return fmt.Sprint("sent behind a failure: ", i)
			}
		}
		if x.past[i].sent == 0 {
			for _, j := range x.order[:slices.Index(x.order, i)] {
				if s := x.b.State(j); x.past[j].sent > 0 && s == delivery.Ready && x.free(j) || x.past[j].sent > 1 && s == delivery.Flying {
					return fmt.Sprint("new, before a repetition: ", i)
				}
			}
		}
	}
	if len(call) > x.policy.Entries || len(call) > 1 && size > x.policy.Bytes {
		return "a call beyond its limits"
	}
	return ""
}

// free reports whether an event waits for no other one of its group.
func (x *execution) free(i int) bool {
	for j := range i {
		if g := x.events[i].Group; g != "" && g == x.events[j].Group && !x.b.State(j).Done() {
			return false
		}
	}
	return true
}

// mayBury asks for the evidence against an event.
func (x *execution) mayBury(i int) string {
	e, p := x.events[i], x.past[i]
	n := x.accepted[e.Bus]
	guilty := false
	switch {
	case e.State == delivery.Dead:
		guilty = true
	case x.policy.Isolate:
	case p.class == delivery.EventFault:
		guilty = e.explained || e.Expiring || p.others || n > 0 && (p.entries == 1 || !p.allRefused)
	case p.class == delivery.Transient:
		guilty = e.Aged && !p.whole && !p.vague && p.begin >= 0 && n > p.begin
	}
	if !guilty {
		return fmt.Sprintf("buried without evidence: %d, after class %d", i, p.class)
	}
	if !x.free(i) {
		return fmt.Sprint("buried before an earlier one of its group: ", i)
	}
	return ""
}

func (x *execution) bury(i int, ok bool) {
	x.past[i].sunk = x.past[i].sunk || ok
	x.past[i].refusedBySink = !ok
	x.good = x.good && ok
	x.b.Buried(i, ok)
}

// finish ends one of the things under way.
func (x *execution) finish() {
	n := len(x.flying)
	if x.burying >= 0 {
		n++
	}
	k := x.t.pick(n)
	if k == len(x.flying) {
		i := x.burying
		x.burying = -1
		x.bury(i, x.t.pick(2) == 0)
		return
	}
	call := x.flying[k]
	x.flying = slices.Delete(slices.Clone(x.flying), k, k+1)
	x.answer(call)
}

func (x *execution) answer(call []int) {
	a := delivery.Answer{Results: make([]delivery.Result, len(call))}
	all := func(r delivery.Result) {
		for k := range a.Results {
			a.Results[k] = r
		}
	}
	kind := x.kinds[x.t.pick(len(x.kinds))]
	switch kind {
	case eachOwn:
		for k := range a.Results {
			a.Results[k].Class = []delivery.Class{delivery.Accepted, delivery.Transient, delivery.EventFault, delivery.ConfigFault}[x.t.pick(4)]
		}
	case wholeFault, wholeSpent:
		a.Whole, a.Spent = true, kind == wholeSpent
	case wholeEvent:
		a.Whole = true
		all(delivery.Result{Class: delivery.EventFault})
	case wholeConfig:
		a.Whole = true
		all(delivery.Result{Class: delivery.ConfigFault})
	case vague:
		all(delivery.Result{Vague: true})
	}
	bus := x.events[call[0]].Bus
	before, accepted, refused := x.accepted[bus], 0, 0
	for k, i := range call {
		r := &a.Results[k]
		r.Explained = r.Class == delivery.EventFault && x.events[i].explained
		switch r.Class {
		case delivery.Accepted:
			accepted++
			x.past[i].accepted = true
		case delivery.EventFault:
			refused++
		}
		x.good = x.good && r.Class == delivery.Accepted
	}
	for k, i := range call {
		r, p := a.Results[k], &x.past[i]
		p.class, p.whole, p.vague, p.spent = r.Class, a.Whole, r.Vague, a.Spent
		if split := a.Whole && r.Class == delivery.EventFault && len(call) > 1; !split {
			p.tries++
			if a.Whole {
				p.wholes++
			}
		}
		p.entries, p.others, p.allRefused = len(call), accepted > 0, refused == len(call)
		if r.Class == delivery.Transient && !a.Whole && !r.Vague && p.begin < 0 {
			p.begin = before
		}
	}
	x.accepted[bus] += accepted
	var waiting []int // for an answer of another bus
	for i, e := range x.events {
		if e.Bus != bus && x.b.State(i) == delivery.Undecided {
			waiting = append(waiting, i)
		}
	}
	x.b.Answered(call, a)
	for _, i := range waiting {
		if x.b.State(i) != delivery.Undecided {
			x.broken = fmt.Sprint("decided by the answer of another bus: ", i)
		}
	}
}

// verdict holds the end of an execution against the contract.
func (x *execution) verdict() string {
	if x.broken != "" {
		return x.broken
	}
	for i := range x.events {
		p, s := x.past[i], x.b.State(i)
		switch {
		case s == delivery.Published && !p.accepted:
			return fmt.Sprint("published, says nobody but we: ", i)
		case s == delivery.Buried && !p.sunk:
			return fmt.Sprint("buried, says nobody but we: ", i)
		case !s.Done() && s != delivery.Failed && s != delivery.Dead:
			return fmt.Sprintf("event %d is left in state %d", i, s)
		case s == delivery.Dead && !x.behindSomething(i):
			return fmt.Sprint("dead, and forgotten: ", i)
		case x.good && x.calls == 0 && !s.Done():
			return fmt.Sprint("not done, though nothing failed: ", i)
		case s == delivery.Failed && x.events[i].State == delivery.Ready && x.provenGuilty(i):
			return fmt.Sprint("held, though its guilt is proven: ", i)
		case s == delivery.Failed && p.sent > 0 && p.class == delivery.EventFault && !p.refusedBySink && x.b.Turn(i) != x.events[i].Turn+1:
			return fmt.Sprint("its turn is not counted: ", i)
		case s == delivery.Failed && p.begin >= 0 && x.b.FailedAt(i) != uint64(p.begin)+1:
			return fmt.Sprint("the begin of its failures is not remembered: ", i)
		}
	}
	return ""
}

// behindSomething reports whether an event waits for another that is not done.
func (x *execution) behindSomething(i int) bool {
	for _, j := range x.order[:slices.Index(x.order, i)] {
		if !x.b.State(j).Done() {
			return true
		}
	}
	return false
}

// provenGuilty reports whether an event has been refused in a way that proves
// its guilt at once, and nothing but the sink stood against its burial.
func (x *execution) provenGuilty(i int) bool {
	e, p := x.events[i], x.past[i]
	if x.policy.Isolate || p.sent == 0 || p.refusedBySink {
		return false
	}
	switch p.class {
	case delivery.EventFault:
		return (!p.whole || p.entries == 1) && (e.explained || e.Expiring || p.others)
	default:
		return false
	}
}
