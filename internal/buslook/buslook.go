// Package buslook is the look at a bus before the first call to it: one question
// for each bus, whoever calls, and what its answer stops.
package buslook

import (
	"context"
	"sync"
	"time"
)

// Max bounds the buses that are told apart.
const Max = 1024

// Looks are the questions after buses. The zero value is ready for use. They are
// safe for concurrent use.
type Looks struct {
	mu    sync.Mutex // guards byBus and every look in it
	byBus map[string]*look
}

// look is a question after a bus, and its answer once it is known.
type look struct {
	waiting chan struct{} // closed when the answer is known, and nil from then on
	err     error         // nothing may be sent to the bus
	again   time.Time     // when to ask again; zero means never
}

// Look returns an error if nothing may be sent to the bus. It asks once for each
// bus, and calls that need the answer meanwhile wait for it. Asking and waiting
// have half of the call's time at the most: what cannot be found out holds
// nothing up, for the answer is worth less than the batch. The end of ctx itself
// is returned as it is.
//
// ask returns the error that Look is to return, and when to ask again: zero means
// never.
func (s *Looks) Look(ctx context.Context, bus string, ask func(context.Context) (again time.Time, err error)) error {
	l, waiting, mine := s.at(bus)
	if waiting == nil {
		return l.err
	}
	half := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		half, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	if mine {
		var again time.Time
		var err error
		defer func() { s.answer(l, again, err) }() // also when ask panics: nobody else will
		again, err = ask(half)
		return err
	}
	select {
	case <-waiting:
		return l.err // of the look that was waited for: by now it may be time to ask again
	case <-half.Done():
		return ctx.Err()
	}
}

// at returns the look at a bus, what to wait on until its answer is known, nil if
// it is, and whether the caller has to ask. A known answer does not change.
func (s *Looks) at(bus string) (l *look, waiting <-chan struct{}, mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l = s.byBus[bus]
	if l != nil && (l.waiting != nil || l.again.IsZero() || time.Now().Before(l.again)) {
		return l, l.waiting, false
	}
	if s.byBus == nil || len(s.byBus) >= Max {
		s.byBus = make(map[string]*look)
	}
	l = &look{waiting: make(chan struct{})}
	s.byBus[string([]byte(bus))] = l // bus may be part of a batch's memory
	return l, l.waiting, true
}

func (s *Looks) answer(l *look, again time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.again, l.err = again, err
	close(l.waiting)
	l.waiting = nil
}
