package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Check looks whether the publisher's bus exists, for a start-up that wants to
// fail early. It returns nil if it does; an error that wraps [ErrNoSuchBus] or
// [ErrBusUnchecked], or the fault of the question itself. A publisher that is
// no [BusChecker] cannot be checked: [ErrBusUnchecked].
func (h *Handler) Check(ctx context.Context) error {
	c, ok := h.publisher.(BusChecker)
	if !ok {
		return fmt.Errorf("%w: the publisher cannot look", ErrBusUnchecked)
	}
	return c.CheckBus(ctx, "")
}

// busStates is what the process knows about buses. It is safe for concurrent
// use.
type busStates struct {
	turn chan struct{} // holds one token; who has it may ask, and use known
	done map[string]struct{}
}

func newBusStates() busStates {
	b := busStates{turn: make(chan struct{}, 1), done: make(map[string]struct{})}
	b.turn <- struct{}{}
	return b
}

// busCheck is the handler's, once for each bus in a run.
func (r *run) busCheck(ctx context.Context, bus string) error {
	if err, ok := r.asked[bus]; ok {
		return err
	}
	err := r.h.busCheck(ctx, r.budget, bus)
	if r.asked == nil {
		r.asked = make(map[string]error)
	}
	r.asked[bus] = err
	return err
}

// busCheck looks once per process and bus whether the bus exists, and returns
// an error if it does not. That cannot be found out is a warning. A question
// that went unanswered for a passing reason is one too, and is asked again on
// the next invocation: the answer is worth less than the batch, for under a
// mapping with few retries a batch that is held up may be lost.
//
// Questions, and waiting for another invocation's, have the first quarter of the
// time. Each bus that comes later, or shortly before, has an eighth of what is
// left then, for none may go unasked: PutEvents to a bus that does not exist may
// answer success.
func (h *Handler) busCheck(ctx context.Context, b budget, bus string) error {
	checker, ok := h.publisher.(BusChecker)
	if !ok || h.opts.SkipBusCheck {
		return nil
	}
	log := h.opts.Logger
	now := time.Now()
	ctx, cancel := b.within(ctx, h.opts.CallTimeout, later(b.ask, now.Add(b.call.Sub(now)/8)))
	defer cancel()
	select {
	case <-h.buses.turn:
	case <-ctx.Done():
		log.LogAttrs(ctx, slog.LevelWarn, "relay: there was no time to look for the event bus; it is looked for on the next invocation", slog.String("bus", bus))
		return nil
	}
	defer func() { h.buses.turn <- struct{}{} }()
	if _, ok := h.buses.done[bus]; ok {
		return nil
	}
	err := h.askBus(ctx, checker, bus)
	switch {
	case err == nil:
	case errors.Is(err, ErrNoSuchBus):
		log.LogAttrs(ctx, slog.LevelError, "relay: the event bus does not exist; nothing is published to it", slog.String("error", err.Error()))
		return fmt.Errorf("relay: nothing is published: create the bus or correct its name: %w", err)
	case errors.Is(err, ErrBusUnchecked):
		log.LogAttrs(ctx, slog.LevelWarn, "relay: it cannot be found out whether the event bus exists; publishing all the same", slog.String("error", err.Error()))
	default:
		log.LogAttrs(ctx, slog.LevelWarn, "relay: looking for the event bus went wrong; publishing all the same, and looking again on the next invocation",
			slog.String("bus", bus), slog.String("code", err.Error()))
		return nil
	}
	if len(h.buses.done) < maxNames {
		h.buses.done[string([]byte(bus))] = struct{}{}
	}
	return nil
}

// askBus asks. Of an error that says nothing of the bus, the code is left. A
// panic is an error, also one of the checker's error.
func (h *Handler) askBus(ctx context.Context, checker BusChecker, bus string) (err error) {
	defer func() {
		if p := recover(); p != nil {
			h.logPanic(ctx, "looking for the event bus", "", p)
			err = fmt.Errorf("%w: the publisher panicked", ErrBusUnchecked)
		}
	}()
	err = checker.CheckBus(ctx, bus)
	if err == nil {
		return nil
	}
	for _, known := range []error{ErrNoSuchBus, ErrBusUnchecked} {
		if errors.Is(err, known) {
			return &busError{text: err.Error(), known: known}
		}
	}
	code, _ := faultCode(err)
	return errors.New(code)
}

// busError is a checker's error whose text has been read: that may panic.
type busError struct {
	text  string
	known error // ErrNoSuchBus or ErrBusUnchecked
}

func (e *busError) Error() string { return e.text }

func (e *busError) Unwrap() error { return e.known }
