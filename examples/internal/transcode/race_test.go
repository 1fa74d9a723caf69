//go:build race

package transcode

// generated is how many records the differential test tries. The race detector
// makes each cost ten times as much.
const generated = 4_000
