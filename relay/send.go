package relay

import (
	"context"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/backoff"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/packing"
)

// The wait before an entry is sent again, with full jitter.
const (
	backoffBase  = 100 * time.Millisecond
	throttleBase = 500 * time.Millisecond
	backoffLimit = 5 * time.Second

	// maxWhole is how often an entry may be part of a call that fails as a
	// whole. The SDK has retried each of them already.
	maxWhole = 2
)

// send publishes the items. The queue decides what may be sent, this function
// when: while there is time, and not before the backoff is over.
func (r *run) send(ctx context.Context) {
	n := r.h.opts.Concurrency
	r.queue = packing.NewQueue(r.packed, packing.Limits{Entries: r.limits.Entries, Bytes: r.limits.Bytes}, r.mode.goOn)
	replies := make(chan reply, n) // a call never waits to answer
	flying := 0
	var resume time.Time // nothing is started before
	for {
		if !r.queue.Waits() {
			resume = time.Time{}
		}
		now := time.Now()
		for flying < n && !now.Before(resume) && r.mayStart(ctx, now) {
			call := r.queue.Next(nil)
			if len(call) == 0 {
				break
			}
			flying++
			r.depart(call)
			if n == 1 {
				replies <- r.call(ctx, call)
			} else {
				go func() { replies <- r.call(ctx, call) }()
			}
			now = time.Now()
		}
		wait := time.Duration(-1) // for a reply alone
		switch {
		case r.queue.Waits() && flying < n && now.Before(resume) && r.mayStart(ctx, resume):
			wait = resume.Sub(now)
		case flying == 0:
			r.giveUp(ctx)
			return
		}
		for _, rep := range await(ctx, replies, flying, wait) {
			flying--
			resume = later(resume, r.apply(ctx, rep))
		}
	}
}

// await waits for a reply and returns all that are there: what has failed is to
// be known before more is started. It returns none when the wait is over, if
// there is one, or when ctx ends while nothing is in flight; what is in flight
// comes back, for every call has a deadline.
func await(ctx context.Context, replies <-chan reply, flying int, wait time.Duration) (got []reply) {
	var over <-chan time.Time
	if wait >= 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		over = timer.C
	}
	var ended <-chan struct{}
	if flying == 0 {
		ended = ctx.Done()
	}
	select {
	case rep := <-replies:
		got = append(got, rep)
	case <-over:
	case <-ended:
	}
	for len(got) > 0 && len(got) < flying {
		select {
		case rep := <-replies:
			got = append(got, rep)
		default:
			return got
		}
	}
	return got
}

// mayStart reports whether a call may be started at t. An invocation always
// makes one, however little time there is; otherwise a short deadline would
// bring the batch again for ever.
func (r *run) mayStart(ctx context.Context, t time.Time) bool {
	return ctx.Err() == nil && (!r.started || r.budget.mayStart(t))
}

// depart counts the entries of a call that is about to be made.
func (r *run) depart(call []int) {
	r.started = true
	for _, i := range call {
		if r.items[i].tries > 0 {
			r.m.Retried++
		}
		r.items[i].tries++
	}
}

// giveUp ends the sending: what still waits is failed.
func (r *run) giveUp(ctx context.Context) {
	for _, i := range r.queue.Waiting() {
		last := r.items[i].last
		r.fail(r.items[i].record, last.Class, last.Code)
	}
	r.probed(ctx)
	for _, i := range r.aged {
		if r.accepts[r.entries[i].Bus] {
			r.deadItem(ctx, i)
		} else {
			r.fail(r.items[i].record, Transient, r.items[i].last.Code)
		}
	}
}

// apply takes note of what became of a call and returns the time before which
// nothing is to be started.
func (r *run) apply(ctx context.Context, rep reply) (resume time.Time) {
	r.m.Calls += rep.calls
	r.m.FailedCalls += rep.failedCalls
	r.m.Retried += rep.again
	r.m.Bytes += rep.bytes
	bus := r.entries[rep.items[0]].Bus
	accepted, invalid := 0, 0
	for k, i := range rep.items {
		r.items[i].last = rep.results[k].Result
		switch c := rep.results[k].Class; {
		case c.done():
			accepted++
			r.accept(i, c)
		case c == EventFault:
			invalid++
		}
	}
	if accepted > 0 {
		r.h.proof.add(bus)
		if r.h.opts.MaxAge > 0 {
			if r.accepts == nil {
				r.accepts = make(map[string]bool)
			}
			r.accepts[bus] = true
		}
	}
	r.probed(ctx)
	for k, i := range rep.items {
		switch res := rep.results[k]; res.Class {
		case Accepted, Deduplicated:
		case ConfigFault:
			r.denied = true
			r.drop(i, ConfigFault, res.Code)
		case EventFault:
			refused := refusal{entries: len(rep.items), accepted: accepted, invalid: invalid, proven: r.h.proof.has(bus)}
			resume = later(resume, r.refuse(ctx, i, refused))
		default:
			resume = later(resume, r.retry(ctx, i, res))
		}
	}
	return resume
}

// accept notes that the bus has item i.
func (r *run) accept(i int, c Class) {
	record := r.items[i].record
	r.outcomes[record] = published
	r.m.Published++
	if c == Deduplicated {
		r.m.Deduplicated++
	}
	r.mode.mem.add(r.identity(record, r.entries[i].Bus))
	r.queue.Done(i)
}

// drop gives item i up: it will come again.
func (r *run) drop(i int, class Class, code string) {
	r.fail(r.items[i].record, class, code)
	r.queue.Fail(i)
}

// retry has item i sent again after a transient fault, if it may be. It returns
// the time before which it is not to be sent.
func (r *run) retry(ctx context.Context, i int, res tried) time.Time {
	it := &r.items[i]
	if res.whole {
		it.whole++
	}
	if res.unsplit {
		r.h.apart.add(r.identity(it.record, r.entries[i].Bus))
	}
	spent := it.tries >= r.h.opts.MaxAttempts || it.whole >= maxWhole || res.spent
	if !spent {
		r.queue.Again(i)
		return r.resume(i)
	}
	if !res.whole && r.tooOld(i, res.Code) {
		if r.accepts[r.entries[i].Bus] {
			r.deadItem(ctx, i)
			return time.Time{}
		}
		r.aged = append(r.aged, i) // another entry, in flight now, may still be accepted
		r.queue.Fail(i)
		return time.Time{}
	}
	r.drop(i, Transient, res.Code)
	return time.Time{}
}

// resume returns when item i may be sent again.
func (r *run) resume(i int) time.Time {
	it, base := &r.items[i], backoffBase
	if throttled(it.last.Code) {
		base = throttleBase
	}
	return time.Now().Add(backoff.Full(it.tries+1, base, backoffLimit))
}

// tooOld reports whether the fault of item i has outlasted [Options].MaxAge and
// may be the event's own.
func (r *run) tooOld(i int, code string) bool {
	limit := r.h.opts.MaxAge
	return limit > 0 && !throttled(code) && code != codeResultCount && age(&r.records[r.items[i].record], time.Now()) > limit
}

// deadItem puts item i into the dead letters for its last result.
func (r *run) deadItem(ctx context.Context, i int) {
	it := &r.items[i]
	if r.deadEvent(ctx, it.record, r.entries[i].Bus, it.last.Code, it.last.Message, it.tries) {
		r.queue.Done(i)
		return
	}
	r.queue.Fail(i)
}
