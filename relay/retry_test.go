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

// Only the entries that failed are sent again, in order, and nothing new is
// started before they are done.
func TestTransientEntriesAreSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &scriptedBus{answer: func(_ context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
			out := accept(entries)
			if call == 0 {
				for _, i := range []int{0, 4, 9} {
					out[i] = unlucky
				}
			}
			if call == 1 {
				out[1] = relay.Result{} // a result of nothing
			}
			return out, nil
		}}
		var m relay.Metrics
		h := newHandler(t, bus, relay.Block, keep(&m))
		begin := time.Now()
		invoke(t, h, events(1, 12))
		require.Equal(t, [][]string{
			{"event-1", "event-2", "event-3", "event-4", "event-5", "event-6", "event-7", "event-8", "event-9", "event-10"},
			{"event-1", "event-5", "event-10"},
			{"event-5"},
			{"event-11", "event-12"},
		}, bus.calls)
		require.Less(t, time.Since(begin), 300*time.Millisecond, "full jitter, below 100 ms and 200 ms")
		require.Equal(t, 4, m.Retried)
		require.Equal(t, 12, m.Published)
		require.Equal(t, 4, m.Calls)
	})
}

func TestAttemptsAreBounded(t *testing.T) {
	for _, attempts := range []int{1, 2, 7, 20} {
		bubble(t, fmt.Sprint(attempts), func(t *testing.T) {
			bus := &scriptedBus{answer: refuse(unlucky, "event-2")}
			h := newHandler(t, bus, relay.Block, partial, func(o *relay.Options) { o.MaxAttempts = attempts })
			require.Equal(t, "2", invoke(t, h, events(1, 15)))
			require.Len(t, bus.calls, attempts)
			require.NotContains(t, bus.accepted, "event-11", "nothing new behind a record that failed")
		})
	}
}

// A call that fails as a whole has been retried by the SDK; it is repeated once,
// or not at all if the publisher says so.
func TestWholeCallsAreNotMultiplied(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error
		calls int
	}{
		{"any error", errors.New("broken"), 2},
		{"transient", &relay.CallError{Class: relay.Transient, Code: "x"}, 2},
		{"transient and retried", &relay.CallError{Class: relay.Transient, Code: "x", Retried: true}, 1},
		{"configuration", &relay.CallError{Class: relay.ConfigFault, Code: "x"}, 1},
		{"wrapped", fmt.Errorf("wrapped: %w", &relay.CallError{Class: relay.ConfigFault, Code: "x"}), 1},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			bus := &scriptedBus{answer: fail(tt.err)}
			sink := &recordingSink{}
			h := newHandler(t, bus, sink)
			_, err := h.Invoke(t.Context(), events(1, 30))
			u := unpublishedIn(t, err)
			require.Equal(t, 30, u.Unpublished)
			require.Equal(t, "event-1", u.EventID)
			require.Len(t, bus.calls, tt.calls)
			require.Empty(t, sink.dead)
		})
	}
}

// A bus that has accepted a call whose answer is lost is sent it again: an event
// may come twice, and is never lost.
func TestALostAnswerIsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &scriptedBus{answer: first(2, lose(acceptAll), acceptAll)}
		h := newHandler(t, bus, relay.Block)
		_, err := h.Invoke(t.Context(), events(1, 3))
		require.Equal(t, 3, unpublishedIn(t, err).Unpublished)
		invoke(t, h, events(1, 3))
		require.Len(t, bus.accepted, 9)
	})
}

// The longest that the first wait for a bus may be.
const (
	shortWait = 100 * time.Millisecond
	longWait  = 500 * time.Millisecond
)

// A bus that has too much traffic is given more time than one that stumbled.
func TestThrottlingWaitsLonger(t *testing.T) {
	for _, tt := range []struct {
		name  string
		code  string
		whole bool
		bound time.Duration // of the first wait
	}{
		{"a fault of the bus", "InternalFailure", false, shortWait},
		{"a fault that nobody knows", "Odd", false, shortWait},
		{"a call that fails", "HTTP500", true, shortWait},
		{"throttled", "ThrottlingException", false, longWait},
		{"throttled, by another name", "TooManyRequestsException", false, longWait},
		{"throttled, by a name of tomorrow", "SomethingThrottledToday", false, longWait},
		{"a call that is throttled", "ThrottlingException", true, longWait},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			var last time.Time // of the latest call, on the bubble's clock
			var longest time.Duration
			bus := &scriptedBus{answer: func(_ context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
				begin := last
				last = time.Now()
				switch {
				case call%2 == 1:
					longest = max(longest, last.Sub(begin))
					return accept(entries), nil
				case tt.whole:
					return nil, &relay.CallError{Class: relay.Transient, Code: tt.code}
				default:
					return all(entries, relay.Result{Class: relay.Transient, Code: tt.code}), nil
				}
			}}
			h := newHandler(t, bus, relay.Block)
			for i := range 100 {
				invoke(t, h, events(i+1, 1))
			}
			require.Less(t, longest, tt.bound)
			require.Greater(t, longest, tt.bound/2, "full jitter comes near its bound")
		})
	}
}

// A publisher that panics says nothing of the configuration, nor of the events:
// it is a call that failed. Everything comes again, and is published then.
func TestAPublisherThatPanicsLosesNothing(t *testing.T) {
	for _, answers := range []func(*relay.Options){nil, partial} {
		synctest.Test(t, func(t *testing.T) {
			panics := true
			bus := &scriptedBus{answer: func(_ context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
				if panics && call > 0 {
					panic("the publisher")
				}
				return accept(entries), nil
			}}
			sink, log := &recordingSink{}, &logRecorder{}
			var m relay.Metrics
			h := newHandler(t, bus, sink, answers, keep(&m), func(o *relay.Options) {
				o.Logger, o.MaxAge = log.logger(), time.Nanosecond
			})
			out, err := h.Invoke(t.Context(), events(1, 25))
			if answers == nil {
				u := unpublishedIn(t, err)
				require.Equal(t, "event-11", u.EventID)
				require.Equal(t, relay.Transient, u.Class)
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
			invoke(t, h, events(1, 25))
			require.Len(t, bus.accepted, 25)
			require.Empty(t, sink.dead)
		})
	}
}
