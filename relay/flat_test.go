package relay

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// voidBus accepts everything and keeps nothing.
type voidBus struct{}

func (voidBus) Limits() Limits   { return Limits{Entries: 10, Bytes: 1_000_000} }
func (voidBus) Size(e Entry) int { return len(e.Detail) }
func (voidBus) Publish(_ context.Context, entries []Entry) ([]Result, error) {
	results := make([]Result, len(entries))
	for i := range results {
		results[i].Class = Accepted
	}
	return results, nil
}

// The memory of a handler does not grow: after 10,000 batches it is what it was
// after 2,000, when Options.Memory was full.
func TestMemoryIsFlatOverManyBatches(t *testing.T) {
	const batches, size = 10_000, 20
	payload := events(1, size)
	digits := [size][]byte{}
	for i := range digits {
		at := bytes.Index(payload, fmt.Appendf(nil, `"SequenceNumber":"%021d"`, i+1)) + len(`"SequenceNumber":"`)
		digits[i] = payload[at : at+21]
	}
	h := newTestHandler(t, voidBus{}, Block)
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	published := 0
	h.opts.Metrics = func(_ context.Context, m Metrics) { published += m.Published }
	var early int
	for i := range batches {
		for k, d := range digits {
			copy(d, fmt.Appendf(nil, "%021d", i*size+k+1))
		}
		_, err := h.Invoke(t.Context(), payload)
		require.NoError(t, err)
		if i == batches/5 {
			early = heap()
		}
	}
	late := heap()
	t.Logf("heap after %d batches of %d: %d KB, after %d: %d KB", batches/5, size, early/1024, batches, late/1024)
	require.Equal(t, batches*size, published)
	require.Less(t, late-early, 128*1024)
	runtime.KeepAlive(h)
}

// What the handler itself allocates for a batch, without a bus.
func BenchmarkInvoke(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("%d records", n), func(b *testing.B) {
			h, err := NewHandler(voidBus{}, Block, func(o *Options) { o.Memory = -1 })
			require.NoError(b, err)
			payload := events(1, n)
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.Invoke(b.Context(), payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
