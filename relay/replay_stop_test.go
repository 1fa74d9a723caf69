package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

func TestReplayStops(t *testing.T) {
	t.Run("where the configuration is to blame", func(t *testing.T) {
		bus := &scriptedBus{answer: first(2, acceptAll, refuseAll(held))}
		report, err := relay.Replay(t.Context(), pagesOf{question: "q", pages: inPages(10, records(1, 90))}, newHandler(t, bus, &recordingSink{}), toSameBus)
		require.ErrorIs(t, err, relay.ErrReplayStopped)
		require.ErrorContains(t, err, "held")
		require.Equal(t, relay.ReplayReport{Read: 30, Published: 20, Failed: 10}, counts(report))
		require.False(t, report.Done)
		bus.answer, bus.accepted = nil, nil
		replayed(t, pagesOf{question: "q", pages: inPages(10, records(1, 90))}, newHandler(t, bus, &recordingSink{}),
			func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
		require.Len(t, bus.accepted, 70)
	})
	t.Run("where the bus is down", func(t *testing.T) {
		bus := &scriptedBus{answer: fail(&relay.CallError{Code: "HTTP500", Retried: true})}
		report, err := relay.Replay(t.Context(), pagesOf{question: "q", pages: inPages(10, records(1, 500))}, newHandler(t, bus, &recordingSink{}), toSameBus)
		require.ErrorIs(t, err, relay.ErrReplayStopped)
		require.Equal(t, 100, report.Failed)
	})
	t.Run("but not for events that the bus refuses", func(t *testing.T) {
		bus := &scriptedBus{answer: refuseAll(malformed)}
		report := replayed(t, pagesOf{question: "q", pages: inPages(10, records(1, 300))}, newHandler(t, bus, &recordingSink{}))
		require.Equal(t, 300, report.Failed)
		require.Len(t, report.Failures, 100)
	})
	t.Run("but where it refuses a thousand in a row", func(t *testing.T) {
		bus := &scriptedBus{answer: first(1, acceptAll, refuseAll(malformed))}
		report, err := relay.Replay(t.Context(), pagesOf{question: "q", pages: inPages(100, records(1, 3000))}, newHandler(t, bus, &recordingSink{}), toSameBus)
		require.ErrorIs(t, err, relay.ErrReplayStopped)
		require.ErrorContains(t, err, "MalformedDetail")
		require.Equal(t, relay.ReplayReport{Read: 1100, Published: 10, Failed: 1090}, counts(report))
	})
	t.Run("where Progress says so", func(t *testing.T) {
		enough := errors.New("enough")
		bus := &scriptedBus{}
		report, err := relay.Replay(t.Context(), pagesOf{question: "q", pages: inPages(10, records(1, 50))}, newHandler(t, bus, &recordingSink{}), toSameBus,
			func(o *relay.ReplayOptions) { o.Progress = func(relay.ReplayProgress) error { return enough } })
		require.ErrorIs(t, err, enough)
		require.Equal(t, 10, report.Published)
		require.NotEmpty(t, report.Cursor)
	})
	t.Run("where the source fails", func(t *testing.T) {
		broken := errors.New("broken")
		report, err := relay.Replay(t.Context(), pagesOf{question: "q", pages: inPages(10, records(1, 20)), err: broken}, newHandler(t, &scriptedBus{}, &recordingSink{}), toSameBus)
		require.ErrorIs(t, err, broken)
		require.Equal(t, 20, report.Published)
	})
	t.Run("where the source panics, exits or gives no cursor", func(t *testing.T) {
		for _, change := range []func(int, *relay.Page){
			func(int, *relay.Page) { panic("source") },
			func(n int, _ *relay.Page) {
				if n == 1 {
					runtime.Goexit() // which is no end of the source
				}
			},
			func(_ int, p *relay.Page) { p.Cursor = nil },
			func(_ int, p *relay.Page) { p.Cursor = json.RawMessage("{") },
		} {
			src := pagesOf{question: "q", pages: inPages(10, records(1, 20)), change: change}
			report, err := relay.Replay(t.Context(), src, newHandler(t, &scriptedBus{}, &recordingSink{}), toSameBus)
			require.Error(t, err)
			require.False(t, report.Done)
		}
	})
}

// A replay whose time is over ends at once, and goes on later.
func TestReplayEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &scriptedBus{answer: slowly(time.Second, acceptAll)}
		h := newHandler(t, bus, &recordingSink{})
		src := pagesOf{question: "q", pages: inPages(10, records(1, 100))}
		ctx, cancel := context.WithTimeout(t.Context(), 5500*time.Millisecond)
		defer cancel()
		report, err := relay.Replay(ctx, src, h, toSameBus)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, 50, report.Published)
		rest := replayed(t, src, h, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
		require.Equal(t, 50, rest.Published)
	})
}

// Of a page that is cut short, what was accepted counts, and the cursor stays
// before it.
func TestReplayThatIsCutShortInAPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &scriptedBus{answer: slowly(time.Second, acceptAll)}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5500*time.Millisecond, cancel)
		src := pagesOf{question: "q", pages: inPages(30, records(1, 90))}
		report, err := relay.Replay(ctx, src, newHandler(t, bus, &recordingSink{}), toSameBus)
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, relay.ReplayReport{Read: 50, Published: 50}, counts(report))
		rest := replayed(t, src, newHandler(t, bus, &recordingSink{}), func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
		require.Equal(t, 60, rest.Published)
	})
}

// A rate is kept however small it is, and none however large holds anything up.
func TestReplayKeepsItsRate(t *testing.T) {
	for _, c := range []struct {
		rate         float64
		events, page int
		calls        int
		want         time.Duration // for all but the last part
	}{
		{0, 100, 10, 10, 0},
		{20, 100, 100, 10, 4 * time.Second}, // in parts of 20: the last is at 4 s
		{0.5, 4, 10, 4, 6 * time.Second},
		{0.001, 2, 100, 2, 1000 * time.Second},
		{1000, 100, 10, 10, 90 * time.Millisecond}, // by pages of 10
		{1e9, 100, 100, 10, 0},
		{1e19, 100, 100, 10, 0},
		{1e300, 100, 100, 10, 0},
		{1e-12, 2, 100, 1, 10 * time.Hour}, // where its context ends
		{1e-300, 2, 100, 1, 10 * time.Hour},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx := contextOf(t, 10*time.Hour)
			begin, bus := time.Now(), &scriptedBus{}
			src := pagesOf{question: "q", pages: inPages(c.page, records(1, c.events))}
			_, err := relay.Replay(ctx, src, newHandler(t, bus, &recordingSink{}), toSameBus, func(o *relay.ReplayOptions) { o.Rate = c.rate })
			if c.want < 10*time.Hour {
				require.NoError(t, err)
				require.Len(t, bus.accepted, c.events)
			} else {
				require.ErrorIs(t, err, context.DeadlineExceeded)
			}
			require.Len(t, bus.calls, c.calls, "rate %v", c.rate)
			require.InDelta(t, c.want, time.Since(begin), float64(time.Millisecond), "rate %v", c.rate)
		})
	}
}

// What is filtered costs no time.
func TestReplayRateCountsWhatIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		replayed(t, pagesOf{question: "q", pages: inPages(10, records(1, 100))}, newHandler(t, &scriptedBus{}, &recordingSink{}),
			func(o *relay.ReplayOptions) { o.Rate, o.Names = 1, []string{"none"} })
		require.Zero(t, time.Since(begin))
	})
}
