package relay

import (
	"bytes"
	"context"
	"encoding/binary"
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
	ids     entries
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
		a.ids.add(entryOf(done.EventID, done.At))
	}
	if err := ctx.Err(); err != nil { // a journal may just end
		return fmt.Errorf("relay: replay: read the journal: %w", err)
	}
	a.ids.sort()
	a.from = from
	return nil
}

// has reports whether the journal has an event of that time. What it has from long
// before is another event with that id.
func (a *accepted) has(eventID string, at time.Time) bool {
	return a.ids.has(entryOf(eventID, at.Add(-ClockSkew)))
}

// entry is a hash of 96 bits, and behind it the minute. Two event ids with one hash
// do not happen.
type entry [16]byte

const hashSize = 12

func entryOf(id string, at time.Time) (e entry) {
	for i, seed := range seeds {
		binary.BigEndian.PutUint64(e[4*i:], maphash.String(seed, id))
	}
	binary.BigEndian.PutUint32(e[hashSize:], uint32(max(at.Unix(), 0)/60))
	return e
}

// entries is a set of them, in little more than the 16 bytes of each.
type entries struct {
	shelves [4096][]entry // by their first bits; sorted, but for what was added since
	added   bool
}

func shelf(e entry) int { return int(e[0])<<4 | int(e[1])>>4 }

func (s *entries) add(e entry) {
	i := shelf(e)
	if len(s.shelves[i]) == cap(s.shelves[i]) { // append would double it
		s.shelves[i] = slices.Grow(s.shelves[i], 8+len(s.shelves[i])/8)
	}
	s.shelves[i] = append(s.shelves[i], e)
	s.added = true
}

func (s *entries) sort() {
	if !s.added {
		return
	}
	for i := range s.shelves {
		slices.SortFunc(s.shelves[i], func(a, b entry) int { return bytes.Compare(a[:], b[:]) })
	}
	s.added = false
}

// has reports whether there is an entry with that hash, of that minute or a later
// one.
func (s *entries) has(e entry) bool {
	shelf := s.shelves[shelf(e)]
	i, _ := slices.BinarySearchFunc(shelf, e, func(a, b entry) int { return bytes.Compare(a[:], b[:]) })
	return i < len(shelf) && [hashSize]byte(shelf[i][:]) == [hashSize]byte(e[:])
}
