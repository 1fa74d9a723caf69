package main

import "sync"

// bell tells any number of listeners that something has changed. It is safe for
// concurrent use.
type bell struct {
	mu   sync.Mutex // guards next
	next chan struct{}
}

func newBell() *bell { return &bell{next: make(chan struct{})} }

// ring wakes everybody who listens.
func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.next)
	b.next = make(chan struct{})
}

// listen returns a channel that is closed at the next ring. Listen before
// looking at what may have changed.
func (b *bell) listen() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next
}
