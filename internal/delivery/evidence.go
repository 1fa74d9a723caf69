package delivery

import "sync"

// maxBuses bounds the buses that are told apart. Of more there is no evidence,
// which is the safe side: what they refuse is held.
const maxBuses = 1024

// Evidence counts what each bus has accepted of this process. One is shared by
// all batches of a process. The zero value is ready. It is safe for concurrent
// use.
type Evidence struct {
	mu    sync.RWMutex // guards buses
	buses map[string]uint64
}

// Count returns how many entries the bus has accepted. It only grows.
func (e *Evidence) Count(bus string) uint64 {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.buses[bus]
}

// Add counts n accepted entries.
func (e *Evidence) Add(bus string, n int) {
	if n <= 0 {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.buses == nil {
		e.buses = make(map[string]uint64)
	}
	if _, ok := e.buses[bus]; !ok {
		if len(e.buses) >= maxBuses {
			return
		}
		bus = string([]byte(bus)) // it may be part of a batch's memory
	}
	e.buses[bus] += uint64(n)
}
