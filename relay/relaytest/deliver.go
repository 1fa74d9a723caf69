package relaytest

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/sequence"
)

// Delivery is what happened to the records of [Deliver].
type Delivery struct {
	// Invocations are the calls of the function in the order in which they began.
	Invocations []Invocation

	// GivenUp are the batches that the function will not see again though it has
	// failed to handle them.
	GivenUp []GivenUp
}

// Invocation is one call of the function.
type Invocation struct {
	Shard, Process int // from 0, from 1
	Records        []json.RawMessage
	Answer         []byte
	Err            error // of the handler, or why there is no answer: a timeout, a panic, a crash
	Done           int   // how many records, from the first, Lambda takes for handled
	Begin, End     time.Time
}

// Deliver delivers stream records to a function as Lambda's event source mapping
// does, until each of them is handled or given up, and returns what happened. The
// records of a shard must come in the order of their sequence numbers.
//
// After a failure it waits before it tries again, from 100 ms up to a minute:
// AWS says nothing about that time. In a bubble of testing/synctest that takes
// none; elsewhere, limit what may never succeed by MaximumRetryAttempts.
//
// It reports an error to t and delivers nothing more if the mapping or the records
// cannot be used, or the context of t ends.
func Deliver(t T, h Handler, records []json.RawMessage, m Mapping) Delivery {
	t.Helper()
	m, err := m.withDefaults()
	if h == nil {
		err = errors.Join(err, errors.New("relaytest: the handler is nil"))
	}
	var lanes []*lane
	if err == nil {
		lanes, err = lanesOf(records, m)
	}
	if err != nil {
		t.Errorf("%v", err)
		return Delivery{}
	}
	d := &delivery{ctx: t.Context(), first: h, mapping: m}
	var all sync.WaitGroup
	for _, l := range lanes {
		l.delivery = d
		all.Go(l.run)
	}
	all.Wait()
	if err := d.ctx.Err(); err != nil {
		t.Errorf("relaytest: not everything was delivered: the test has ended: %v", err)
	}
	slices.SortStableFunc(d.out.Invocations, func(a, b Invocation) int { return a.Begin.Compare(b.Begin) })
	return d.out
}

// delivery is a Deliver that is under way.
type delivery struct {
	ctx     context.Context
	first   Handler
	mapping Mapping

	mu                     sync.Mutex // guards what follows
	out                    Delivery
	processes, invocations int // begun
}

// start starts a process.
func (d *delivery) start() *process {
	d.mu.Lock()
	d.processes++
	p := &process{number: d.processes, handler: d.first}
	d.mu.Unlock()
	if p.number > 1 && d.mapping.ColdStart != nil {
		p.handler = d.mapping.ColdStart()
	}
	return p
}

// lanesOf spreads the records over lanes. None of them is empty.
func lanesOf(records []json.RawMessage, m Mapping) (lanes []*lane, err error) {
	at := map[[2]int]*lane{} // by shard, and place in it
	for i, raw := range records {
		v, bad := viewOf(raw)
		if bad != nil {
			err = errors.Join(err, fmt.Errorf("relaytest: record %d: %w", i, bad))
			continue
		}
		item := string(marshal(v.keys))
		shard := spread(cmp.Or(string(v.keys[m.PartitionKey]), item), m.Shards)
		place := [2]int{shard, spread("item"+item, m.ParallelizationFactor)}
		l := at[place]
		if l == nil {
			l = &lane{shard: shard}
			at[place], lanes = l, append(lanes, l)
		} else if sequence.Less(v.sequence, l.records[len(l.records)-1].sequence) {
			err = errors.Join(err, fmt.Errorf("relaytest: record %d: its sequence number %s is lower than one before it; see Shuffle", i, v.sequence))
		}
		l.records = append(l.records, v)
	}
	return lanes, err
}

// spread gives each text one of n places, always the same.
func spread(text string, n int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(text))
	return int(h.Sum32() % uint32(n))
}
