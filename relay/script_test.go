package relay

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// scriptBus is a Publisher whose answers are a function of the test. Without
// one it accepts everything. It keeps what it was sent and what it accepted.
type scriptBus struct {
	limits Limits
	answer func(ctx context.Context, call int, entries []Entry) ([]Result, error)
	size   func(Entry) int

	mu       sync.Mutex
	calls    [][]string // event ids
	accepted []string
	details  map[string]string
}

func (b *scriptBus) Limits() Limits {
	if b.limits == (Limits{}) {
		return Limits{Entries: 10, Bytes: 1_000_000}
	}
	return b.limits
}

func (b *scriptBus) Size(e Entry) int {
	if b.size != nil {
		return b.size(e)
	}
	return len(e.Detail)
}

func (b *scriptBus) Publish(ctx context.Context, entries []Entry) ([]Result, error) {
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.EventID
	}
	b.mu.Lock()
	call := len(b.calls)
	b.calls = append(b.calls, ids)
	b.mu.Unlock()
	results, err := accept(entries), error(nil)
	if b.answer != nil {
		results, err = b.answer(ctx, call, entries)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil || len(results) != len(entries) {
		return results, err
	}
	for i, r := range results {
		if r.Class.done() {
			b.accepted = append(b.accepted, entries[i].EventID)
			if b.details == nil {
				b.details = make(map[string]string)
			}
			b.details[entries[i].EventID] = string(entries[i].Detail)
		}
	}
	return results, nil
}

func accept(entries []Entry) []Result {
	out := make([]Result, len(entries))
	for i, e := range entries {
		out[i] = Result{Class: Accepted, ID: "bus-" + e.EventID}
	}
	return out
}

// refuse is an answer that accepts all but the named events.
func refuse(r Result, ids ...string) func(context.Context, int, []Entry) ([]Result, error) {
	return func(_ context.Context, _ int, entries []Entry) ([]Result, error) {
		out := accept(entries)
		for i, e := range entries {
			if slices.Contains(ids, e.EventID) {
				out[i] = r
			}
		}
		return out, nil
	}
}

// graveyard is a sink that keeps what it is given.
type graveyard struct {
	mu   sync.Mutex
	dead []DeadRecord
	err  error
}

func (g *graveyard) Put(_ context.Context, r DeadRecord) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return g.err
	}
	g.dead = append(g.dead, r)
	return nil
}

func (g *graveyard) ids() []string {
	var ids []string
	for _, d := range g.dead {
		ids = append(ids, d.EventID)
	}
	return ids
}

// requireDead checks that the sink has taken these events and no other, in that
// order, for the code that the bus or the relay gave, and none for its age.
func requireDead(t *testing.T, g *graveyard, code string, ids ...string) {
	t.Helper()
	require.Equal(t, ids, g.ids())
	for _, d := range g.dead {
		require.Equal(t, code, d.Code)
		requireYoung(t, string(d.Record))
	}
}

func newTestHandler(t *testing.T, p Publisher, dl DeadLetter, optFns ...func(*Options)) *Handler {
	t.Helper()
	h, err := NewHandler(p, dl, optFns...)
	require.NoError(t, err)
	return h
}

func partial(o *Options) { o.PartialBatchResponse = true }

// unpublishedIn returns the *UnpublishedError that err must be.
func unpublishedIn(t *testing.T, err error) *UnpublishedError {
	t.Helper()
	var u *UnpublishedError
	require.True(t, errors.As(err, &u), "got %v", err)
	return u
}
