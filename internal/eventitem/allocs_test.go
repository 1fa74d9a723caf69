package eventitem

import "testing"

// fewestAllocs returns how many allocations f needs. It is the least of many
// runs, because a pool can be empty in any one: after a collection, and at random
// under the race detector.
func fewestAllocs(f func()) float64 {
	least := testing.AllocsPerRun(1, f)
	for range 50 {
		least = min(least, testing.AllocsPerRun(1, f))
	}
	return least
}
