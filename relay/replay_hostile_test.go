package relay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// An id of its own that was used before is in the journal from then, and that says
// nothing of the event of today, whichever of the two comes first.
func TestReplayOfAnIDThatWasUsedBefore(t *testing.T) {
	now := time.Now()
	old, young := records(7, 1)[0], records(7, 1)[0]
	old.raw, young.raw = stamp(old.template(), now.Add(-20*time.Hour)), stamp(young.template(), now.Add(-3*time.Hour))
	for _, rs := range [][]testRecord{{old, young}, {young, old}} {
		for _, size := range []int{1, 2} {
			for accepted, want := range map[time.Time]int{now.Add(-20 * time.Hour): 1, now.Add(-2 * time.Hour): 0} {
				journal := &acceptedBefore{done: []relay.Done{{EventID: "event-7", At: accepted}}}
				bus := &scriptedBus{}
				report := replayed(t, pagesOf{question: "q", pages: inPages(size, rs)}, newHandler(t, bus, &recordingSink{}), journal.option)
				require.Len(t, bus.accepted, want)
				require.Equal(t, 2-want, report.Filtered)
			}
		}
	}
}

// Where a record holds another event than it should, the filters are asked about the
// one that it should hold: that one was not published.
func TestReplayFiltersARecordWithAnotherEvent(t *testing.T) {
	other := testRecord{id: "other", name: "Other.Event", sequence: 1}
	for name, option := range map[string]func(*relay.ReplayOptions){
		"missing from": (&acceptedBefore{done: []relay.Done{{EventID: "other", At: time.Now()}}}).option,
		"names":        func(o *relay.ReplayOptions) { o.Names = []string{"User.Created"} },
	} {
		h := newHandler(t, &scriptedBus{}, &recordingSink{})
		report := replayed(t, relay.Records("q", relay.Again{Record: []byte(other.String()), EventID: "mine"}), h, option)
		require.Equal(t, relay.ReplayReport{Read: 1, Failed: 1}, counts(report), name)
		require.Equal(t, relay.CodeUnresolved, report.Failures[0].Code)
		require.Equal(t, "mine", report.Failures[0].EventID)
		require.Nil(t, report.Cursor)
	}
}

