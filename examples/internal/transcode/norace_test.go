//go:build !race

package transcode

// generated is how many records the differential test tries.
const generated = 100_000
