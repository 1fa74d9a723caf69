package relay_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// sequenced gives the event of a record its place among those of its aggregate.
func sequenced(r testRecord, sequence int64) testRecord {
	return r.withHeader(fmt.Sprintf(`"sequence":{"N":"%d"}`, sequence))
}

// aggregates are records as the stream brings them: "a2 b1 a-" is the second
// event of a, the first of b, and one of a that has no sequence. Each has its
// word and its place in the text as its id, as a2/1.
func aggregates(text string) []testRecord {
	var rs []testRecord
	for i, word := range strings.Fields(text) {
		r := testRecord{sequence: i + 1, aggregate: word[:1], id: fmt.Sprintf("%s/%d", word, i+1)}
		if word[:1] == "_" {
			r.aggregate = ""
		}
		if word[1:] != "-" {
			var n int64
			_, _ = fmt.Sscan(word[1:], &n)
			r = sequenced(r, n)
		}
		rs = append(rs, r)
	}
	return rs
}

// The stream may bring two events of an aggregate in another order than they
// were committed in: they are two items. Within a batch the relay puts them
// right.
func TestEventsOfAnAggregateAreSentInOrder(t *testing.T) {
	for _, tt := range []struct{ stream, sent string }{
		{"a2 a3 a1", "a1/3 a2/1 a3/2"},
		{"a2 a1", "a1/2 a2/1"},
		{"a1 a2 a3", "a1/1 a2/2 a3/3"},
		{"a3 a2 a1", "a1/3 a2/2 a3/1"},
		{"a10 a9", "a9/2 a10/1"}, // as numbers
		{"a9007199254740993 a9007199254740992", "a9007199254740992/2 a9007199254740993/1"}, // and whole ones
		{"a9223372036854775807 a1", "a1/2 a9223372036854775807/1"},
		{"a7 a3", "a3/2 a7/1"},         // with a gap
		{"a2 a2 a1", "a1/3 a2/1 a2/2"}, // equal ones as the stream has them
		{"a2 a1 a2 a1", "a1/2 a1/4 a2/1 a2/3"},
		{"a- a- a-", "a-/1 a-/2 a-/3"}, // and those that have none
	} {
		t.Run(tt.stream, func(t *testing.T) {
			for _, n := range []int{1, 8} {
				bus := &scriptedBus{}
				h := newHandler(t, bus, relay.Block, ordered, func(o *relay.Options) { o.Concurrency = n })
				invoke(t, h, batch(aggregates(tt.stream)...))
				require.Equal(t, tt.sent, strings.Join(bus.accepted, " "))
			}
		})
	}
}

// Each aggregate has an order of its own, and what is of none keeps its place:
// nobody waits for a stranger.
func TestEachAggregateHasItsOwnOrder(t *testing.T) {
	bus := &scriptedBus{}
	h := newHandler(t, bus, relay.Block, ordered)
	invoke(t, h, batch(aggregates("a2 b5 _9 b4 c7 _1 a1")...))
	require.Len(t, bus.calls, 2, "two of an aggregate need two calls, and no more are needed")
	require.Len(t, bus.accepted, 7)
	at := func(id string) int { return slices.Index(bus.accepted, id) }
	require.Less(t, at("a1/7"), at("a2/1"))
	require.Less(t, at("b4/4"), at("b5/2"))
	for _, id := range []string{"_9/3", "_1/6", "c7/5"} {
		require.Contains(t, bus.calls[0], id)
	}
}

// Many batches in many orders, at several calls at once and with faults that
// pass: each aggregate's events come for the first time in the order of their
// sequence.
func TestOrderWithinABatch(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			rng := &lockedRand{rng: rand.New(rand.NewPCG(seed, 12))}
			last := map[string]int{}
			bus := &scriptedBus{answer: func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
				<-time.After(time.Duration(rng.n(20)) * time.Millisecond)
				out := accept(entries)
				for i, e := range entries {
					if rng.n(5) == 0 {
						out[i] = unlucky
						continue
					}
					var n, place int
					_, err := fmt.Sscanf(e.EventID[1:], "%d/%d", &n, &place)
					require.NoError(t, err)
					rng.mu.Lock()
					require.Greaterf(t, n, last[e.Group], "seed %d: %s comes after %d", seed, e.EventID, last[e.Group])
					last[e.Group] = n
					rng.mu.Unlock()
				}
				return out, nil
			}}
			h := newHandler(t, bus, relay.Block, ordered, func(o *relay.Options) { o.Concurrency, o.MaxAttempts = 1+int(seed%4), 20 })
			var words []string
			for a := range 5 {
				for n := range 1 + rng.n(12) {
					words = append(words, fmt.Sprintf("%c%d", 'a'+a, n+1))
				}
			}
			rng.rng.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
			invoke(t, h, batch(aggregates(strings.Join(words, " "))...))
			require.Len(t, bus.accepted, len(words))
		})
	}
}

