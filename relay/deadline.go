package relay

import (
	"context"
	"time"
)

// budget says what there is still time for in an invocation.
type budget struct {
	limited bool      // there is a deadline
	start   time.Time // no call is started from here on, except the first
	cut     time.Time // calls are cut off here
	last    time.Time // the dead-letter sink is cut off here
}

// newBudget divides the time until the context's deadline: the margin is kept
// for the answer, and what is under way is cut off within it. When less than
// the margin is left to begin with, the first call gets half of what is left.
func newBudget(ctx context.Context, now time.Time, margin time.Duration) budget {
	deadline, ok := ctx.Deadline()
	if !ok {
		return budget{}
	}
	left := max(deadline.Sub(now), 0)
	return budget{
		limited: true,
		start:   deadline.Add(-margin),
		cut:     later(deadline.Add(-margin/2), now.Add(left/2)),
		last:    later(deadline.Add(-margin/4), now.Add(left/4*3)),
	}
}

// mayStart reports whether a call may be started at t.
func (b budget) mayStart(t time.Time) bool { return !b.limited || t.Before(b.start) }

// callContext returns the context of one call of the publisher.
func (b budget) callContext(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return b.within(ctx, b.cut, timeout)
}

// sinkContext returns the context of one call of the dead-letter sink.
func (b budget) sinkContext(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return b.within(ctx, b.last, timeout)
}

func (b budget) within(ctx context.Context, end time.Time, timeout time.Duration) (context.Context, context.CancelFunc) {
	if !b.limited {
		return context.WithTimeout(ctx, timeout)
	}
	if t := time.Now().Add(timeout); t.Before(end) {
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
