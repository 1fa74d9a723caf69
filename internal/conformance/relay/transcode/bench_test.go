package transcode

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// sizes are those of a payload, in bytes of JSON.
var sizes = []int{300, 2_000, 20_000}

// records is the size of a batch.
const records = 100

// ways are what is compared: the library, json.Valid as a floor that reads the
// bytes and does nothing with them, and a Go function without the library.
func ways(payload []byte) []way {
	d := streamrecord.NewDecoder(streamrecord.Config{})
	return []way{
		{"outbox", 10, func() bool { b, err := d.Decode(payload); return err == nil && len(b.Records) == records }},
		{"valid", 10, func() bool { return json.Valid(payload) }},
		{"naive", 1, func() bool { details, err := Naive(payload); return err == nil && len(details) == records }},
	}
}

type way struct {
	name string
	runs int // in each turn of BenchmarkRatio
	run  func() bool
}

// BenchmarkTranscode is each way by itself, with what it allocates.
func BenchmarkTranscode(b *testing.B) {
	for _, size := range sizes {
		payload := Batch(records, size, false)
		for _, w := range ways(payload) {
			b.Run(fmt.Sprintf("payload=%d/%s", size, w.name), func(b *testing.B) {
				b.SetBytes(int64(len(payload)))
				b.ReportAllocs()
				for b.Loop() {
					if !w.run() {
						b.Fatal("a wrong result")
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/records, "ns/record")
			})
		}
	}
}

// BenchmarkRatio is all ways side by side, in turns, so that whatever else the
// machine does hits all alike. The fastest of all turns counts for each: that
// is the least that the garbage collector takes from the naive way. It reports
//
//	x-naive    how many times as fast as the naive way the library is
//	of-valid   its time as a share of that of json.Valid on the same bytes
//	ns/record  its time for a record
//	MB/s       the bytes of the batch that it reads in a second
func BenchmarkRatio(b *testing.B) {
	for _, form := range []string{"map", "text"} {
		for _, size := range sizes {
			b.Run(fmt.Sprintf("payload=%d/form=%s", size, form), func(b *testing.B) {
				payload := Batch(records, size, form == "text")
				all := ways(payload)
				best := make([]time.Duration, len(all))
				for b.Loop() {
					for i, w := range all {
						for range w.runs {
							start := time.Now()
							ok := w.run()
							took := time.Since(start)
							if !ok {
								b.Fatal("a wrong result")
							}
							if best[i] == 0 || took < best[i] {
								best[i] = took
							}
						}
					}
				}
				outbox, valid, naive := float64(best[0]), float64(best[1]), float64(best[2])
				b.ReportMetric(0, "ns/op") // of a turn, which means nothing
				b.ReportMetric(naive/outbox, "x-naive")
				b.ReportMetric(outbox/valid, "of-valid")
				b.ReportMetric(outbox/records, "ns/record")
				b.ReportMetric(float64(len(payload))/outbox*1e3, "MB/s")
			})
		}
	}
}
