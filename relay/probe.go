package relay

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslook"
)

// probeInterval is the least time between two probes of a bus.
const probeInterval = 5 * time.Minute

// validateProbe returns what is wrong with [Options].Probe.
func validateProbe(e *Entry) error {
	if e != nil && (e.Source == "" || e.DetailType == "" || len(e.Detail) == 0) {
		return errors.New("relay: Options.Probe: Source, DetailType and Detail are required")
	}
	return nil
}

// probes says when each bus was probed. It is safe for concurrent use.
type probes struct {
	mu sync.Mutex // guards at
	at map[string]time.Time
}

// due reports whether the bus may be probed now, and takes note of it.
func (p *probes) due(bus string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last, ok := p.at[bus]; ok && now.Sub(last) < probeInterval {
		return false
	}
	if p.at == nil || len(p.at) >= buslook.Max {
		p.at = make(map[string]time.Time)
	}
	p.at[string([]byte(bus))] = now // bus may be part of a batch's memory
	return true
}

// probe sends [Options].Probe to the bus of an event whose refusal nothing
// explains, and tells the core what came of it. It reports whether it did.
func (r *run) probe(ctx context.Context) bool {
	bus, doubt := r.core.Doubt()
	if !doubt || r.h.opts.Probe == nil || !r.mayCall(ctx, time.Now()) || !r.h.probes.due(bus, time.Now()) {
		return false
	}
	entry := *r.h.opts.Probe
	entry.Bus, entry.Time = bus, time.Now().UTC()
	ctx, cancel := r.budget.within(ctx, r.h.opts.CallTimeout)
	defer cancel()
	results, _ := r.h.publish(ctx, r.mode.publisher, []Entry{entry})
	accepted := coreClass(results[0].Class) == coreClass(Accepted)
	r.h.opts.Logger.LogAttrs(ctx, slog.LevelInfo, "relay: probe of a bus that refuses an event",
		slog.String("bus", bus), slog.Bool("accepted", accepted), slog.String("code", results[0].Code))
	r.core.Probed(bus, accepted)
	return true
}
