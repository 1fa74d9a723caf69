package relay

import (
	"context"
	"log/slog"
	"time"
)

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
