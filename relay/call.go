package relay

import (
	"context"
	"slices"
	"time"
)

// reply is what became of a call, one result per item.
type reply struct {
	items   []int
	results []tried

	calls, failedCalls int
	bytes              int64
}

// tried is the result of one entry.
type tried struct {
	Result
	whole bool // the call failed as a whole
	spent bool // and the publisher has retried enough
}

// call makes one call, or several if it is refused as a whole and split. It
// runs on several goroutines at once and only reads r.
func (r *run) call(ctx context.Context, items []int) reply {
	rep := reply{items: items}
	for _, i := range items {
		rep.bytes += int64(r.packed[i].Size)
	}
	rep.results = r.publish(ctx, r.entriesOf(items), &rep)
	return rep
}

// entriesOf returns the entries of the items. They are not copied when they
// stand together, as they do unless there are groups, buses or repetitions.
func (r *run) entriesOf(items []int) []Entry {
	first, n := items[0], len(items)
	if items[n-1]-first == n-1 {
		return r.entries[first : first+n : first+n]
	}
	entries := make([]Entry, n)
	for k, i := range items {
		entries[k] = r.entries[i]
	}
	return entries
}

// publish makes a call. One that is refused as a whole for its content or its
// size is split until the culprit stands alone; the order of the entries stays.
func (r *run) publish(ctx context.Context, entries []Entry, rep *reply) []tried {
	results, whole := r.once(ctx, entries, rep)
	if whole == nil || whole.Class != EventFault || len(entries) == 1 {
		out := make([]tried, len(results))
		for i, res := range results {
			out[i] = tried{Result: res, whole: whole != nil, spent: whole != nil && whole.Retried}
		}
		return out
	}
	if ctx.Err() != nil || !r.budget.mayStart(time.Now()) {
		return untried(len(entries), whole.Code)
	}
	half := len(entries) / 2
	left := r.publish(ctx, entries[:half:half], rep)
	if slices.ContainsFunc(left, func(t tried) bool { return t.Class == ConfigFault }) {
		return append(left, untried(len(entries)-half, whole.Code)...) // behind what is held
	}
	return append(left, r.publish(ctx, entries[half:], rep)...)
}

// untried are the results of entries of a refused call that are not sent again
// in this invocation.
func untried(n int, code string) []tried {
	out := make([]tried, n)
	for i := range out {
		out[i] = tried{Result: Result{Class: Transient, Code: code}, whole: true, spent: true}
	}
	return out
}

// once makes one call of the publisher.
func (r *run) once(ctx context.Context, entries []Entry, rep *reply) ([]Result, *CallError) {
	rep.calls++
	ctx, cancel := r.budget.within(ctx, r.h.opts.CallTimeout, r.budget.call)
	defer cancel()
	results, whole := r.h.publish(ctx, entries)
	if whole != nil {
		rep.failedCalls++
	}
	return results, whole
}

// publish calls the publisher and reconciles its answer. A panic is a fault of
// the call, also one of the publisher's error.
func (h *Handler) publish(ctx context.Context, entries []Entry) (results []Result, whole *CallError) {
	defer func() {
		if p := recover(); p != nil {
			h.logPanic(ctx, "publishing", entries[0].EventID, p)
			results, whole = reconcile(len(entries), nil, &CallError{Class: Transient, Code: "Panic"})
		}
	}()
	out, err := h.publisher.Publish(ctx, entries)
	return reconcile(len(entries), out, err)
}
