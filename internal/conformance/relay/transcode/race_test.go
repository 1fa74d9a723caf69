//go:build race

package transcode

// generated is how many records the differential test tries. The race detector
// makes each cost ten times as much.
func generated() int { return 4_000 }
