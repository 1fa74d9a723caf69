package relay

import (
	"context"
	"log/slog"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/backoff"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/delivery"
)

// The wait before an entry is sent again, with full jitter.
const (
	backoffBase  = 100 * time.Millisecond
	throttleBase = 500 * time.Millisecond
	backoffLimit = 5 * time.Second
)

// deliver asks the core what is to be done, does it, and tells the core what
// came of it, until there is nothing left to do. Calls and dead letters do not
// wait for each other.
func (r *run) deliver(ctx context.Context) {
	r.core.Start(r.events, delivery.Policy{
		Entries: r.h.limits.Entries, Bytes: r.h.limits.Bytes, Attempts: r.h.opts.MaxAttempts, Isolate: r.mode.replay,
	}, &r.h.evidence)
	n := r.h.opts.Concurrency
	done := make(chan func(), n+1) // what has ended says what is to be told; it never waits for us
	flying, burying := 0, false
	for {
		if i := r.bury(burying); i >= 0 {
			burying = true
			go func() {
				fault := r.putDead(ctx, i)
				done <- func() { burying = false; r.buried(ctx, i, fault) }
			}()
		}
		for flying < n && r.mayCall(ctx, time.Now()) {
			call := r.core.Next()
			if call == nil {
				break
			}
			wait := r.wait(call)
			if r.late = wait > 0 && !r.mayCall(ctx, time.Now().Add(wait)); r.late {
				r.core.Dropped(call)
				break
			}
			flying++
			work := func() {
				a := r.call(ctx, call, wait)
				done <- func() { flying--; r.answered(call, a) }
			}
			if n > 1 || burying {
				go work()
			} else {
				work() // nothing else is under way, and nothing could begin meanwhile
			}
		}
		if flying == 0 && !burying {
			if r.probe(ctx) {
				continue
			}
			break
		}
		for tell, more := <-done, true; more; {
			tell()
			select { // what has failed is to be known before more is started
			case tell = <-done:
			default:
				more = false
			}
		}
	}
	if call := r.core.Next(); call != nil { // there was no time for it
		r.core.Dropped(call)
		r.late = true
	}
	r.core.Close()
	for i := r.bury(false); i >= 0; i = r.bury(false) {
		r.buried(ctx, i, r.putDead(ctx, i))
	}
}

// wait returns how long to wait before a call. Only what failed for a passing
// reason waits; a call that is split goes on at once.
func (r *run) wait(call []int) (wait time.Duration) {
	for _, i := range call {
		if last := &r.last[i]; r.core.Sent(i) > 1 && last.Class == Transient {
			base := backoffBase
			if throttled(last.Code) {
				base = throttleBase
			}
			wait = max(wait, backoff.Full(r.core.Sent(i), base, backoffLimit))
		}
	}
	return wait
}

// answer is what came of a call.
type answer struct {
	results []Result
	whole   *CallError
	unsent  bool // the context ended during the wait
}

// call waits, and makes a call.
func (r *run) call(ctx context.Context, call []int, wait time.Duration) answer {
	if wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return answer{unsent: true}
		}
	}
	r.reached.Store(true)
	ctx, cancel := r.budget.within(ctx, r.h.opts.CallTimeout)
	defer cancel()
	results, whole := r.h.publish(ctx, r.mode.publisher, r.entriesOf(call))
	return answer{results: results, whole: whole}
}

// entriesOf returns the entries of a call. They are not copied when they stand
// one behind the other, as they do unless there are groups, buses, repetitions
// or turns.
func (r *run) entriesOf(call []int) []Entry {
	first, n := call[0], len(call)
	for k, i := range call {
		if i == first+k {
			continue
		}
		entries := make([]Entry, n)
		for k, i := range call {
			entries[k] = r.entries[i]
		}
		return entries
	}
	return r.entries[first : first+n : first+n]
}

// answered tells the core what came of a call.
func (r *run) answered(call []int, a answer) {
	if a.unsent {
		r.core.Dropped(call)
		r.late = true
		return
	}
	r.m.Calls++
	now := time.Now().UnixNano()
	out := delivery.Answer{Results: make([]delivery.Result, len(call))}
	var cause error
	if a.whole != nil {
		r.m.FailedCalls++
		out.Whole, out.Spent, cause = true, a.whole.Retried, a.whole
	}
	for k, i := range call {
		res := a.results[k]
		r.m.Bytes += int64(r.events[i].Size)
		r.last[i] = attempt{Result: res, cause: cause, at: now}
		out.Results[k] = delivery.Result{
			Class:     coreClass(res.Class),
			Explained: res.Class == EventFault && (a.whole == nil || len(call) == 1) && r.explained(i),
			Vague:     res.Code == codeResultCount || throttled(res.Code),
		}
		if res.Class == Deduplicated {
			r.m.Deduplicated++
		}
	}
	r.core.Answered(call, out)
}

// explained reports whether the event breaks a known rule of its bus. What only
// Route has brought in was found before, and not sent.
func (r *run) explained(i int) (yes bool) {
	x, ok := r.mode.publisher.(Explainer)
	if !ok {
		return false
	}
	defer func() {
		if v := recover(); v != nil {
			r.h.logPanic(context.Background(), "asking for a rule of the bus", r.entries[i].EventID, v)
		}
	}()
	return x.Explain(r.entries[i]) != ""
}

// bury asks the core for an event that is to be put into the dead letters, -1 if
// there is none. One is put after the other.
func (r *run) bury(burying bool) int {
	if burying {
		return -1
	}
	return r.core.Bury()
}

// putDead puts an event into the dead letters. Without time left it does not
// try.
func (r *run) putDead(ctx context.Context, i int) *fault {
	if ctx.Err() != nil || r.budget.over() {
		return &fault{kind: "none", code: codeNotReached}
	}
	ctx, cancel := r.budget.within(ctx, r.h.opts.CallTimeout)
	defer cancel()
	return r.h.put(ctx, deadLetter(&r.records[r.of[i]], r.entries[i].Bus, r.last[i].Result, r.core.Sent(i)))
}

// buried tells the core whether the sink has the event.
func (r *run) buried(ctx context.Context, i int, fault *fault) {
	r.core.Buried(i, fault == nil)
	r.last[i].at = time.Now().UnixNano()
	rec := &r.records[r.of[i]]
	attrs := []slog.Attr{
		slog.String("eventId", clip(rec.EventID)), slog.String("sequenceNumber", clip(rec.SequenceNumber)),
		slog.String("code", r.last[i].Code), slog.Int("attempts", r.core.Sent(i)),
	}
	switch {
	case fault == nil:
		r.h.opts.Logger.LogAttrs(ctx, slog.LevelWarn, "relay: dead letter", attrs...)
	case fault.blocked:
		r.blocked, r.refused[i] = true, true
	default:
		r.refused[i] = true
		r.h.opts.Logger.LogAttrs(ctx, slog.LevelError, "relay: the dead-letter sink refused a record; it comes again",
			append(attrs, slog.String("sinkError", fault.kind), slog.String("sinkCode", fault.code))...)
	}
}
