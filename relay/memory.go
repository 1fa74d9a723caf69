package relay

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslook"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// largestBatch is the most records that Lambda delivers in a batch
// (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html). What
// the last batch had accepted is always remembered: otherwise one that takes
// more time than an invocation has would begin at its front each time.
const largestBatch = 10_000

// memory is a bounded map: it holds the latest entries, at least limit and at
// most twice as many. It is safe for concurrent use.
//
// It has two generations, and nothing is deleted but a whole one: a map from
// which single keys are deleted all the time keeps growing.
type memory[V any] struct {
	limit int

	mu         sync.Mutex // guards what follows
	young, old map[key]V
}

func newMemory[V any](limit int) *memory[V] {
	return &memory[V]{limit: limit, young: make(map[key]V), old: make(map[key]V)}
}

// get returns what is remembered of a key.
func (m *memory[V]) get(k key) (v V, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if v, ok = m.young[k]; !ok {
		v, ok = m.old[k]
	}
	return v, ok
}

// put remembers v of a key.
func (m *memory[V]) put(k key, v V) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.young) >= m.limit {
		m.young, m.old = m.old, m.young
		clear(m.young)
	}
	m.young[k] = v
}

// empty reports whether nothing is remembered.
func (m *memory[V]) empty() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.young)+len(m.old) == 0
}

// key is a hash of 128 bits. It holds no pointers, so a full memory costs the
// garbage collector nothing, and no batch is kept alive by it.
type key [2]uint64

var seeds = [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}

// identity is what makes two records the same one. The event id is part of it,
// so that a stream that gives a sequence number twice costs a duplicate and not
// an event.
type identity struct{ stream, sequence, destination, event string }

// undecodable is the destination of a record that cannot be read. It is no name
// of a bus.
const undecodable = "\x00"

// key returns the hash of the identity, false if the record cannot be told from
// others: then nothing is remembered of it.
func (id identity) key() (key, bool) {
	if id.stream == "" || id.sequence == "" {
		return key{}, false
	}
	return key{maphash.Comparable(seeds[0], id), maphash.Comparable(seeds[1], id)}, true
}

// identityOf returns the identity of a record on its way to a bus.
func identityOf(rec *streamrecord.Record, bus string) identity {
	id := identity{stream: rec.StreamARN, sequence: rec.SequenceNumber, destination: bus, event: rec.EventID}
	for len(id.sequence) > 1 && id.sequence[0] == '0' { // it is a number
		id.sequence = id.sequence[1:]
	}
	if rec.Kind != streamrecord.Event {
		id.destination, id.event = undecodable, string(rec.Raw) // the event id may be what cannot be read
	}
	return id
}

// failure is what is remembered of an event that has failed; see the fields of
// the same name of delivery.Event.
type failure struct {
	turn     int
	failedAt uint64
}

// probes says when each bus was probed. It is safe for concurrent use.
type probes struct {
	mu sync.Mutex // guards at
	at map[string]time.Time
}

// due reports whether the bus may be probed now, and takes note of it.
func (p *probes) due(bus string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last, ok := p.at[bus]; ok && now.Sub(last) < probeInterval {
		return false
	}
	if p.at == nil || len(p.at) >= buslook.Max {
		p.at = make(map[string]time.Time)
	}
	p.at[string([]byte(bus))] = now // bus may be part of a batch's memory
	return true
}

// probeInterval is the least time between two probes of a bus.
const probeInterval = 5 * time.Minute
