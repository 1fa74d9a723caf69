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
	mine, waiting, err := s.at(bus)
	if !mine && waiting == nil {
		return err
	}
	half := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		half, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
	}
	if mine {
		again, err := ask(half)
		s.answer(bus, again, err)
		return err
	}
	select {
	case <-waiting:
		_, _, err := s.at(bus)
		return err
	case <-half.Done():
		return ctx.Err()
	}
}

// at returns what is known of a bus: the caller has to ask, or it may wait until
// another one's answer is known, or the answer.
func (s *Looks) at(bus string) (ask bool, waiting <-chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.byBus[bus]
	if l != nil && (l.waiting != nil || l.again.IsZero() || time.Now().Before(l.again)) {
		return false, l.waiting, l.err
	}
	if s.byBus == nil || len(s.byBus) >= Max {
		s.byBus = make(map[string]*look)
	}
	s.byBus[string([]byte(bus))] = &look{waiting: make(chan struct{})} // bus may be part of a batch's memory
	return true, nil, nil
}

func (s *Looks) answer(bus string, again time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.byBus[bus]; l != nil && l.waiting != nil {
		close(l.waiting)
		*l = look{err: err, again: again}
	}
}
