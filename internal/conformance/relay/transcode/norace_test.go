//go:build !race

package transcode

import "testing"

// generated is how many records the differential test tries.
func generated() int {
	if testing.Short() {
		return 4_000
	}
	return 100_000
}
