package relay

import (
	"context"
	"time"
)

// pace keeps a rate. The zero pace keeps none.
type pace struct {
	rate float64   // events in a second
	next time.Time // when more may be sent
}

// most returns how many of n events may be sent at once.
func (p *pace) most(n int) int {
	if p.rate == 0 || p.rate >= float64(n) {
		return n
	}
	return max(1, int(p.rate))
}

// wait returns when more may be sent, or ctx has ended.
func (p *pace) wait(ctx context.Context) error {
	if d := time.Until(p.next); p.rate > 0 && d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// sent takes note of n events that were sent at a time.
func (p *pace) sent(at time.Time, n int) {
	if p.rate > 0 {
		const longest = 100 * 365 * 24 * time.Hour // a duration holds no more than 292 years
		p.next = at.Add(time.Duration(min(float64(n)/p.rate*float64(time.Second), float64(longest))))
	}
}
