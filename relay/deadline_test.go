package relay_test

import (
	"context"
	"errors"
	"fmt"
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

// Each Put has a deadline of its own, also without one of the invocation.
func TestEachPutHasItsDeadline(t *testing.T) {
	for _, tt := range []struct {
		name    string
		record  testRecord
		timeout time.Duration // of the invocation, 0 for none
	}{
		{"before the first call", testRecord{sequence: 2, payload: `{"??":1}`}, 0},
		{"after a call", testRecord{sequence: 2}, 0},
		{"before the first call, with a deadline", testRecord{sequence: 2, payload: `{"??":1}`}, 15 * time.Minute},
		{"after a call, with a deadline", testRecord{sequence: 2}, 15 * time.Minute},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			ctx := contextOf(t, tt.timeout)
			var left time.Duration
			sink := relay.DeadLetterFunc(func(ctx context.Context, _ relay.DeadLetter) error {
				deadline, ok := ctx.Deadline()
				if !ok {
					return errors.New("no deadline")
				}
				left = time.Until(deadline)
				<-ctx.Done()
				return ctx.Err()
			})
			bus := &scriptedBus{answer: refuse(malformed, "event-2")}
			h := newHandler(t, bus, sink, partial, func(o *relay.Options) { o.CallTimeout = 2 * time.Second })
			out, err := h.Invoke(ctx, batch(testRecord{sequence: 1}, tt.record))
			require.NoError(t, err)
			require.Equal(t, "2", failure(out))
			require.Equal(t, []string{"event-1"}, bus.accepted)
			require.Positive(t, left)
			require.LessOrEqual(t, left, 2*time.Second, "Options.CallTimeout")
		})
	}
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

// Calls and dead letters end within the margin, so that there is time for the
// answer.
func TestTheTimeOfEachPart(t *testing.T) {
	const timeout = 10 * time.Second
	for _, margin := range []time.Duration{time.Second, 2 * time.Second, time.Minute} {
		bubble(t, fmt.Sprintf("a margin of %v", margin), func(t *testing.T) {
			begin := time.Now()
			var call time.Duration
			var puts []time.Duration // before and after the call
			bus := &scriptedBus{answer: func(ctx context.Context, n int, entries []relay.Entry) ([]relay.Result, error) {
				end, _ := ctx.Deadline()
				call = end.Sub(begin)
				return refuse(malformed, "event-2")(ctx, n, entries)
			}}
			sink := &recordingSink{before: func(ctx context.Context, _ relay.DeadLetter) error {
				end, _ := ctx.Deadline()
				puts = append(puts, end.Sub(begin))
				return nil
			}}
			h := newHandler(t, bus, sink, func(o *relay.Options) { o.Margin, o.CallTimeout = margin, time.Minute })
			_, err := h.Invoke(contextOf(t, timeout), batch(testRecord{sequence: 1, payload: `{"??":1}`}, testRecord{sequence: 2}, testRecord{sequence: 3}))
			require.NoError(t, err)
			require.Len(t, puts, 2)
			require.GreaterOrEqual(t, call, timeout-margin)
			require.Equal(t, puts, []time.Duration{call, call})
			require.LessOrEqual(t, call, timeout-min(margin, timeout)/4, "there is time for the answer")
		})
	}
}
