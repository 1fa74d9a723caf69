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
	again              int // entries that a split has sent again
	bytes              int64
}

// tried is the result of one entry.
type tried struct {
	Result
	whole   bool // the call failed as a whole
	spent   bool // and the publisher has retried enough
	unsplit bool // and there was no time to split it
}

// call makes one call, or several if it is refused as a whole and split. It
// runs on several goroutines at once and only reads r.
func (r *run) call(ctx context.Context, items []int) reply {
	rep := reply{items: items}
	rep.results = r.publish(ctx, items, r.entriesOf(items), &rep)
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
// size is split until the culprit stands alone, while there is time; the order
// of the entries stays. Where time ends before, each entry begins its next
// delivery in a call of its own. What is behind an entry that the configuration
// holds is not sent again, for Lambda will.
func (r *run) publish(ctx context.Context, items []int, entries []Entry, rep *reply) []tried {
	results, whole := r.once(ctx, items, entries, rep)
	if whole == nil || whole.Class != EventFault || len(entries) == 1 {
		out := make([]tried, len(results))
		for i, res := range results {
			out[i] = tried{Result: res, whole: whole != nil, spent: whole != nil && whole.Retried}
		}
		return out
	}
	half := len(entries) / 2
	out := make([]tried, 0, len(entries))
	for _, part := range [...][2]int{{0, half}, {half, len(entries)}} {
		from, to := part[0], part[1]
		late := ctx.Err() != nil || !r.budget.mayStart(time.Now())
		if late || slices.ContainsFunc(out, tried.held) {
			for range to - from {
				out = append(out, tried{Result: Result{Class: Transient, Code: whole.Code}, whole: true, spent: true, unsplit: late})
			}
			continue
		}
		rep.again += to - from
		out = append(out, r.publish(ctx, items[from:to], entries[from:to:to], rep)...)
	}
	return out
}

// held reports whether the configuration holds the entry.
func (t tried) held() bool { return t.Class == ConfigFault }

// once makes one call of the publisher.
func (r *run) once(ctx context.Context, items []int, entries []Entry, rep *reply) ([]Result, *CallError) {
	rep.calls++
	for _, i := range items {
		rep.bytes += int64(r.packed[i].Size)
	}
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
