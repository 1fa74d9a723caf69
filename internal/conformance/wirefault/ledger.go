package wirefault

import (
	"slices"
	"sync"
)

// Accepted is an entry that the real server has accepted.
type Accepted struct {
	Call       int    // number of the PutEvents call, from 1
	Index      int    // of the entry in the call as the client made it
	EventID    string // headers.eventId of the Detail, "" if it has none
	ServerID   string // the EventId that the server gave it
	Source     string
	DetailType string
	Bus        string
	Detail     string
}

// Request is a call that came over the wire.
type Request struct {
	Call  Call
	Fault Fault
	// Forwarded reports whether the server got it, with all its entries or some.
	Forwarded bool
	// Status is the server's HTTP status, 0 if it was not asked or did not answer.
	Status int
}

// Ledger is what went over a wire. It is safe for concurrent use.
type Ledger struct {
	mu       sync.Mutex // guards what follows
	accepted []Accepted
	requests []Request
}

// Accepted returns what the server has accepted, in the order of its answers.
func (l *Ledger) Accepted() []Accepted {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.accepted)
}

// EventIDs returns how often the server has accepted each event.
func (l *Ledger) EventIDs() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := map[string]int{}
	for _, a := range l.accepted {
		n[a.EventID]++
	}
	return n
}

// Requests returns every call, in the order in which they ended.
func (l *Ledger) Requests() []Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.requests)
}

// Count returns the number of calls of the operation.
func (l *Ledger) Count(operation string) int {
	n := 0
	for _, r := range l.Requests() {
		if r.Call.Operation == operation {
			n++
		}
	}
	return n
}

func (l *Ledger) add(r Request, accepted []Accepted) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, r)
	l.accepted = append(l.accepted, accepted...)
}
