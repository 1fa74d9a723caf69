package relay

import (
	"hash/maphash"
	"sync"
)

// memory is a bounded set of stream records, by stream, sequence number and
// destination. When it is full, the oldest goes. It is safe for concurrent use;
// a nil memory is empty and stays so.
//
// A record is known only if its event id is the same too, so that a stream that
// gives a sequence number twice costs a duplicate and not an event.
type memory struct {
	limit int
	seed  maphash.Seed

	mu    sync.Mutex // guards what follows
	names map[string]uint32
	seen  map[memoryKey]uint64 // hash of the event id
	ring  []memoryKey          // in the order of arrival; full when len is limit
	next  int                  // the oldest in a full ring
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
		seen:  make(map[memoryKey]uint64),
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
	id := maphash.String(m.seed, r.eventID)
	m.mu.Lock()
	defer m.mu.Unlock()
	stream, known := m.names[r.stream]
	destination, known2 := m.names[r.destination]
	if !known || !known2 {
		return false
	}
	got, ok := m.seen[memoryKey{stream, destination, seq}]
	return ok && got == id
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
	key := memoryKey{stream, destination, seq}
	_, again := m.seen[key]
	m.seen[key] = id
	switch {
	case again:
	case len(m.ring) < m.limit:
		m.ring = append(m.ring, key)
	default:
		delete(m.seen, m.ring[m.next])
		m.ring[m.next] = key
		m.next = (m.next + 1) % m.limit
	}
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
