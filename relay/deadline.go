package relay

import (
	"context"
	"time"
)

// budget says what there is still time for in an invocation. Without a deadline
// there is time for everything.
type budget struct {
	limited  bool
	deadline time.Time
	margin   time.Duration
}

// newBudget returns the budget of an invocation that keeps margin before the
// context's deadline for its answer.
func newBudget(ctx context.Context, margin time.Duration) budget {
	deadline, ok := ctx.Deadline()
	return budget{limited: ok, deadline: deadline, margin: margin}
}

// mayStart reports whether a call may be started at t: not within the margin.
func (b budget) mayStart(t time.Time) bool {
	return !b.limited || t.Before(b.deadline.Add(-b.margin))
}

// end returns when something that begins at now is cut off: when the given part
// of the margin is left, or of the time that is left if that is even less.
func (b budget) end(now time.Time, part float64) time.Time {
	left := min(max(b.deadline.Sub(now), 0), b.margin)
	return b.deadline.Add(-time.Duration(part * float64(left)))
}

// callContext returns the context of one call of the publisher. The second half
// of the margin stays for the sink and for the answer.
func (b budget) callContext(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	now := time.Now()
	return b.within(ctx, now, timeout, b.end(now, 1./2))
}

// sinkContext returns the context of one call of the dead-letter sink. The last
// quarter of the margin stays for the answer.
func (b budget) sinkContext(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	now := time.Now()
	return b.within(ctx, now, timeout, b.end(now, 1./4))
}

// earlyContext returns the context of something that comes before the first
// call: it gets the given part of the time left and leaves the rest.
func (b budget) earlyContext(ctx context.Context, timeout time.Duration, part float64) (context.Context, context.CancelFunc) {
	now := time.Now()
	left := max(b.deadline.Sub(now), 0)
	return b.within(ctx, now, timeout, now.Add(time.Duration(part*float64(left))))
}

func (b budget) within(ctx context.Context, now time.Time, timeout time.Duration, end time.Time) (context.Context, context.CancelFunc) {
	if t := now.Add(timeout); !b.limited || t.Before(end) {
		end = t
	}
	return context.WithDeadline(ctx, end)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
