package relay_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// Random histories of some hundred events: three shards that are delivered as
// Lambda does it, by processes that come and go and work on several shards at
// once, bad deploys among them, to a bus and a sink with all kinds of faults.
// The ledger: whatever Lambda takes for done, the bus or the sink has. None is
// invented, and a duplicate has the eventId and the bytes of the first. Nothing
// is a dead letter without a reason. Of what came together, no event of an
// aggregate arrives before an earlier one. And when the faults are over,
// everything is done.
func TestHistories(t *testing.T) {
	seeds := []uint64{rand.Uint64()} // another one each time
	for seed := range uint64(60) {
		seeds = append(seeds, seed)
	}
	total := map[string]int{}
	for _, seed := range seeds {
		bubble(t, fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			h := newHistory(seed)
			h.play(t)
			for what, n := range h.count {
				total[what] += n
			}
		})
	}
	t.Log(total)
	for _, what := range []string{
		"a call cut off", "a call fails", "a call throttled", "a call denied", "a panic", "no result", "a bad deploy",
		"a call refused for one event", "an answer lost", "a result too few", "a result too many", "an entry refused", "an entry fails", "a duplicate",
		"a dead letter refused", "a sink's answer lost", "a cold start", "a bad process", "two invocations at once",
		"a dead letter: it cannot be read", "a dead letter: it is too large", "a dead letter: the route does not want it",
		"a dead letter: the bus refuses it",
	} {
		require.NotZero(t, total[what], "the histories never came to this: %s", what)
	}
}

const historyShards = 3

func newHistory(seed uint64) *history {
	rng := rand.New(rand.NewPCG(seed, 11))
	return &history{
		seed:    seed,
		ordered: rng.IntN(2) == 0,
		partial: rng.IntN(2) == 0,
		bisect:  rng.IntN(2) == 0,
		maxAge:  []time.Duration{0, 0, time.Minute, time.Hour}[rng.IntN(4)],
		memory:  []int{0, 0, -1, 10}[rng.IntN(4)],
		calls:   1 + rng.IntN(3),

		rng:      rng,
		fates:    map[string]*fate{},
		received: map[int][]*fate{},
		count:    map[string]int{},
	}
}

// play plays the history and holds it against the ledger.
func (h *history) play(t *testing.T) {
	about := fmt.Sprintf("seed %d, ordered %v, partial %v, bisect %v, MaxAge %v, Memory %d, Concurrency %d",
		h.seed, h.ordered, h.partial, h.bisect, h.maxAge, h.memory, h.calls)
	shards := make([]*historyShard, historyShards)
	for i := range shards {
		shards[i] = &historyShard{h: h, n: i, open: h.write(i, 60+h.rng.IntN(80), true)}
	}
	pool := make([]*process, 2)
	for i := range pool {
		pool[i] = h.start(t)
	}
	each := func(work func(*historyShard)) {
		var wg sync.WaitGroup
		for _, s := range shards {
			wg.Go(func() { work(s) })
		}
		wg.Wait()
	}
	each(func(s *historyShard) {
		for range 80 {
			if len(s.open) == 0 {
				return
			}
			s.deliver(t, h.pick(t, pool))
		}
	})

	// The faults are over. Other events come, so that a process sees that its
	// way of sending works.
	h.healthy = true
	for _, f := range h.fates {
		if f.bad == sickEntry {
			f.bad = good
		}
	}
	last := h.start(t)
	traffic := &historyShard{h: h, n: historyShards, open: h.write(historyShards, 20, false)}
	shards = append(shards, traffic)
	traffic.drain(t, last)
	each(func(s *historyShard) { s.drain(t, last) })

	for _, s := range shards {
		if len(s.open) > 0 {
			h.breaks("shard %d is held at %s (what is bad about it: %d)", s.n, s.open[0].id, s.open[0].bad)
		}
	}
	for _, f := range h.fates {
		if !f.done() {
			h.breaks("%s is lost", f.id)
		}
	}
	slices.Sort(h.wrong)
	require.Empty(t, h.wrong, about)
}

// write brings n events to a shard. Those of an aggregate were committed in
// their order, and the stream may bring neighbours in another.
func (h *history) write(shard, n int, mayBeBad bool) []*fate {
	order := map[string]int{}
	fates := make([]*fate, n)
	for i := range fates {
		f := &fate{id: fmt.Sprintf("s%d/%d", shard, i+1), shard: shard, created: time.Now()}
		f.aggregate = fmt.Sprintf("s%d/%c", shard, 'a'+h.rng.IntN(8))
		order[f.aggregate]++
		f.order = order[f.aggregate]
		if mayBeBad && h.rng.IntN(9) == 0 {
			f.bad = badness(h.rng.IntN(badnessCount))
		}
		if h.rng.IntN(4) == 0 {
			f.bus = "second"
		}
		if mayBeBad && h.rng.IntN(60) == 0 {
			f.created = time.Now().Add(-20*time.Hour + time.Duration(h.rng.IntN(10))*time.Minute)
		}
		fates[i] = f
	}
	for i := range fates[1:] {
		if h.rng.IntN(6) == 0 {
			fates[i], fates[i+1] = fates[i+1], fates[i]
		}
	}
	for i, f := range fates {
		f.place = i + 1
		r := testRecord{sequence: f.number(), id: f.id, aggregate: f.aggregate, name: "User.Created", age: time.Since(f.created)}
		r.payload = fmt.Sprintf(`{"N":"%d"}`, f.number())
		switch f.bad {
		case unreadable:
			r.payload = `{"??":1}`
		case huge:
			r.name = "Huge"
		case unwanted:
			r.name = "Unwanted"
		}
		if f.bus != "" {
			r.source = "second"
		}
		f.text = sequenced(r, int64(f.order)).String()
		h.fates[f.id] = f
	}
	return fates
}