// What a handler leaves out is behind the cursor, so it is another question to one
// that does not.
func TestReplayRefusesACursorOfAnotherHandler(t *testing.T) {
	src := pagesOf{question: "q", pages: inPages(1, stamped("eu-west-1", 1, 2))}
	elsewhere := newHandler(t, &scriptedBus{}, &recordingSink{}, func(o *relay.Options) { o.Region = "us-east-1" })
	report := replayed(t, src, elsewhere)
	require.Equal(t, 2, report.Skipped)
	marked := newHandler(t, &scriptedBus{}, &recordingSink{}, func(o *relay.Options) { o.Region, o.Layout.Marker = "us-east-1", "m" })
	named := newHandler(t, &scriptedBus{}, &recordingSink{}, func(o *relay.Options) { o.Region, o.Layout.Event = "us-east-1", "e" })
	for _, h := range []*relay.Handler{newHandler(t, &scriptedBus{}, &recordingSink{}), marked, named} {
		_, err := relay.Replay(t.Context(), src, h, toSameBus, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
		require.ErrorIs(t, err, relay.ErrCursor)
	}
	replayed(t, src, elsewhere, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
}

// cuts ends contexts at random, wherever a replay waits for something.
type cuts struct {
	cancel context.CancelFunc
	one    int // of so many waits

	mu  sync.Mutex // guards rng: the source has a goroutine of its own
	rng *rand.Rand
}

func (c *cuts) oneOf(n int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rng.IntN(n) == 0
}

func (c *cuts) wait() bool {
	if c.oneOf(c.one) {
		c.cancel()
		return true
	}
	return false
}

// cutSource is a source that says nothing of a context that has ended: it ends.
type cutSource struct {
	pagesOf
	cuts *cuts
}

func (s cutSource) Pages(ctx context.Context, cursor json.RawMessage) iter.Seq2[relay.Page, error] {
	return func(yield func(relay.Page, error) bool) {
		for page, err := range s.pagesOf.Pages(ctx, cursor) {
			if s.cuts.wait() || ctx.Err() != nil {
				return
			}
			if !yield(page, err) {
				return
			}
		}
	}
}

// cutJournal is a journal that just ends with its context.
type cutJournal struct {
	*acceptedBefore
	cuts *cuts
}

func (j cutJournal) Accepted(ctx context.Context, from, to time.Time) iter.Seq2[relay.Done, error] {
	return func(yield func(relay.Done, error) bool) {
		if j.cuts.wait() {
			return
		}
		for d, err := range j.acceptedBefore.Accepted(ctx, from, to) {
			if !yield(d, err) {
				return
			}
		}
	}
}

// However often and wherever a replay is stopped, it comes to an end from its last
// stored cursor, each event that is asked for is published, none that is not, and
// each aggregate's in order.
func TestReplayThatIsStoppedAnywhere(t *testing.T) {
	stop := errors.New("stop")
	play := func(t *testing.T, seed uint64) {
		rng := rand.New(rand.NewPCG(seed, 13))
		c := &cuts{rng: rng, one: 4 + rng.IntN(20)}
		var all []testRecord
		var pages [][]testRecord
		var want []string
		journal := &acceptedBefore{}
		next := map[string]int{}
		for len(all) < 40 {
			var page []testRecord
			for range rng.IntN(7) {
				r := testRecord{sequence: len(all) + 1, aggregate: fmt.Sprintf("a%d", rng.IntN(3)), name: []string{"A", "B"}[rng.IntN(2)]}
				next[r.aggregate]++
				all, page = append(all, r), append(page, r)
				switch {
				case r.name == "B":
				case rng.IntN(4) == 0:
					journal.done = append(journal.done, relay.Done{EventID: eventID(r.sequence), At: time.Now()})
				default:
					want = append(want, eventID(r.sequence))
				}
			}
			pages = append(pages, page)
		}
		bus := &scriptedBus{answer: func(ctx context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
			if c.wait() {
				return nil, ctx.Err()
			}
			out := accept(entries)
			for i := range out {
				if c.oneOf(10) {
					out[i] = unlucky
				}
			}
			return out, nil
		}}
		var got, cursor = []string(nil), []byte(nil)
		for runs := 0; ; runs++ {
			require.Less(t, runs, 1000)
			ctx, cancel := context.WithCancel(t.Context())
			c.cancel = cancel
			if runs > 200 {
				c.one = 1 << 30
			}
			bus.accepted = nil
			h := newHandler(t, bus, &recordingSink{}, func(o *relay.Options) { o.Layout = envelope.AggregateLayout(); o.Layout.Ordered = true })
			report, err := relay.Replay(ctx, cutSource{pagesOf{question: "q", pages: pages}, c}, h, toSameBus, func(o *relay.ReplayOptions) {
				o.Cursor, o.Names, o.MissingFrom, o.Rate = cursor, []string{"A"}, cutJournal{journal, c}, 50
				o.Progress = func(p relay.ReplayProgress) error {
					cursor = p.Cursor
					if c.wait() {
						return stop
					}
					return nil
				}
			})
			cancel()
			got = append(got, bus.accepted...)
			require.Equal(t, report.Done, err == nil)
			if report.Done && report.Failed+report.Held == 0 {
				break
			}
		}
		seen := map[string]int{} // by aggregate: the highest that was accepted
		for _, id := range got {
			require.Contains(t, want, id, "seed %d", seed)
			n := sequenceOf(id)
			a := all[n-1].aggregate
			for _, r := range all[:n] {
				if r.aggregate == a && r.sequence > seen[a] && r.sequence < n {
					require.NotContains(t, want, eventID(r.sequence), "seed %d: %s before it", seed, id)
				}
			}
			seen[a] = max(seen[a], n)
		}
		for _, id := range want {
			require.True(t, slices.Contains(got, id), "seed %d: %s is lost", seed, id)
		}
	}
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) { play(t, seed) })
	}
}
