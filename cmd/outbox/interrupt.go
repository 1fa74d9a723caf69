package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// errInterrupted ends a run that somebody has stopped.
var errInterrupted = errors.New("interrupted")

func watchSignals() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c, func() { signal.Stop(c) }
}

// interrupts turns signals into an end. The first one asks: a run that works page
// by page ends at the end of its page, any other at once. The second one ends
// everything at once.
type interrupts struct {
	asked atomic.Bool
	paged atomic.Bool
}

// follow returns a context that ends with the signals, until release is called.
func (i *interrupts) follow(ctx context.Context, signals <-chan os.Signal, say func(string)) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		for n := 1; ; n++ {
			select {
			case <-done:
				return
			case <-signals:
			}
			i.asked.Store(true)
			if n > 1 || !i.paged.Load() {
				cancel(errInterrupted)
				continue
			}
			say("interrupted: ends after this page; once more ends at once")
		}
	}()
	return ctx, func() { close(done); cancel(nil) }
}
