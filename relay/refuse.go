package relay

import (
	"context"
	"sync"
	"time"
)

// refuse deals with item i, which the bus refused as invalid; see
// [refusal.judge]. It returns the time before which it is not to be sent again.
func (r *run) refuse(ctx context.Context, i int, ref refusal) time.Time {
	it := &r.items[i]
	if r.mode.goOn { // it is a dead letter already
		r.drop(i, EventFault, it.last.Code)
		return time.Time{}
	}
	id := r.identity(it.record, r.entries[i].Bus)
	if x, ok := r.h.publisher.(explainer); ok {
		ref.explained = x.explain(plainEntry(&r.records[it.record])) != ""
	}
	ref.before = r.h.suspects.has(id)
	ref.age = age(&r.records[it.record], time.Now())
	v := ref.judge()
	if v == verdictAgain && it.tries >= r.h.opts.MaxAttempts {
		v = verdictHold
	}
	switch v {
	case verdictDeadLetter:
		r.deadItem(ctx, i)
	case verdictAgain:
		r.queue.Again(i)
		return r.resume(i)
	case verdictProbe:
		r.probing = append(r.probing, i)
		r.queue.Probe(i)
	case verdictHold:
		r.hold(i)
	}
	return time.Time{}
}

// hold gives item i up as a fault of the configuration, and remembers it for
// its next delivery.
func (r *run) hold(i int) {
	it := &r.items[i]
	r.h.suspects.add(r.identity(it.record, r.entries[i].Bus))
	r.drop(i, ConfigFault, it.last.Code)
}

// probed ends the wait of the items that were refused alone in their call,
// before their bus had accepted anything of this process: the call after it has
// shown whether it does, or has not.
func (r *run) probed(ctx context.Context) {
	probing := r.probing
	r.probing = nil
	for _, i := range probing {
		if r.h.proof.has(r.entries[i].Bus) {
			r.deadItem(ctx, i)
		} else {
			r.hold(i)
		}
	}
}

// proof is the set of buses that have accepted an entry of this process. It is
// safe for concurrent use.
type proof struct {
	mu    sync.RWMutex // guards buses
	buses map[string]struct{}
}

// has reports whether the bus has accepted an entry.
func (p *proof) has(bus string) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	_, ok := p.buses[bus]
	return ok
}

// add notes that the bus has accepted an entry.
func (p *proof) add(bus string) {
	if p.has(bus) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.buses == nil {
		p.buses = make(map[string]struct{})
	}
	if len(p.buses) < maxNames {
		p.buses[string([]byte(bus))] = struct{}{}
	}
}
