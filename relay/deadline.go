package relay

import (
	"context"
	"time"
)

// budget is the time of an invocation: three instants, set when it begins.
// Without a deadline there is time for everything.
type budget struct {
	limited   bool
	lastStart time.Time // no call is started from here on, but the first
	lastEnd   time.Time // calls and dead letters end here: what is left is for the answer
	lastTold  time.Time // the journal is not waited for from here on
}

// newBudget returns the budget of an invocation that keeps margin before the
// context's deadline. Three quarters of the margin are for what is under way by
// then, a quarter is for the answer; the journal may have half of that, so that it
// is told also when calls took all of the time. Where less than margin is left to
// begin with, that is divided in its place.
func newBudget(ctx context.Context, margin time.Duration) budget {
	deadline, ok := ctx.Deadline()
	if !ok {
		return budget{}
	}
	kept := min(margin, max(time.Until(deadline), 0))
	return budget{limited: true, lastStart: deadline.Add(-margin), lastEnd: deadline.Add(-kept / 4), lastTold: deadline.Add(-kept / 8)}
}

// mayStart reports whether a call may be started at t.
func (b budget) mayStart(t time.Time) bool { return !b.limited || t.Before(b.lastStart) }

// over reports whether the time for everything is over.
func (b budget) over() bool { return b.limited && !time.Now().Before(b.lastEnd) }

// within returns the context of something that takes timeout at most, and ends
// with the budget.
func (b budget) within(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return b.until(ctx, timeout, b.lastEnd)
}

// forJournal is within for the journal.
func (b budget) forJournal(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	return b.until(ctx, timeout, b.lastTold)
}

func (b budget) until(ctx context.Context, timeout time.Duration, last time.Time) (context.Context, context.CancelFunc) {
	end := time.Now().Add(timeout)
	if b.limited && last.Before(end) {
		end = last
	}
	return context.WithDeadline(ctx, end)
}
