package relay_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// scriptedBus is a Publisher whose answers are a function of the test. Without
// one it accepts everything. It keeps what it was sent and what it accepted.
type scriptedBus struct {
	limits relay.Limits // zero means those of EventBridge
	size   func(relay.Entry) int
	answer answer

	mu       sync.Mutex // guards what follows
	calls    [][]string // event ids
	accepted []string
	details  map[string]string // of what it accepted
}

// answer is what a bus says to a call. Calls are counted from 0.
type answer = func(ctx context.Context, call int, entries []relay.Entry) ([]relay.Result, error)

func (b *scriptedBus) Limits() relay.Limits {
	if b.limits == (relay.Limits{}) {
		return relay.Limits{Entries: 10, Bytes: 1_000_000}
	}
	return b.limits
}

func (b *scriptedBus) Size(e relay.Entry) int {
	if b.size != nil {
		return b.size(e)
	}
	return len(e.Detail)
}

func (b *scriptedBus) Publish(ctx context.Context, entries []relay.Entry) ([]relay.Result, error) {
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
	if err != nil && !errors.Is(err, errLost) || len(results) != len(entries) {
		return results, err
	}
	for i, r := range results {
		if r.Class == relay.Accepted || r.Class == relay.Deduplicated {
			b.accepted = append(b.accepted, entries[i].EventID)
			if b.details == nil {
				b.details = make(map[string]string)
			}
			b.details[entries[i].EventID] = string(entries[i].Detail)
		}
	}
	return results, err
}

// What a bus says of an entry, or of a call.
var (
	held      = relay.Result{Class: relay.ConfigFault, Code: "held"}           // which blames no event
	malformed = relay.Result{Class: relay.EventFault, Code: "MalformedDetail"} // which blames one
	invalid   = relay.Result{Class: relay.EventFault, Code: "InvalidArgument"} // the same
	unlucky   = relay.Result{Class: relay.Transient, Code: "InternalFailure"}  // try again
	odd       = relay.Result{Class: relay.Transient, Code: "Odd"}              // a code that nobody knows

	refused = &relay.CallError{Class: relay.EventFault, Code: "ValidationException"} // for what is in the call
	broken  = &relay.CallError{Class: relay.Transient, Code: "HTTP500"}
)

// accept is one result for each entry that says that the bus has it.
func accept(entries []relay.Entry) []relay.Result {
	out := make([]relay.Result, len(entries))
	for i, e := range entries {
		out[i] = relay.Result{Class: relay.Accepted, ID: "bus-" + e.EventID}
	}
	return out
}

// all is the same result for each entry.
func all(entries []relay.Entry, r relay.Result) []relay.Result {
	out := make([]relay.Result, len(entries))
	for i := range out {
		out[i] = r
	}
	return out
}

// refuse accepts all but the named events, which have that result.
func refuse(r relay.Result, ids ...string) answer {
	return func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
		out := accept(entries)
		for i, e := range entries {
			if slices.Contains(ids, e.EventID) {
				out[i] = r
			}
		}
		return out, nil
	}
}

// refuseAll gives every entry that result.
func refuseAll(r relay.Result) answer {
	return func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
		return all(entries, r), nil
	}
}

// fail fails every call as a whole.
func fail(err error) answer {
	return func(context.Context, int, []relay.Entry) ([]relay.Result, error) { return nil, err }
}

// failWith fails every call that has one of the named events in it, as a whole,
// and accepts every other.
func failWith(err error, ids ...string) answer {
	return func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
		if holds(entries, ids...) {
			return nil, err
		}
		return accept(entries), nil
	}
}

// holds reports whether one of the named events is among the entries.
func holds(entries []relay.Entry, ids ...string) bool {
	return slices.ContainsFunc(entries, func(e relay.Entry) bool { return slices.Contains(ids, e.EventID) })
}

// errLost is the error of a call whose answer is lost: the bus has done what its
// results say, and only the relay does not hear of it.
var errLost = errors.New("answer lost")

// lose loses the answers.
func lose(then answer) answer {
	return func(ctx context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
		results, err := then(ctx, call, entries)
		return results, errors.Join(errLost, err)
	}
}

// first gives that answer to the first n calls, and another to the others.
func first(n int, these, others answer) answer {
	return func(ctx context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
		if call < n {
			return these(ctx, call, entries)
		}
		return others(ctx, call, entries)
	}
}

// acceptAll accepts every entry.
func acceptAll(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
	return accept(entries), nil
}

// slowly answers after a while, or with the context's error when that ends. The
// while is one of testing/synctest's clock.
func slowly(latency time.Duration, then answer) answer {
	return func(ctx context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
		select {
		case <-time.After(latency):
			return then(ctx, call, entries)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// panics never answers.
func panics(value any) answer {
	return func(context.Context, int, []relay.Entry) ([]relay.Result, error) { panic(value) }
}

// voidBus accepts everything and keeps nothing.
type voidBus struct{}

func (voidBus) Limits() relay.Limits   { return relay.Limits{Entries: 10, Bytes: 1_000_000} }
func (voidBus) Size(e relay.Entry) int { return len(e.Detail) }
func (voidBus) Publish(_ context.Context, entries []relay.Entry) ([]relay.Result, error) {
	return all(entries, relay.Result{Class: relay.Accepted}), nil
}
