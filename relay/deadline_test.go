package relay_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

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
		{name: "margin above the time left: still one call", timeout: 800 * time.Millisecond, latency: 100 * time.Millisecond, records: 30, calls: 1, published: 10},
		{name: "a margin of minutes", timeout: 3 * time.Second, latency: 100 * time.Millisecond, margin: 5 * time.Minute, records: 30, calls: 1, published: 10},
		{name: "a call that does not come back is cut off", timeout: 3 * time.Second, latency: time.Hour, records: 30, calls: 1},
		{name: "one call, cut off at half the time left", timeout: 100 * time.Millisecond, latency: time.Hour, records: 30, calls: 1},
		{name: "no time at all", timeout: 0, latency: time.Hour, records: 30, calls: 0},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
			defer cancel()
			bus := &scriptedBus{answer: slowly(tt.latency, acceptAll)}
			var m relay.Metrics
			h := newHandler(t, bus, relay.Block, partial, keep(&m), func(o *relay.Options) { o.Margin = tt.margin })
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
	}
}

// Retrying ends while there is time left to answer, whatever the jitter.
func TestRetryingEndsInTime(t *testing.T) {
	for range 30 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			bus := &scriptedBus{answer: refuse(unlucky, "event-1")}
			h := newHandler(t, bus, relay.Block, partial, func(o *relay.Options) { o.MaxAttempts = 20 })
			begin := time.Now()
			out, err := h.Invoke(ctx, events(1, 5))
			require.NoError(t, err)
			require.NoError(t, ctx.Err())
			require.Less(t, time.Since(begin), 2*time.Second, "there is no waiting for a time at which nothing may be started")
			require.Equal(t, "1", failure(out))
			require.Greater(t, len(bus.calls), 2)
			require.Less(t, len(bus.calls), 20)
		})
	}
}

// Each call has a deadline of its own, within the invocation's.
func TestEachCallHasItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var left []time.Duration
		bus := &scriptedBus{answer: func(ctx context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
			deadline, ok := ctx.Deadline()
			require.True(t, ok)
			left = append(left, time.Until(deadline))
			if call == 0 {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return accept(entries), nil
		}}
		h := newHandler(t, bus, relay.Block, func(o *relay.Options) { o.CallTimeout = 2 * time.Second })
		invoke(t, h, events(1, 20))
		require.Equal(t, []time.Duration{2 * time.Second, 2 * time.Second, 2 * time.Second}, left, "also without a deadline of the invocation")
	})
}

func TestACancelledContextEndsInACorrectAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		bus := &scriptedBus{}
		bus.answer = func(ctx context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
			if call == 1 {
				cancel()
				return nil, ctx.Err()
			}
			return accept(entries), nil
		}
		h := newHandler(t, bus, relay.Block, partial)
		out, err := h.Invoke(ctx, events(1, 30))
		require.NoError(t, err)
		require.Equal(t, "11", failure(out))
		require.Len(t, bus.calls, 2)
	})
	t.Run("before anything was sent", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		bus := &scriptedBus{}
		h := newHandler(t, bus, relay.Block)
		_, err := h.Invoke(ctx, events(1, 30))
		require.Equal(t, 30, unpublishedIn(t, err).Unpublished)
		require.Empty(t, bus.calls)
	})
	t.Run("while waiting to try again", func(t *testing.T) {
		for range 20 { // the wait has jitter
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				bus := &scriptedBus{answer: refuse(unlucky, "event-1")}
				time.AfterFunc(time.Millisecond, cancel)
				h := newHandler(t, bus, relay.Block, partial, func(o *relay.Options) { o.MaxAttempts = 20 })
				begin := time.Now()
				out, err := h.Invoke(ctx, events(1, 30))
				require.NoError(t, err)
				require.Equal(t, "1", failure(out))
				require.LessOrEqual(t, time.Since(begin), time.Millisecond, "the wait ends with the context")
			})
		}
	})
}

// A sink that does not answer is cut off too, and the answer is in time.
func TestASlowSinkIsCutOff(t *testing.T) {
	for _, timeout := range []time.Duration{100 * time.Millisecond, 3 * time.Second, 15 * time.Second} {
		for _, tt := range []struct {
			name    string
			payload string   // of event-2
			refused []string // by the bus
		}{
			{"before the first call", `{"??":1}`, nil},
			{"after a call", "", idsOf(2)},
			{"many after a call", "", idsOf(2, 3, 4, 5, 6, 7, 8, 9, 10)},
		} {
			bubble(t, fmt.Sprintf("%v, %s", timeout, tt.name), func(t *testing.T) {
				ctx := contextOf(t, timeout)
				bus := &scriptedBus{answer: slowly(10*time.Millisecond, refuse(malformed, tt.refused...))}
				rs := records(1, 10)
				rs[1].payload = tt.payload
				out, err := newHandler(t, bus, hanging(), partial).Invoke(ctx, batch(rs...))
				require.NoError(t, err)
				require.Equal(t, "2", failure(out))
				require.Len(t, bus.accepted, 10-max(1, len(tt.refused)), "calls do not wait for the sink")
				deadline, _ := ctx.Deadline()
				require.GreaterOrEqual(t, time.Until(deadline), min(timeout, relay.DefaultMargin)/4, "the last quarter of the margin is for the answer")
			})
		}
	}
}

// The last quarter of the margin is for the answer: calls and dead letters end
// before it, and each of them after Options.CallTimeout, also without a deadline of
// the invocation.
func TestTheTimeOfEachPart(t *testing.T) {
	for _, tt := range []struct {
		timeout, margin, callTimeout time.Duration
		want                         time.Duration // until the call and each Put end, from their beginning
	}{
		{10 * time.Second, time.Second, time.Minute, 9750 * time.Millisecond},
		{10 * time.Second, 2 * time.Second, time.Minute, 9500 * time.Millisecond},
		{10 * time.Second, time.Minute, time.Minute, 7500 * time.Millisecond},
		{15 * time.Minute, 0, 2 * time.Second, 2 * time.Second},
		{0, 0, 2 * time.Second, 2 * time.Second},
	} {
		bubble(t, fmt.Sprintf("%v, a margin of %v, %v for a call", tt.timeout, tt.margin, tt.callTimeout), func(t *testing.T) {
			var times []time.Duration // of a call, and of a Put before it and one after it
			var mu sync.Mutex         // guards it: the first Put does not hold up the call
			left := func(ctx context.Context) {
				mu.Lock()
				defer mu.Unlock()
				end, _ := ctx.Deadline()
				times = append(times, time.Until(end))
			}
			bus := &scriptedBus{answer: func(ctx context.Context, n int, entries []relay.Entry) ([]relay.Result, error) {
				left(ctx)
				return refuse(malformed, "event-2")(ctx, n, entries)
			}}
			sink := &recordingSink{before: func(ctx context.Context, _ relay.DeadLetter) error { left(ctx); return nil }}
			h := newHandler(t, bus, sink, func(o *relay.Options) { o.Margin, o.CallTimeout = tt.margin, tt.callTimeout })
			_, err := h.Invoke(contextOf(t, tt.timeout), batch(testRecord{sequence: 1, payload: `{"??":1}`}, testRecord{sequence: 2}, testRecord{sequence: 3}))
			require.NoError(t, err)
			require.Equal(t, []time.Duration{tt.want, tt.want, tt.want}, times)
		})
	}
}
