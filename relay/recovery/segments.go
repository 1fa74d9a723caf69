package recovery

import (
	"context"
	"iter"
	"sync"
	"time"
)

// segment is a page of one segment of a scan.
type segment struct {
	answer
	segment int
	behind  position
}

// segments reads the segments of the table at once, each from its position on.
// Pages of one segment come in their order. It waits for everything it has begun
// before it ends. If ctx ends before them, that is an error.
func (s *eventStore) segments(ctx context.Context, at []position) iter.Seq2[segment, error] {
	type read struct {
		segment
		err error
	}
	return func(yield func(segment, error) bool) {
		outer := ctx
		ctx, cancel := context.WithCancel(ctx)
		pages, limit := make(chan read), &unitLimit{perSecond: s.opts.ReadUnits}
		var readers sync.WaitGroup
		for i, p := range at {
			readers.Go(func() {
				for !p.Done {
					page, err := s.page(ctx, i, p, limit)
					select {
					case pages <- read{page, err}:
					case <-ctx.Done():
						return
					}
					if err != nil {
						return
					}
					p = page.behind
				}
			})
		}
		go func() {
			readers.Wait()
			close(pages)
		}()
		defer func() {
			cancel()
			for range pages { // until the last has ended
			}
		}()
		for r := range pages {
			if !yield(r.segment, r.err) || r.err != nil {
				return
			}
		}
		if err := outer.Err(); err != nil { // with it, a reader may end without a word
			yield(segment{}, err)
		}
	}
}

// page reads the page of a segment behind a position.
func (s *eventStore) page(ctx context.Context, i int, p position, limit *unitLimit) (segment, error) {
	in, err := s.input(i, p)
	if err != nil {
		return segment{}, err
	}
	if err := limit.wait(ctx); err != nil {
		return segment{}, err
	}
	a, err := s.scan(ctx, in)
	if err != nil {
		return segment{}, err
	}
	limit.consumed(a.units)
	next, err := behind(a)
	return segment{answer: a, segment: i, behind: next}, err
}

// unitLimit keeps a rate of read units. It is safe for concurrent use.
type unitLimit struct {
	perSecond float64 // 0 for none

	mu   sync.Mutex // guards next
	next time.Time  // when more may be read
}

// wait returns when more may be read, or ctx has ended.
func (l *unitLimit) wait(ctx context.Context) error {
	for l.perSecond > 0 {
		l.mu.Lock()
		d := time.Until(l.next)
		l.mu.Unlock()
		if d <= 0 {
			break
		}
		timer := time.NewTimer(d)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		if ctx.Err() != nil {
			break
		}
	}
	return ctx.Err()
}

// consumed takes note of what a call has cost.
func (l *unitLimit) consumed(units float64) {
	if l.perSecond <= 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); l.next.Before(now) {
		l.next = now
	}
	const longest = 365 * 24 * time.Hour // a duration holds no more than 292 years
	l.next = l.next.Add(time.Duration(min(units/l.perSecond*float64(time.Second), float64(longest))))
}
