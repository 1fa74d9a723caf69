package relay

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A bus that has too much traffic is given more time than one that stumbled.
func TestThrottlingWaitsLonger(t *testing.T) {
	for _, tt := range []struct {
		name  string
		code  string
		whole bool
		bound time.Duration // of the first wait
	}{
		{"a fault of the bus", "InternalFailure", false, backoffBase},
		{"a fault that nobody knows", "Odd", false, backoffBase},
		{"a call that fails", "HTTP500", true, backoffBase},
		{"throttled", "ThrottlingException", false, throttleBase},
		{"throttled, by another name", "TooManyRequestsException", false, throttleBase},
		{"throttled, by a name of tomorrow", "SomethingThrottledToday", false, throttleBase},
		{"a call that is throttled", "ThrottlingException", true, throttleBase},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var last time.Time // of the latest call, on the bubble's clock
				var longest time.Duration
				bus := &scriptBus{answer: func(_ context.Context, call int, entries []Entry) ([]Result, error) {
					begin := last
					last = time.Now()
					switch {
					case call%2 == 1:
						longest = max(longest, last.Sub(begin))
						return accept(entries), nil
					case tt.whole:
						return nil, &CallError{Class: Transient, Code: tt.code}
					default:
						return fill(len(entries), Result{Class: Transient, Code: tt.code}), nil
					}
				}}
				h := newTestHandler(t, bus, Block)
				for i := range 100 {
					_, err := h.Invoke(t.Context(), events(i+1, 1))
					require.NoError(t, err)
				}
				require.Less(t, longest, tt.bound)
				require.Greater(t, longest, tt.bound/2, "full jitter comes near its bound")
			})
		})
	}
}

// A publisher that panics says nothing of the configuration, nor of the events:
// it is a call that failed. Everything comes again, and is published then.
func TestAPublisherThatPanicsLosesNothing(t *testing.T) {
	for _, answers := range []func(*Options){nil, partial} {
		synctest.Test(t, func(t *testing.T) {
			panics := true
			bus := &scriptBus{answer: func(_ context.Context, call int, entries []Entry) ([]Result, error) {
				if panics && call > 0 {
					panic("the publisher")
				}
				return accept(entries), nil
			}}
			sink, log := &graveyard{}, &logRecorder{}
			var m Metrics
			h := newTestHandler(t, bus, sink, answers, func(o *Options) {
				o.Logger, o.MaxAge = log.logger(), time.Nanosecond
				o.Metrics = func(_ context.Context, got Metrics) { m = got }
			})
			out, err := h.Invoke(t.Context(), events(1, 25))
			if answers == nil {
				u := unpublishedIn(t, err)
				require.Equal(t, "event-11", u.EventID)
				require.Equal(t, Transient, u.Class)
				require.Equal(t, "Panic", u.Code)
			} else {
				require.NoError(t, err)
				require.Equal(t, "11", failure(out))
			}
			require.Len(t, bus.calls, 3, "the call that failed is repeated once")
			require.Equal(t, 10, m.Published)
			require.Equal(t, 15, m.Failed)
			require.Equal(t, 2, m.FailedCalls)
			require.Zero(t, m.ConfigFaults)
			require.Contains(t, log.String(), "Transient Panic × 10")

			panics = false
			_, err = h.Invoke(t.Context(), events(1, 25))
			require.NoError(t, err)
			require.Len(t, bus.accepted, 25)
			require.Empty(t, sink.dead)
		})
	}
}