// An event that fails holds those that follow it by their sequence, wherever the
// stream has them, and the batch begins again at the first that is not done.
func TestAFailureInAnOrderedBatch(t *testing.T) {
	for _, tt := range []struct{ stream, fails, accepted, failure string }{
		{"a2 a3 a1", "a1/3", "", "1"},
		{"a2 a3 a1", "a2/1", "a1/3", "1"},
		{"a2 a3 a1", "a3/2", "a1/3 a2/1", "2"},
		{"b1 a2 a1", "a2/2", "b1/1 a1/3", "2"},
	} {
		t.Run(tt.stream+", "+tt.fails+" fails", func(t *testing.T) {
			bus := &scriptedBus{answer: refuse(held, tt.fails)}
			h := newHandler(t, bus, relay.Block, ordered, partial)
			out, err := h.Invoke(t.Context(), batch(aggregates(tt.stream)...))
			require.NoError(t, err)
			require.Equal(t, tt.accepted, strings.Join(bus.accepted, " "))
			require.Equal(t, tt.failure, failure(out))
		})
	}
}

// Only a layout that promises an order has its events sorted: elsewhere the
// sequence is the consumer's business.
func TestWithoutOrderTheStreamsOrderStays(t *testing.T) {
	for name, layout := range map[string]envelope.Layout{
		"the zero layout":                 {},
		"keys by aggregate without order": {Keys: envelope.AggregateLayout().Keys, NumericSK: true},
	} {
		t.Run(name, func(t *testing.T) {
			bus := &scriptedBus{}
			h := newHandler(t, bus, relay.Block, func(o *relay.Options) { o.Layout = layout })
			invoke(t, h, batch(aggregates("a2 a3 b2 a1 b1")...))
			require.Equal(t, [][]string{{"a2/1", "a3/2", "b2/3", "a1/4", "b1/5"}}, bus.calls)
		})
	}
}

// What the stream brings late the relay cannot wait for: it publishes it and
// counts it.
func TestAnEventThatComesLateIsCounted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		batches []string
		opt     func(*relay.Options)
		answer  answer
		want    []int // of each batch
	}{
		{name: "one", batches: []string{"a2", "a1"}, want: []int{0, 1}},
		{name: "several", batches: []string{"a9", "a1 a2 a10", "a3"}, want: []int{0, 2, 1}},
		{name: "put right within the batch", batches: []string{"a2 a3 a1"}, want: []int{0}},
		{name: "in order", batches: []string{"a1", "a2", "a3"}, want: []int{0, 0, 0}},
		{name: "a gap", batches: []string{"a1", "a7"}, want: []int{0, 0}},
		{name: "the same again", batches: []string{"a2", "a2"}, want: []int{0, 0}},
		{name: "another aggregate", batches: []string{"a2", "b1"}, want: []int{0, 0}},
		{name: "no aggregate", batches: []string{"_2", "_1"}, want: []int{0, 0}},
		{name: "no sequence", batches: []string{"a2", "a-", "a1"}, want: []int{0, 0, 1}},
		{name: "the later one was not accepted", batches: []string{"a2", "a1"}, want: []int{0, 0}, answer: refuse(held, "a2/1")},
		{name: "without order", batches: []string{"a2", "a1"}, want: []int{0, 0}, opt: func(o *relay.Options) { o.Layout = envelope.Layout{} }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bus := &scriptedBus{answer: tt.answer}
			var m relay.Metrics
			var lines bytes.Buffer
			h := newHandler(t, bus, relay.Block, ordered, tt.opt, func(o *relay.Options) {
				emit := relay.EMF(&lines)
				o.Metrics = func(ctx context.Context, got relay.Metrics) { m = got; emit(ctx, got) }
			})
			place := 0
			for i, text := range tt.batches {
				rs := aggregates(text)
				for k := range rs { // each batch is new to the stream
					place++
					rs[k].raw = strings.Replace(rs[k].template(), fmt.Sprintf("%021d", k+1), fmt.Sprintf("%021d", place), 2)
				}
				_, err := h.Invoke(t.Context(), batch(rs...))
				require.Equal(t, tt.answer != nil && i == 0, err != nil)
				if err == nil {
					require.Equal(t, len(rs), m.Published, "it is published")
				}
				require.Equal(t, tt.want[i], m.OutOfOrder, "batch %d", i+1)
			}
			require.Contains(t, lines.String(), `"OutOfOrder":`)
		})
	}
}

type lockedRand struct {
	mu  sync.Mutex
	rng *rand.Rand
}

func (r *lockedRand) n(n int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rng.IntN(n)
}
