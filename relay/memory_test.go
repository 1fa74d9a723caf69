package relay

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestARedeliveredBatchIsNotSentAgain(t *testing.T) {
	bus := &scriptBus{}
	failing := true
	bus.answer = func(ctx context.Context, call int, entries []Entry) ([]Result, error) {
		if failing {
			return refuse(Result{Class: ConfigFault, Code: "no"}, "event-14")(ctx, call, entries)
		}
		return accept(entries), nil
	}
	sink := &graveyard{}
	var m Metrics
	h := newTestHandler(t, bus, sink, func(o *Options) { o.Metrics = func(_ context.Context, got Metrics) { m = got } }, func(o *Options) {
		o.Route = func(e *Entry) error {
			if e.DetailType == "Nowhere" {
				return ErrDeadLetter
			}
			return nil
		}
	})
	tooMuch := `{"M":{"x":{"S":"` + strings.Repeat("x", 1_000_000) + `"}}}`
	rs := []testRecord{{sequence: 100, payload: `{"??":1}`}, {sequence: 101, name: "Nowhere"}, {sequence: 102, payload: tooMuch}}
	for i := range 20 {
		rs = append(rs, testRecord{sequence: i + 1})
	}
	payload := batch(rs...)
	_, err := h.Invoke(t.Context(), payload)
	require.Equal(t, "event-14", unpublishedIn(t, err).EventID)
	require.Len(t, bus.accepted, 19)
	require.Len(t, sink.dead, 3, "one cannot be read, one is routed there, one is too large")
	failing = false
	_, err = h.Invoke(t.Context(), payload)
	require.NoError(t, err)
	require.Equal(t, []string{"event-14"}, bus.calls[len(bus.calls)-1], "only what was not accepted")
	require.Len(t, sink.dead, 3, "a dead letter is not put twice")
	require.Equal(t, 22, m.Suppressed)
	require.Equal(t, 1, m.Published)
	calls := len(bus.calls)
	_, err = h.Invoke(t.Context(), payload)
	require.NoError(t, err)
	require.Len(t, bus.calls, calls)
	require.Equal(t, 23, m.Suppressed)
}

func TestMemoryCanBeSwitchedOff(t *testing.T) {
	bus := &scriptBus{}
	h := newTestHandler(t, bus, Block, func(o *Options) { o.Memory = -1 })
	for range 2 {
		_, err := h.Invoke(t.Context(), events(1, 3))
		require.NoError(t, err)
	}
	require.Len(t, bus.accepted, 6)
}

// Whatever is not certainly the same record, or not certainly accepted, is sent.
func TestMemoryNeverSuppressesAnythingElse(t *testing.T) {
	first := testRecord{sequence: 1}
	for _, tt := range []struct {
		name string
		rec  testRecord
		bus  string
		sent bool
	}{
		{name: "the same record", rec: first},
		{name: "the same number, written otherwise", rec: testRecord{seq: "1", id: "event-1"}},
		{name: "another number", rec: testRecord{sequence: 2, id: "event-1"}, sent: true},
		{name: "another event under the same number", rec: testRecord{sequence: 1, id: "other"}, sent: true},
		{name: "another destination", rec: first, bus: "elsewhere", sent: true},
		{name: "another stream", rec: testRecord{raw: strings.Replace(first.String(), "2026-11-24T00", "2026-11-25T00", 1)}, sent: true},
		{name: "no stream", rec: testRecord{raw: strings.Replace(first.String(), testARN, "", 1)}, sent: true},
		{name: "no number", rec: testRecord{seq: "x", id: "event-1"}, sent: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			to := ""
			bus := &scriptBus{}
			h := newTestHandler(t, bus, Block, func(o *Options) { o.Route = func(e *Entry) error { e.Bus = to; return nil } })
			_, err := h.Invoke(t.Context(), batch(first))
			require.NoError(t, err)
			to = tt.bus
			for range 2 {
				_, err = h.Invoke(t.Context(), batch(tt.rec))
				require.NoError(t, err)
			}
			require.Equal(t, tt.sent, len(bus.accepted) > 1)
		})
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := newMemory(100)
	rec := func(i int) remembered {
		return remembered{stream: testARN, sequence: fmt.Sprint(i), destination: "bus", eventID: eventID(i)}
	}
	for i := range 1000 {
		m.add(rec(i))
		m.add(rec(i)) // twice takes no more room
		require.LessOrEqual(t, len(m.young)+len(m.old), 200)
		for k := max(i-99, 0); k <= i; k++ {
			if !m.has(rec(k)) {
				t.Fatalf("%d of %d: the latest 100 are not there", k, i)
			}
		}
	}
	require.False(t, m.has(rec(799)), "the oldest go first")
	for i := range 2 * maxNames {
		r := rec(i)
		r.destination = fmt.Sprint("bus ", i)
		m.add(r)
	}
	require.LessOrEqual(t, len(m.names), maxNames)
}

// The size that the documentation of Options.Memory states.
func TestMemorySize(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m := newMemory(DefaultMemory)
	for i := range 20*DefaultMemory - 1 {
		m.add(remembered{stream: testARN, sequence: fmt.Sprintf("%d00000000000%09d", 1, i), destination: "bus", eventID: eventID(i)})
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	size := int(after.HeapAlloc) - int(before.HeapAlloc)
	t.Logf("%d records: %d bytes", len(m.young)+len(m.old), size)
	require.Less(t, size, 2<<20)
	runtime.KeepAlive(m)
}

func TestMemoryIsSafeForConcurrentUse(t *testing.T) {
	m := newMemory(50)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 500 {
				r := remembered{stream: testARN, sequence: fmt.Sprint(i), destination: fmt.Sprint(g % 3), eventID: "e"}
				m.add(r)
				m.has(r)
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, len(m.young), 50)
	require.LessOrEqual(t, len(m.old), 50)
}
