package relay

import (
	"context"
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
		out := make([]tried, len(entries))
		for i := range out {
			out[i] = tried{Result: Result{Class: Transient, Code: whole.Code}, whole: true, spent: true}
		}
		return out
	}
	half := len(entries) / 2
	left := r.publish(ctx, entries[:half:half], rep)
	return append(left, r.publish(ctx, entries[half:], rep)...)
}

// once makes one call of the publisher.
func (r *run) once(ctx context.Context, entries []Entry, rep *reply) ([]Result, *CallError) {
	rep.calls++
	ctx, cancel := r.budget.callContext(ctx, r.h.opts.CallTimeout)
	defer cancel()
	results, err := r.h.publish(ctx, entries)
	out, whole := reconcile(len(entries), results, err)
	if whole != nil {
		rep.failedCalls++
	}
	return out, whole
}

// publish calls the publisher and makes an error of its panic.
func (h *Handler) publish(ctx context.Context, entries []Entry) (results []Result, err error) {
	defer func() {
		if p := recover(); p != nil {
			h.logPanic(ctx, "publishing", entries[0].EventID, p)
			results, err = nil, &CallError{Class: Transient, Code: "Panic"}
		}
	}()
	return h.publisher.Publish(ctx, entries)
}
