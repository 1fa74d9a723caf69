package relay_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// history is what one random history is about. All its faults come from one
// source of randomness.
type history struct {
	seed    uint64
	ordered bool
	partial bool
	bisect  bool
	maxAge  time.Duration
	memory  int
	calls   int // at the same time

	mu       sync.Mutex // guards what follows
	rng      *rand.Rand
	healthy  bool // nothing fails any more but the events that are bad
	fates    map[string]*fate
	received map[int][]*fate // by shard: the batch that is being delivered
	wrong    []string        // what must never be
	count    map[string]int  // what was played
}

// fate is an event, what is bad about it, and what has become of it.
type fate struct {
	id        string
	shard     int
	place     int // on the shard
	aggregate string
	order     int // within the aggregate
	bus       string
	created   time.Time
	text      string // the record
	detail    string // what the bus was sent first

	bad badness

	accepted, sunk bool
}

// badness is what is bad about an event and stays so.
type badness int

const (
	good         badness = iota
	poisonEntry          // the bus refuses the entry
	poisonCall           // the bus refuses the call
	sickEntry            // the entry fails by a fault that nobody knows
	unreadable           // the record cannot be read
	huge                 // no call has room for it
	unwanted             // the route sends it to the dead letters
	badnessCount = int(unwanted) + 1
)

func (f *fate) done() bool { return f.accepted || f.sunk }

// number is the sequence number of the record, and the payload of the event.
func (f *fate) number() int { return 1000*f.shard + f.place }

// chance is true once in n times; never when all is healthy.
func (h *history) chance(n int) bool { return !h.healthy && h.rng.IntN(n) == 0 }

// breaks notes what must never be.
func (h *history) breaks(format string, args ...any) {
	h.wrong = append(h.wrong, fmt.Sprintf(format, args...))
}

func (h *history) played(what string) { h.count[what]++ }

const throttled = "ThrottlingException"

// process is a process of the function: its publisher and its sink. What the
// relay may conclude about a bus it may conclude from its own process alone.
type process struct {
	h       *history
	handler *relay.Handler
	bad     bool // a bad deploy: the bus refuses everything that it sends
	whole   bool // and that as a whole

	flying   int            // invocations
	accepted map[string]int // by bus: entries whose acceptance has come back
	before   map[string]int // the same, when it last had nothing to do
	failedAt map[string]int // by event: what its bus had accepted when it first failed by itself
}

// begin and end stand around an invocation.
func (p *process) begin() {
	if p.flying == 0 {
		p.before = maps.Clone(p.accepted)
	}
	p.flying++
}

func (p *process) end() { p.flying-- }

// known is how much of what a bus has accepted the relay knew for certain when a
// call began at that number: where several things are under way, an answer may
// wait until it is read.
func (p *process) known(bus string, number int) int {
	if p.flying > 1 || p.h.calls > 1 {
		return p.before[bus]
	}
	return number
}

func (p *process) Limits() relay.Limits { return relay.Limits{Entries: 10, Bytes: 1_000_000} }

func (p *process) Size(e relay.Entry) int {
	if e.DetailType == "Huge" {
		return 2_000_000
	}
	return len(e.Detail)
}

