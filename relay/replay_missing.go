package relay

import (
	"bytes"
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// ClockSkew is how much two clocks may differ: that of the process that made an
// event, and that of the relay that had it accepted. An event of time t was
// accepted at t less the skew, or later.
const ClockSkew = 15 * time.Minute

// accepted are the events that a journal has. It is read as far back as the
// events that come ask for, each stretch once, and up to when the replay began.
type accepted struct {
	journal JournalReader
	from    time.Time // read from here on; zero before anything is
	to      time.Time
	ids     hashes
}

// reach reads the journal for all events of the records.
func (a *accepted) reach(ctx context.Context, records []streamrecord.Record) error {
	oldest := int64(0)
	for i := range records {
		if t := records[i].Timestamp; t > 0 && (oldest == 0 || t < oldest) {
			oldest = t
		}
	}
	from, to := time.UnixMilli(oldest).Add(-ClockSkew), a.from
	if a.from.IsZero() {
		to = a.to
	}
	if oldest == 0 || !from.Before(to) {
		return nil
	}
	for done, err := range a.journal.Accepted(ctx, from, to) {
		if err != nil {
			return fmt.Errorf("relay: replay: read the journal: %w", err)
		}
		a.ids.add(hashOf(done.EventID))
	}
	if err := ctx.Err(); err != nil { // a journal may just end
		return fmt.Errorf("relay: replay: read the journal: %w", err)
	}
	a.ids.sort()
	a.from = from
	return nil
}

func (a *accepted) has(eventID string) bool { return a.ids.has(hashOf(eventID)) }

// hash is a hash of 128 bits. Two event ids with one hash do not happen.
type hash [16]byte

func hashOf(id string) (h hash) {
	for i, seed := range seeds {
		sum := maphash.String(seed, id)
		for b := range 8 {
			h[8*i+b] = byte(sum >> (8 * b))
		}
	}
	return h
}

// hashes is a set of them, in little more than the 16 bytes of each.
type hashes struct {
	shelves [4096][]hash // by their first bits; sorted, but for what was added since
	added   bool
}

func shelf(h hash) int { return int(h[0])<<4 | int(h[1])>>4 }

func (s *hashes) add(h hash) {
	i := shelf(h)
	if len(s.shelves[i]) == cap(s.shelves[i]) { // append would double it
		s.shelves[i] = slices.Grow(s.shelves[i], 8+len(s.shelves[i])/8)
	}
	s.shelves[i] = append(s.shelves[i], h)
	s.added = true
}

func (s *hashes) sort() {
	if !s.added {
		return
	}
	for i := range s.shelves {
		slices.SortFunc(s.shelves[i], func(a, b hash) int { return bytes.Compare(a[:], b[:]) })
	}
	s.added = false
}

func (s *hashes) has(h hash) bool {
	_, ok := slices.BinarySearchFunc(s.shelves[shelf(h)], h, func(a, b hash) int { return bytes.Compare(a[:], b[:]) })
	return ok
}
