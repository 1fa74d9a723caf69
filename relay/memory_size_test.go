package relay_test

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// renumber gives the n records of a payload of events new sequence numbers. It
// writes into the payload: a test that delivers many batches would be busy
// making them otherwise.
func renumber(payload []byte, n int) func(first int) {
	digits := make([][]byte, n)
	for i := range digits {
		at := bytes.Index(payload, fmt.Appendf(nil, `"SequenceNumber":"%021d"`, i+1)) + len(`"SequenceNumber":"`)
		digits[i] = payload[at : at+21]
	}
	return func(first int) {
		for i, d := range digits {
			copy(d, fmt.Appendf(nil, "%021d", first+i))
		}
	}
}

// heap is the memory in use.
func heap() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// The size that the documentation of Options.Memory states.
func TestMemorySize(t *testing.T) {
	const size = 1000
	payload := events(1, size)
	number := renumber(payload, size)
	before := heap()
	h := newHandler(t, voidBus{}, relay.Block)
	for i := range 20*relay.DefaultMemory/size - 1 {
		number(1 + i*size)
		invoke(t, h, payload)
	}
	grown := heap() - before
	t.Logf("%d bytes", grown)
	require.Less(t, grown, 2<<20+1<<20, "2 MB, and what one batch of 1000 takes")
	runtime.KeepAlive(h)
}

// The memory of a handler does not grow: after 10,000 batches it is what it was
// after 2,000, when Options.Memory was full.
func TestMemoryIsFlatOverManyBatches(t *testing.T) {
	const batches, size = 10_000, 20
	payload := events(1, size)
	number := renumber(payload, size)
	published := 0
	h := newHandler(t, voidBus{}, relay.Block, func(o *relay.Options) {
		o.Metrics = func(_ context.Context, m relay.Metrics) { published += m.Published }
	})
	var early int
	for i := range batches {
		number(1 + i*size)
		invoke(t, h, payload)
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

// Nor does it grow by the buses that a route invents.
func TestMemoryIsFlatOverManyBuses(t *testing.T) {
	const buses, length = 20_000, 1000 // 20 MB of names
	payload := events(1, 1)
	number := renumber(payload, 1)
	next := 0
	h := newHandler(t, voidBus{}, relay.Block, func(o *relay.Options) {
		o.Route = func(e *relay.Entry) error {
			next++
			e.Bus = fmt.Sprintf("%0*d", length, next)
			return nil
		}
	})
	before := heap()
	for i := range buses {
		number(1 + i)
		invoke(t, h, payload)
	}
	grown := heap() - before
	t.Logf("%d KB after %d names of %d bytes", grown/1024, buses, length)
	require.Less(t, grown, 10<<20)
	runtime.KeepAlive(h)
}
