package relay_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// A call that is refused as a whole is split until the culprit stands alone:
// everything else is published, in order, and the culprit is a dead letter. The
// metrics count what the bus was sent.
func TestACallThatIsRefusedIsSplit(t *testing.T) {
	for n := 2; n <= 10; n++ {
		for culprit := 1; culprit <= n; culprit++ {
			t.Run(fmt.Sprintf("%d of %d", culprit, n), func(t *testing.T) {
				bus := &scriptedBus{size: func(relay.Entry) int { return 100 }, answer: failWith(refused, eventID(culprit))}
				sink := &recordingSink{}
				var m relay.Metrics
				h := newHandler(t, bus, sink, keep(&m))
				invoke(t, h, events(1, n))
				requireDead(t, sink, "ValidationException", eventID(culprit))
				require.Equal(t, goodOnes(n, culprit), bus.accepted)
				require.LessOrEqual(t, len(bus.calls), 10)

				sent, failed := 0, 0
				for _, ids := range bus.calls {
					sent += len(ids)
					if slices.Contains(ids, eventID(culprit)) {
						failed++
					}
				}
				m.Duration, m.Oldest, m.Newest = 0, 0, 0
				require.Equal(t, relay.Metrics{
					Records: n, Published: n - 1, DeadLettered: 1,
					Calls: len(bus.calls), FailedCalls: failed, Retried: sent - n, Bytes: int64(100 * sent),
				}, m)
			})
		}
	}
}

// A call that is too large for the bus, though none of its entries is, loses
// nothing and blames nobody.
func TestASplitWithoutACulprit(t *testing.T) {
	for _, most := range []int{1, 2, 3, 7} {
		t.Run(fmt.Sprintf("at most %d", most), func(t *testing.T) {
			bus := &scriptedBus{size: func(relay.Entry) int { return 100 }}
			bus.answer = func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
				if len(entries) > most {
					return nil, refused
				}
				return accept(entries), nil
			}
			var m relay.Metrics
			h := newHandler(t, bus, relay.Block, keep(&m))
			invoke(t, h, events(1, 8))
			require.Len(t, bus.accepted, 8)
			sent := 0
			for _, ids := range bus.calls {
				sent += len(ids)
			}
			require.EqualValues(t, 100*sent, m.Bytes, "size of the entries sent")
			require.Equal(t, sent-8, m.Retried, "entries sent again")
		})
	}
}

// What is behind an entry that the configuration holds is not sent, also where a
// call is split.
func TestASplitEndsAtTheConfiguration(t *testing.T) {
	bus := &scriptedBus{}
	bus.answer = func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
		switch {
		case len(entries) == 10:
			return nil, refused
		case entries[0].EventID == "event-1":
			return nil, &relay.CallError{Class: relay.ConfigFault, Code: "AccessDeniedException"}
		}
		return accept(entries), nil
	}
	h := newHandler(t, bus, relay.Block, partial)
	require.Equal(t, "1", invoke(t, h, events(1, 10)))
	require.Empty(t, bus.accepted)
	require.Len(t, bus.calls, 2)
}

// A call that is refused as a whole is not split any more when the time is over.
func TestASplitEndsWithTheTime(t *testing.T) {
	for _, tt := range []struct {
		name  string
		after time.Duration // the call takes that long
		ends  bool          // and then the context ends
		split bool
	}{
		{"there is time", 100 * time.Millisecond, false, true},
		{"in the margin", 2200 * time.Millisecond, false, false},
		{"the context ends", 100 * time.Millisecond, true, false},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			bus := &scriptedBus{answer: func(_ context.Context, call int, _ []relay.Entry) ([]relay.Result, error) {
				if call == 0 {
					<-time.After(tt.after)
					if tt.ends {
						cancel()
					}
				}
				return nil, refused
			}}
			sink := &recordingSink{}
			h := newHandler(t, bus, sink, partial)
			out, err := h.Invoke(ctx, events(1, 10))
			require.NoError(t, err)
			require.Equal(t, "1", failure(out))
			require.Equal(t, tt.split, len(bus.calls) > 1)
			require.LessOrEqual(t, len(bus.calls), 19, "as many as it takes to have each of ten alone")
			require.Empty(t, sink.dead, "nothing has shown whose fault it is")
		})
	}
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
		bubble(t, tt.name, func(t *testing.T) {
			bus := &scriptedBus{answer: slowly(tt.latency, failWith(refused, "event-2"))}
			sink := &recordingSink{}
			h := newHandler(t, bus, sink, partial)
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
			requireDead(t, sink, "ValidationException", "event-2")
		})
	}
}
