package relay

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMetricsCountEachRecordOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &scriptBus{answer: func(_ context.Context, call int, entries []Entry) ([]Result, error) {
			out := accept(entries)
			for i, e := range entries {
				switch {
				case e.EventID == "event-2":
					out[i].Class = Deduplicated
				case e.EventID == "event-3":
					out[i] = Result{Class: EventFault, Code: "InvalidArgument"}
				case e.EventID == "event-4" && call == 0:
					out[i] = Result{Class: Transient, Code: "InternalFailure"}
				case e.EventID == "event-5":
					out[i] = Result{Class: ConfigFault, Code: "AccessDeniedException"}
				}
			}
			return out, nil
		}}
		var got []Metrics
		h := newTestHandler(t, bus, &graveyard{}, partial, func(o *Options) {
			o.Region = "eu-west-1"
			o.Metrics = func(_ context.Context, m Metrics) { got = append(got, m) }
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		payload := batch(
			testRecord{sequence: 1, age: 10 * time.Second},
			testRecord{sequence: 2, age: time.Hour},
			testRecord{sequence: 3, age: 2 * time.Second},
			testRecord{sequence: 90, region: "us-east-1", age: 48 * time.Hour},
			testRecord{sequence: 91, payload: `{"?":1}`, age: 5 * time.Second},
			testRecord{sequence: 4, age: 5 * time.Second},
			testRecord{sequence: 5, age: 5 * time.Second},
			testRecord{sequence: 6, age: 5 * time.Second},
		)
		out, err := h.Invoke(ctx, payload)
		require.NoError(t, err)
		require.Equal(t, "5", failure(out))
		require.Len(t, got, 1)
		m := got[0]
		require.Less(t, m.Duration, 100*time.Millisecond)
		require.Equal(t, time.Minute-m.Duration, m.Remaining)
		require.Positive(t, m.Bytes)
		m.Duration, m.Remaining, m.Bytes = 0, 0, 0
		require.Equal(t, Metrics{
			Records: 8, Published: 4, Deduplicated: 1, DeadLettered: 2, Failed: 1, SkippedRegion: 1,
			Retried: 1, Calls: 2, ConfigFaults: 1, Oldest: time.Hour, Newest: 2 * time.Second,
		}, m, "event-4 is sent again: it stands before the one that failed")
	})
}

// A clock that is behind the stream's makes no age negative.
func TestMetricsOfTheFuture(t *testing.T) {
	var got Metrics
	h := newTestHandler(t, &scriptBus{}, Block, func(o *Options) {
		o.Metrics = func(_ context.Context, m Metrics) { got = m }
	})
	_, err := h.Invoke(t.Context(), batch(testRecord{sequence: 1, age: -time.Hour}))
	require.NoError(t, err)
	require.Equal(t, 1, got.Published)
	require.Positive(t, got.Oldest)
	require.Less(t, got.Oldest, time.Second)
	require.Equal(t, got.Oldest, got.Newest)
}

// A process may run several invocations at once.
func TestConcurrentInvocations(t *testing.T) {
	bus := &scriptBus{}
	var mu sync.Mutex
	var total Metrics
	h := newTestHandler(t, bus, &graveyard{}, func(o *Options) {
		o.Concurrency = 2
		o.Route = func(e *Entry) error { e.Resources = []string{e.EventID}; return nil }
		o.Metrics = func(_ context.Context, m Metrics) {
			mu.Lock()
			defer mu.Unlock()
			total.Published += m.Published
			total.DeadLettered += m.DeadLettered
		}
	})
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 20 {
				first := 1000*g + 40*i + 1
				rs := make([]testRecord, 30)
				for k := range rs {
					rs[k].sequence = first + k
				}
				rs[7].payload = `{"?":1}`
				if _, err := h.Invoke(t.Context(), batch(rs...)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, 16*20*29, total.Published)
	require.Equal(t, 16*20, total.DeadLettered)
	seen := map[string]bool{}
	for _, id := range bus.accepted {
		require.False(t, seen[id])
		seen[id] = true
		require.Contains(t, bus.details[id], `"eventId":"`+id+`"`, "an entry has the bytes of its own event")
	}
	require.Len(t, seen, 16*20*29)
}