// start starts a process.
func (h *history) start(t *testing.T) *process {
	p := &process{h: h, accepted: map[string]int{}, before: map[string]int{}, failedAt: map[string]int{}}
	p.bad, p.whole = h.chance(4), h.rng.IntN(2) == 0
	if p.bad {
		h.played("a bad process")
	}
	p.handler = newHandler(t, p, p, func(o *relay.Options) {
		if h.ordered {
			ordered(o)
		}
		o.PartialBatchResponse, o.MaxAge, o.Memory, o.Concurrency = h.partial, h.maxAge, h.memory, h.calls
		o.Route = p.route
		o.Metrics = p.metrics
	})
	return p
}

func (p *process) route(e *relay.Entry) error {
	if e.Source == "second" {
		e.Bus = "second"
	}
	if e.DetailType == "Unwanted" {
		return relay.ErrDeadLetter
	}
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	if p.h.chance(500) {
		panic("the route")
	}
	return nil
}

// metrics holds the counts of an invocation against each other.
func (p *process) metrics(_ context.Context, m relay.Metrics) {
	sum := m.Published + m.Suppressed + m.DeadLettered + m.Failed +
		m.SkippedModify + m.SkippedRemove + m.SkippedService + m.SkippedNotEvent + m.SkippedRegion
	if sum != m.Records {
		p.h.mu.Lock()
		p.h.breaks("each record is counted once: %+v", m)
		p.h.mu.Unlock()
	}
}

// pick gives an invocation its process, which may be a new one.
func (h *history) pick(t *testing.T, pool []*process) *process {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.rng.IntN(len(pool))
	if h.rng.IntN(10) == 0 || pool[i].bad && h.rng.IntN(4) == 0 {
		h.played("a cold start")
		pool[i] = h.start(t)
	}
	return pool[i]
}

// historyShard is a shard and its event source mapping.
type historyShard struct {
	h     *history
	n     int
	open  []*fate // in the order of the stream
	parts []int   // sizes of the batches that come again, at the front of open
}

// deliver makes one delivery and does with its answer what Lambda does.
func (s *historyShard) deliver(t *testing.T, p *process) {
	h := s.h
	h.mu.Lock()
	if len(s.parts) == 0 {
		s.parts = []int{min(len(s.open), 1+h.rng.IntN(50))}
	}
	n := s.parts[0]
	batch := s.open[:n]
	for other, received := range h.received {
		if other != s.n && received != nil {
			h.played("two invocations at once")
		}
	}
	h.received[s.n] = batch
	timeout := []time.Duration{3 * time.Second, 10 * time.Second, 30 * time.Second}[h.rng.IntN(3)]
	pause := time.Duration(h.rng.IntN(60)) * time.Second
	p.begin()
	h.mu.Unlock()

	texts := make([]string, n)
	for i, f := range batch {
		texts[i] = f.text
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	out, err := p.handler.Invoke(ctx, []byte(`{"Records":[`+strings.Join(texts, ",")+`]}`))
	late := ctx.Err()
	cancel()

	h.mu.Lock()
	defer h.mu.Unlock()
	p.end()
	h.received[s.n] = nil
	if late != nil {
		h.breaks("the answer came too late, after %v", timeout)
	}
	switch failed := failure(out); {
	case err != nil && h.bisect && n > 1:
		s.parts = slices.Replace(s.parts, 0, 1, n/2, n-n/2)
	case err != nil:
	case failed == "":
		s.pass(n)
		pause = 0
	default:
		at := slices.IndexFunc(batch, func(f *fate) bool { return fmt.Sprint(f.number()) == failed })
		if at < 0 {
			h.breaks("the answer names no record of the batch: %s", out)
			return
		}
		s.pass(at)
	}
	h.mu.Unlock()
	<-time.After(pause)
	h.mu.Lock()
}

// pass is the moment when Lambda forgets the first n records of the first part.
func (s *historyShard) pass(n int) {
	for _, f := range s.open[:n] {
		if !f.done() {
			s.h.breaks("%s is taken for done", f.id)
		}
	}
	s.open = s.open[n:]
	if s.parts[0] -= n; s.parts[0] == 0 {
		s.parts = s.parts[1:]
	}
}

// drain delivers what is open to one process, as long as that may take.
func (s *historyShard) drain(t *testing.T, p *process) {
	for range 200 {
		if len(s.open) == 0 {
			return
		}
		s.deliver(t, p)
	}
}