// Publish is the bus, with all kinds of faults.
func (p *process) Publish(ctx context.Context, entries []relay.Entry) ([]relay.Result, error) {
	h := p.h
	h.mu.Lock()
	for _, e := range entries {
		if h.fates[e.EventID] == nil {
			h.breaks("%q is sent, and nobody has committed it", e.EventID)
			h.mu.Unlock()
			return nil, broken
		}
	}
	before := p.accepted[entries[0].Bus]
	latency, lost, kind := time.Duration(0), h.chance(25), 0
	if !h.healthy {
		latency = time.Duration(1+h.rng.IntN(400)) * time.Millisecond
		kind = h.rng.IntN(60)
	}
	if h.chance(30) {
		latency = time.Minute // nobody answers
	}
	h.mu.Unlock()
	var late error
	if latency > 0 {
		select {
		case <-time.After(latency):
		case <-ctx.Done():
			late = ctx.Err()
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if late != nil && h.rng.IntN(2) == 0 {
		h.played("a call cut off")
		return nil, late
	}
	switch kind {
	case 1, 2:
		h.played("a call fails")
		return nil, broken
	case 3:
		h.played("a call throttled")
		return nil, &relay.CallError{Class: relay.Transient, Code: throttled, Retried: true}
	case 4:
		h.played("a call denied")
		return nil, &relay.CallError{Class: relay.ConfigFault, Code: "AccessDeniedException"}
	case 5:
		h.played("a panic")
		panic("the publisher")
	case 6:
		h.played("no result")
		results := make([]relay.Result, len(entries))
		p.learn(entries, results, before)
		return results, nil
	}
	if p.bad && p.whole {
		h.played("a bad deploy")
		return nil, refused
	}
	if !p.bad {
		for _, e := range entries {
			if h.fates[e.EventID].bad == poisonCall {
				h.played("a call refused for one event")
				return nil, refused
			}
		}
	}
	results := p.results(entries)
	switch {
	case late != nil || lost:
		h.played("an answer lost")
		return nil, errors.New("no answer")
	case kind == 7:
		h.played("a result too few")
		i := h.rng.IntN(len(results))
		return slices.Delete(results, i, i+1), nil
	case kind == 8:
		h.played("a result too many")
		return append(results, results[0]), nil
	}
	p.learn(entries, results, before)
	return results, nil
}

// results is what the bus does with each entry.
func (p *process) results(entries []relay.Entry) []relay.Result {
	h := p.h
	results := make([]relay.Result, len(entries))
	groups := map[string]bool{}
	for i, e := range entries {
		f := h.fates[e.EventID]
		switch {
		case !strings.Contains(string(e.Detail), `"eventId":"`+e.EventID+`"`), !strings.HasSuffix(string(e.Detail), fmt.Sprintf(`"payload":%d}`, f.number())):
			h.breaks("%s is sent with another event's bytes", e.EventID)
		case f.detail != "" && f.detail != string(e.Detail):
			h.breaks("%s comes again with other bytes", e.EventID)
		case e.Bus != f.bus:
			h.breaks("%s is sent to another bus: %q", e.EventID, e.Bus)
		case h.ordered && groups[e.Group]:
			h.breaks("%s is sent in one call with an earlier one of its aggregate", e.EventID)
		}
		f.detail, groups[e.Group] = string(e.Detail), true
		switch {
		case p.bad:
			h.played("a bad deploy")
			results[i] = invalid
		case f.bad == poisonEntry:
			h.played("an entry refused")
			results[i] = invalid
		case f.bad == sickEntry, h.chance(12):
			h.played("an entry fails")
			results[i] = odd
		case h.chance(80):
			results[i] = relay.Result{Class: relay.Transient, Code: throttled}
		case h.chance(150):
			results[i] = held
		default:
			results[i] = relay.Result{Class: relay.Accepted, ID: "bus-" + e.EventID}
			h.arrives(f)
		}
	}
	return results
}

// arrives notes that the bus has an event, and checks that it has not overtaken
// one of its aggregate that came with it and belongs before it.
func (h *history) arrives(f *fate) {
	if f.accepted {
		h.played("a duplicate")
		return
	}
	f.accepted = true
	if !h.ordered {
		return
	}
	for _, g := range h.received[f.shard] {
		if g.aggregate != f.aggregate || g.order >= f.order || g.done() {
			continue
		}
		if g.bad >= unreadable && g.place > f.place {
			continue // what is no event to send is not put in order
		}
		h.breaks("%s arrives before %s, which came with it", f.id, g.id)
	}
}

// learn notes what a relay can know from an answer to a call that began when the
// bus had accepted so many entries.
func (p *process) learn(entries []relay.Entry, results []relay.Result, before int) {
	for i, r := range results {
		id := entries[i].EventID
		switch {
		case r.Class == relay.Accepted:
			p.accepted[entries[i].Bus]++
		case r.Class == relay.Transient && r.Code != throttled:
			if _, ok := p.failedAt[id]; !ok {
				p.failedAt[id] = p.known(entries[i].Bus, before)
			}
		}
	}
}

// Put is the sink: it refuses, hangs and panics at times, and loses answers.
func (p *process) Put(ctx context.Context, d relay.DeadLetter) error {
	h := p.h
	h.mu.Lock()
	fault := 99
	if !h.healthy {
		fault = h.rng.IntN(20)
	}
	h.mu.Unlock()
	if fault == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch fault {
	case 1, 2:
		h.played("a dead letter refused")
		return errors.New("the sink is full")
	case 3:
		panic("the sink")
	}
	f := h.fates[d.EventID]
	if f == nil {
		h.breaks("a dead letter of no event: %q, %s", d.EventID, d.Code)
		return nil
	}
	if reason := p.reason(f, d.Code); reason != "" {
		h.played("a dead letter: " + reason)
	} else {
		h.breaks("%s is a dead letter without a reason: %s, %v old, what is bad about it: %d, bad deploy: %v", f.id, d.Code, time.Since(f.created), f.bad, p.bad)
	}
	f.sunk = true
	if fault == 4 {
		h.played("a sink's answer lost")
		return errors.New("no answer")
	}
	return nil
}

// reason says why an event may be a dead letter, "" for no reason.
func (p *process) reason(f *fate, code string) string {
	age := time.Since(f.created)
	switch {
	case f.bad == unreadable && code == "UnsupportedType":
		return "it cannot be read"
	case f.bad == huge && code == "TooLarge":
		return "it is too large"
	case f.bad == unwanted && code == "Routed":
		return "the route does not want it"
	case (f.bad == poisonEntry || f.bad == poisonCall) && (code == invalid.Code || code == refused.Code):
		return "the bus refuses it"
	case age >= 20*time.Hour && (code == invalid.Code || code == refused.Code):
		return "the stream forgets it"
	}
	begin, failed := p.failedAt[f.id]
	if p.h.maxAge > 0 && age > p.h.maxAge && (code == odd.Code || code == "NoResult") && failed && p.accepted[f.bus] > begin {
		return "it is too old"
	}
	return ""
}
