package main

import (
	"slices"
	"sync"
	"time"
)

// way is the way of one event, with the time at which it first came to each
// place; the zero time means that it has not been there. The times are those of
// this machine's clock, noted by the taps on the wires.
type way struct {
	ID      string `json:"id"`
	Name    string `json:"name"`    // eventName, or what there is in its place
	Source  string `json:"source"`  // the service that made it
	Subject string `json:"subject"` // whom it is about, for a person to recognise it

	Committed    time.Time `json:"committed,omitzero"`    // DynamoDB answered the transaction
	Published    time.Time `json:"published,omitzero"`    // the bus accepted it
	Received     time.Time `json:"received,omitzero"`     // the consumer got it from the queue
	Done         time.Time `json:"done,omitzero"`         // the consumer's work and receipt are committed
	DeadLettered time.Time `json:"deadLettered,omitzero"` // it is in the dead-letter table
	Parked       time.Time `json:"parked,omitzero"`       // it is in the dead-letter queue

	Publishes  int `json:"publishes"`  // how often the bus accepted it
	Deliveries int `json:"deliveries"` // how often the consumer got it

	change  int64  // number of its last change
	message string // body of its first queue message
}

// kept is how many events the journal remembers; the ledger knows them all.
const kept = 2000

// journal follows each event on its way. It is for looking at: the ledger does
// not depend on it. It is safe for concurrent use.
type journal struct {
	bell *bell // rings at each change

	mu      sync.Mutex // guards what follows
	ways    map[string]*way
	order   []string // ids, oldest first
	changes int64
}

func newJournal(b *bell) *journal { return &journal{bell: b, ways: map[string]*way{}} }

// note changes the way of an event, which it makes if need be. change gets the
// time of the note.
func (j *journal) note(id string, change func(w *way, now time.Time)) {
	now := time.Now()
	defer j.bell.ring()
	j.mu.Lock()
	defer j.mu.Unlock()
	w := j.ways[id]
	if w == nil {
		w = &way{ID: id}
		j.ways[id] = w
		j.order = append(j.order, id)
		if len(j.order) > kept {
			delete(j.ways, j.order[0])
			j.order = slices.Delete(j.order, 0, 1)
		}
	}
	change(w, now)
	j.changes++
	w.change = j.changes
}

// first sets a time that has not been set, and reports whether it did.
func first(t *time.Time, now time.Time) bool {
	if !t.IsZero() {
		return false
	}
	*t = now
	return true
}

// since returns what has changed after the change with that number, of the
// newest events, at most limit, oldest first; and the number of the last change.
func (j *journal) since(number int64, limit int) (changed []way, last int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, id := range j.order[max(0, len(j.order)-limit):] {
		if w := j.ways[id]; w.change > number {
			changed = append(changed, *w)
		}
	}
	return changed, j.changes
}

// way returns the way of one event.
func (j *journal) way(id string) (way, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	w := j.ways[id]
	if w == nil {
		return way{}, false
	}
	return *w, true
}
