package relay

import (
	"hash/maphash"
	"sync"
)

// memory is a bounded set of stream records, by stream, sequence number and
// destination. It holds the latest ones: at least limit and at most twice as
// many. It is safe for concurrent use; a nil memory is empty and stays so.
//
// A record is known only if its event id is the same too, so that a stream that
// gives a sequence number twice costs a duplicate and not an event.
type memory struct {
	limit int
	seed  maphash.Seed

	mu    sync.Mutex // guards what follows
	names map[string]uint32
	// Two generations, event id hashes by record. Nothing is deleted but a
	// whole generation: a map that loses single keys for ever keeps growing.
	young, old map[memoryKey]uint64
}

// memoryKey holds no pointers, so a full memory costs the garbage collector
// nothing, and no batch is kept alive by it.
type memoryKey struct {
	stream, destination uint32
	sequence            sequenceKey
}

// maxNames bounds the streams and destinations that a memory tells apart. More
// are not remembered.
const maxNames = 1024

// newMemory returns a memory of limit records, nil if limit is not positive.
func newMemory(limit int) *memory {
	if limit <= 0 {
		return nil
	}
	return &memory{
		limit: limit,
		seed:  maphash.MakeSeed(),
		names: make(map[string]uint32),
		young: make(map[memoryKey]uint64),
		old:   make(map[memoryKey]uint64),
	}
}

// remembered identifies a record to a memory.
type remembered struct {
	stream, sequence, destination, eventID string
}

// has reports whether the record is remembered.
func (m *memory) has(r remembered) bool {
	if m == nil {
		return false
	}
	seq, ok := packSequence(r.sequence)
	if !ok || r.stream == "" {
		return false
	}
	id, ok := m.eventOf(r.stream, r.destination, seq)
	return ok && id == maphash.String(m.seed, r.eventID)
}

// eventOf returns the hash of the event id that a record is remembered with.
func (m *memory) eventOf(stream, destination string, seq sequenceKey) (id uint64, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, known := m.names[stream]
	d, known2 := m.names[destination]
	if !known || !known2 {
		return 0, false
	}
	key := memoryKey{s, d, seq}
	if id, ok = m.young[key]; !ok {
		id, ok = m.old[key]
	}
	return id, ok
}

// add remembers the record. A record without a stream or a sequence number is
// not remembered.
func (m *memory) add(r remembered) {
	if m == nil {
		return
	}
	seq, ok := packSequence(r.sequence)
	if !ok || r.stream == "" {
		return
	}
	id := maphash.String(m.seed, r.eventID)
	m.mu.Lock()
	defer m.mu.Unlock()
	stream, ok := m.name(r.stream)
	destination, ok2 := m.name(r.destination)
	if !ok || !ok2 {
		return
	}
	if len(m.young) >= m.limit {
		m.young, m.old = m.old, m.young
		clear(m.young)
	}
	m.young[memoryKey{stream, destination, seq}] = id
}

// name returns the number of a name. It wants mu held.
func (m *memory) name(s string) (uint32, bool) {
	n, ok := m.names[s]
	if !ok {
		if len(m.names) >= maxNames {
			return 0, false
		}
		n = uint32(len(m.names))
		m.names[string([]byte(s))] = n // s may be part of a batch's memory
	}
	return n, true
}
