package relay

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// The right half of a split is a call like any other: none is started in the
// margin.
func TestASplitStartsNothingInTheMargin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		deadline, _ := ctx.Deadline()
		var left []time.Duration // at the start of each call
		bus := &scriptBus{answer: func(context.Context, int, []Entry) ([]Result, error) {
			left = append(left, time.Until(deadline))
			<-time.After(1100 * time.Millisecond)
			return nil, &CallError{Class: EventFault, Code: "ValidationException"}
		}}
		h := newTestHandler(t, bus, &graveyard{}, partial)
		out, err := h.Invoke(ctx, events(1, 10))
		require.NoError(t, err)
		require.Equal(t, "1", failure(out))
		require.Equal(t, []time.Duration{3 * time.Second, 1900 * time.Millisecond}, left, "the margin is the last second")
	})
}

// Nor behind the end of the context.
func TestASplitStartsNothingBehindTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	bus := &scriptBus{answer: func(_ context.Context, call int, _ []Entry) ([]Result, error) {
		if call == 1 { // the left half
			cancel()
		}
		return nil, &CallError{Class: EventFault, Code: "ValidationException"}
	}}
	h := newTestHandler(t, bus, &graveyard{}, partial)
	out, err := h.Invoke(ctx, events(1, 10))
	require.NoError(t, err)
	require.Equal(t, "1", failure(out))
	require.Len(t, bus.calls, 2)
}

// Waiting for another invocation's look at the bus leaves time for the batch.
func TestWaitingForALookAtTheBusLeavesTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &checkedBus{check: func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }}
		h := newTestHandler(t, bus, Block)
		looked := make(chan struct{})
		go func() {
			defer close(looked)
			_, err := h.Invoke(t.Context(), events(1, 3)) // looks for 10 s
			require.NoError(t, err)
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := h.Invoke(ctx, events(11, 3))
		expired := ctx.Err()
		<-looked
		require.NoError(t, expired, "there is time left to answer")
		require.NoError(t, err)
	})
}

// A call that is split sends its entries again, and says so.
func TestMetricsCountWhatASplitSends(t *testing.T) {
	sent := 0
	bus := &scriptBus{size: func(Entry) int { return 100 }, answer: func(_ context.Context, _ int, entries []Entry) ([]Result, error) {
		sent += len(entries)
		if len(entries) > 1 {
			return nil, &CallError{Class: EventFault, Code: "ValidationException"}
		}
		return accept(entries), nil
	}}
	var m Metrics
	h := newTestHandler(t, bus, Block, func(o *Options) { o.Metrics = func(_ context.Context, got Metrics) { m = got } })
	_, err := h.Invoke(t.Context(), events(1, 4))
	require.NoError(t, err)
	require.Equal(t, 12, sent)
	require.EqualValues(t, 1200, m.Bytes, "size of the entries sent")
	require.Equal(t, 8, m.Retried, "entries sent again")
}

// A call that there is never time to split is not made again as it was: each of
// its entries has one of its own, so the culprit is found in the end.
func TestACallThatThereIsNoTimeToSplit(t *testing.T) {
	for _, tt := range []struct {
		name             string
		timeout, latency time.Duration
	}{
		{"a slow bus", 3 * time.Second, 2100 * time.Millisecond},
		{"a function with less time than the margin", 900 * time.Millisecond, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				bus := &scriptBus{}
				bus.answer = func(ctx context.Context, call int, entries []Entry) ([]Result, error) {
					for _, e := range entries {
						if e.EventID == "event-2" {
							<-time.After(tt.latency)
							return nil, &CallError{Class: EventFault, Code: "ValidationException"}
						}
					}
					return slowBus(tt.latency).answer(ctx, call, entries)
				}
				sink := &graveyard{}
				h := newTestHandler(t, bus, sink, partial)
				payload, deliveries := events(1, 4), 0
				for failed := "1"; failed != ""; deliveries++ {
					require.Less(t, deliveries, 10)
					ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
					out, err := h.Invoke(ctx, payload)
					require.NoError(t, ctx.Err())
					cancel()
					require.NoError(t, err)
					failed = failure(out)
				}
				require.Equal(t, []string{"event-1", "event-3", "event-4"}, bus.accepted)
				require.Equal(t, []string{"event-2"}, sink.ids())
			})
		})
	}
}
