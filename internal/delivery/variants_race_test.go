//go:build race

package delivery_test

// variants is how many ways each world is played in: few, for the race detector
// has nothing to find in one goroutine, and takes its time.
const variants = 2
