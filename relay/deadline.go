package relay

import (
	"context"
	"time"
)

// budget says what there is still time for in an invocation. Without a deadline
// there is time for everything. All ends are set when it begins, so that several
// slow calls in a row have no more time than one.
type budget struct {
	limited bool
	start   time.Time // calls of the publisher start before it: the margin

	ask   time.Time // the end of questions after the bus
	early time.Time // the end of dead letters before the first call
	call  time.Time // the end of calls of the publisher
	sink  time.Time // the end of dead letters: what is left is for the answer
}

// newBudget returns the budget of an invocation that keeps margin before the
// context's deadline for its answer: the first half of that may be taken by
// calls, and a quarter more by dead letters. Where less than margin is left,
// that is divided in its place, and the first call gets an eighth of it at
// least.
func newBudget(ctx context.Context, margin time.Duration) budget {
	deadline, ok := ctx.Deadline()
	if !ok {
		return budget{}
	}
	now := time.Now()
	left := max(deadline.Sub(now), 0)
	reserve := min(margin, left)
	return budget{
		limited: true,
		start:   deadline.Add(-margin),
		ask:     now.Add(left / 4),
		early:   now.Add(left / 8 * 3),
		call:    deadline.Add(-reserve / 2),
		sink:    deadline.Add(-reserve / 4),
	}
}

// mayStart reports whether a call may be started at t: not within the margin.
func (b budget) mayStart(t time.Time) bool {
	return !b.limited || t.Before(b.start)
}

// within returns the context of something that takes timeout at most, and ends
// at the given time.
func (b budget) within(ctx context.Context, timeout time.Duration, end time.Time) (context.Context, context.CancelFunc) {
	if t := time.Now().Add(timeout); !b.limited || t.Before(end) {
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
