package relay

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// slowBus accepts after a while, or answers with the context's error.
func slowBus(latency time.Duration) *scriptBus {
	return &scriptBus{answer: func(ctx context.Context, _ int, entries []Entry) ([]Result, error) {
		select {
		case <-time.After(latency):
			return accept(entries), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
}

func TestDeadline(t *testing.T) {
	for _, tt := range []struct {
		name      string
		timeout   time.Duration
		latency   time.Duration
		margin    time.Duration
		records   int
		calls     int
		published int
	}{
		{name: "all in time", timeout: 30 * time.Second, latency: 10 * time.Millisecond, records: 1000, calls: 100, published: 1000},
		{name: "1,000 records, slow bus, 3 s", timeout: 3 * time.Second, latency: 300 * time.Millisecond, records: 1000, calls: 7, published: 70},
		{name: "margin above the time left: one call all the same", timeout: 800 * time.Millisecond, latency: 100 * time.Millisecond, records: 30, calls: 1, published: 10},
		{name: "a margin of minutes", timeout: 3 * time.Second, latency: 100 * time.Millisecond, margin: 5 * time.Minute, records: 30, calls: 1, published: 10},
		{name: "a call that does not come back is cut off", timeout: 3 * time.Second, latency: time.Hour, records: 30, calls: 1},
		{name: "one call, cut off at half the time left", timeout: 100 * time.Millisecond, latency: time.Hour, records: 30, calls: 1},
		{name: "no time at all", timeout: 0, latency: time.Hour, records: 30, calls: 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				bus := slowBus(tt.latency)
				var m Metrics
				h := newTestHandler(t, bus, Block, partial, func(o *Options) {
					o.Margin = tt.margin
					o.Metrics = func(_ context.Context, got Metrics) { m = got }
				})
				begin := time.Now()
				out, err := h.Invoke(ctx, events(1, tt.records))
				require.NoError(t, err)
				if tt.timeout > 0 {
					require.Less(t, time.Since(begin), tt.timeout, "there is time left to answer")
					require.NoError(t, ctx.Err())
					require.Equal(t, tt.timeout-m.Duration, m.Remaining)
				}
				require.Len(t, bus.calls, tt.calls)
				require.Len(t, bus.accepted, tt.published)
				want := ""
				if tt.published < tt.records {
					want = fmt.Sprint(tt.published + 1)
				}
				require.Equal(t, want, failure(out), "the checkpoint is the first that is not published")
			})
		})
	}
}

// Retrying ends while there is time left to answer.
func TestRetryingEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		bus := &scriptBus{answer: refuse(Result{Class: Transient, Code: "InternalFailure"}, "event-1")}
		h := newTestHandler(t, bus, Block, partial, func(o *Options) { o.MaxAttempts = 20 })
		out, err := h.Invoke(ctx, events(1, 5))
		require.NoError(t, err)
		require.NoError(t, ctx.Err())
		require.Equal(t, "1", failure(out))
		require.Greater(t, len(bus.calls), 2)
		require.Less(t, len(bus.calls), 20)
	})
}

// Each call has a deadline of its own, within the invocation's.
func TestEachCallHasItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left []time.Duration
		bus := &scriptBus{answer: func(ctx context.Context, call int, entries []Entry) ([]Result, error) {
			deadline, ok := ctx.Deadline()
			require.True(t, ok)
			left = append(left, time.Until(deadline))
			if call == 0 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return accept(entries), nil
		}}
		h := newTestHandler(t, bus, Block, func(o *Options) { o.CallTimeout = 2 * time.Second })
		_, err := h.Invoke(t.Context(), events(1, 20))
		require.NoError(t, err)
		require.Equal(t, []time.Duration{2 * time.Second, 2 * time.Second, 2 * time.Second}, left, "also without a deadline of the invocation")
	})
}

func TestACancelledContextEndsInACorrectAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		bus := &scriptBus{}
		bus.answer = func(ctx context.Context, call int, entries []Entry) ([]Result, error) {
			if call == 1 {
				cancel()
				return nil, ctx.Err()
			}
			return accept(entries), nil
		}
		h := newTestHandler(t, bus, Block, partial)
		out, err := h.Invoke(ctx, events(1, 30))
		require.NoError(t, err)
		require.Equal(t, "11", failure(out))
		require.Len(t, bus.calls, 2)
	})
	t.Run("before anything was sent", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		bus := &scriptBus{}
		h := newTestHandler(t, bus, Block)
		_, err := h.Invoke(ctx, events(1, 30))
		require.Equal(t, 30, unpublishedIn(t, err).Unpublished)
		require.Empty(t, bus.calls)
	})
	t.Run("while waiting to try again", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			bus := &scriptBus{answer: refuse(Result{Class: Transient, Code: "InternalFailure"}, "event-1")}
			time.AfterFunc(0, cancel)
			h := newTestHandler(t, bus, Block, partial)
			out, err := h.Invoke(ctx, events(1, 30))
			require.NoError(t, err)
			require.Equal(t, "1", failure(out))
			require.LessOrEqual(t, len(bus.calls), 2)
		})
	})
}

// A sink that does not answer is cut off too, and the answer is in time.
func TestASlowSinkIsCutOff(t *testing.T) {
	hang := DeadLetterFunc(func(ctx context.Context, _ DeadRecord) error { <-ctx.Done(); return ctx.Err() })
	for _, timeout := range []time.Duration{100 * time.Millisecond, 3 * time.Second, 15 * time.Second} {
		t.Run(timeout.String()+", before the first call", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				bus := slowBus(10 * time.Millisecond)
				h := newTestHandler(t, bus, hang, partial)
				out, err := h.Invoke(ctx, batch(testRecord{sequence: 1}, testRecord{sequence: 2, payload: `{"??":1}`}, testRecord{sequence: 3}))
				require.NoError(t, err)
				require.NoError(t, ctx.Err())
				require.Equal(t, "2", failure(out))
				require.Equal(t, []string{"event-1"}, bus.accepted, "what is before it is published all the same")
			})
		})
		t.Run(timeout.String()+", after a call", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				bus := &scriptBus{answer: refuse(Result{Class: EventFault, Code: "MalformedDetail"}, "event-2")}
				h := newTestHandler(t, bus, hang, partial)
				out, err := h.Invoke(ctx, events(1, 30))
				require.NoError(t, err)
				require.NoError(t, ctx.Err())
				require.Equal(t, "2", failure(out))
			})
		})
		t.Run(timeout.String()+", many after a call", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				bus := &scriptBus{answer: refuse(Result{Class: EventFault, Code: "MalformedDetail"},
					"event-2", "event-3", "event-4", "event-5", "event-6", "event-7", "event-8", "event-9", "event-10")}
				h := newTestHandler(t, bus, hang, partial)
				out, err := h.Invoke(ctx, events(1, 30))
				require.NoError(t, err)
				require.Equal(t, "2", failure(out))
				deadline, _ := ctx.Deadline()
				require.GreaterOrEqual(t, time.Until(deadline), min(timeout, DefaultMargin)/4, "the last quarter of the margin is for the answer")
			})
		})
	}
}

func TestBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		ends := func(b budget, timeout time.Duration, at time.Time) time.Duration {
			ctx, cancel := b.within(t.Context(), timeout, at)
			defer cancel()
			end, ok := ctx.Deadline()
			require.True(t, ok)
			return end.Sub(now)
		}
		b := newBudget(ctx, 2*time.Second)
		require.True(t, b.mayStart(now.Add(7999*time.Millisecond)))
		require.False(t, b.mayStart(now.Add(8*time.Second)))
		require.Equal(t, 2500*time.Millisecond, ends(b, time.Minute, b.ask))
		require.Equal(t, 3750*time.Millisecond, ends(b, time.Minute, b.early))
		require.Equal(t, 9*time.Second, ends(b, time.Minute, b.call))
		require.Equal(t, 9500*time.Millisecond, ends(b, time.Minute, b.sink))
		require.Equal(t, time.Second, ends(b, time.Second, b.call))
		b = newBudget(ctx, time.Minute)
		require.Equal(t, 5*time.Second, ends(b, time.Minute, b.call), "half of what is left")
		require.Equal(t, 7500*time.Millisecond, ends(b, time.Minute, b.sink))
		b = newBudget(t.Context(), time.Second)
		require.True(t, b.mayStart(now.Add(time.Hour)), "no deadline, no limit")
		require.Equal(t, time.Minute, ends(b, time.Minute, b.call))
		require.Equal(t, time.Minute, ends(b, time.Minute, b.ask))
	})
}
