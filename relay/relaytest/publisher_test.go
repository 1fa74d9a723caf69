package relaytest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// busOf is a Bus that behaves as a condition says.
func busOf(c relaytest.Condition) *relaytest.Bus {
	answer := map[relaytest.Condition]relaytest.Answer{
		relaytest.Refusing: {Codes: map[int]string{1: "InvalidArgument"}},
		relaytest.Failing:  {Err: &smithy.GenericAPIError{Code: "InternalException", Message: "broken"}},
		relaytest.Hanging:  {Delay: 24 * time.Hour, Err: errors.New("nothing is taken")},
	}[c]
	return &relaytest.Bus{Script: func(int, []relaytest.Entry) relaytest.Answer { return answer }}
}

// detailsOf are the Details that a bus has accepted.
func detailsOf(bus *relaytest.Bus) func() [][]byte {
	return func() (details [][]byte) {
		for _, e := range bus.Entries() {
			details = append(details, e.Detail)
		}
		return details
	}
}

func TestEventBridgeKeepsTheContract(t *testing.T) {
	judge := func(t *testing.T) {
		relaytest.TestPublisher(t, func(c relaytest.Condition) (relay.Publisher, func() [][]byte) {
			bus := busOf(c)
			return relay.NewEventBridge(bus, "orders"), detailsOf(bus)
		})
	}
	t.Run("in virtual time", func(t *testing.T) { synctest.Test(t, judge) })
	t.Run("in real time", judge)
}

// fault is where a publisher breaks the contract. The zero value of each field is
// what is right.
type fault struct {
	limits  func(calls int) relay.Limits
	size    func(calls int, e relay.Entry) int
	publish func(ctx context.Context, next relay.Publisher, entries []relay.Entry) ([]relay.Result, error)
	explain func(relay.Entry) string
	absent  error
	invalid error
}

// wrong is a publisher with a fault.
type wrong struct {
	relay.Publisher
	fault

	mu           sync.Mutex // guards what follows
	calls, sizes int
}

func (w *wrong) Limits() relay.Limits {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.limits != nil {
		return w.limits(w.calls)
	}
	return w.Publisher.Limits()
}

func (w *wrong) Size(e relay.Entry) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sizes++
	if w.size != nil {
		return w.size(w.sizes, e)
	}
	return w.Publisher.Size(e)
}

func (w *wrong) Publish(ctx context.Context, entries []relay.Entry) ([]relay.Result, error) {
	w.mu.Lock()
	w.calls++
	w.mu.Unlock()
	if w.publish != nil {
		return w.publish(ctx, w.Publisher, entries)
	}
	return w.Publisher.Publish(ctx, entries)
}

func (w *wrong) Explain(e relay.Entry) string {
	if w.explain != nil {
		return w.explain(e)
	}
	return ""
}

func (w *wrong) CheckBus(context.Context, string) error { return w.absent }
func (w *wrong) Validate() error                        { return w.invalid }

// Each broken rule is found, under its name, and no other one is reported.
func TestAPublisherThatBreaksARule(t *testing.T) {
	accepted := func(n int) []relay.Result { return slices.Repeat([]relay.Result{{Class: relay.Accepted}}, n) }
	type result = relay.Result
	for _, tt := range []struct {
		name  string
		rules []string
		fault fault
	}{
		{"nothing", nil, fault{}},
		{"limits of zero", []string{"limits"}, fault{limits: func(int) relay.Limits { return relay.Limits{Entries: 5} }}},
		{"limits that change", []string{"limits"}, fault{limits: func(calls int) relay.Limits { return relay.Limits{Entries: 5 + calls, Bytes: 1_000_000} }}},
		{"size of zero", []string{"size", "largest call"}, fault{size: func(int, relay.Entry) int { return 0 }}},
		{"size by chance", []string{"size"}, fault{size: func(n int, e relay.Entry) int { return n + len(e.Detail) }}},
		{"size without the detail's end", []string{"size"}, fault{size: func(_ int, e relay.Entry) int { return 2_000_000 - len(e.Detail) }}},
		{"size that is too small", []string{"largest call"}, fault{size: func(_ int, e relay.Entry) int { return len(e.Detail) / 2 }}},
		{"one result too few", []string{"one result for each entry", "again", "largest call", "concurrent calls", "refused entry"},
			fault{publish: func(ctx context.Context, next relay.Publisher, entries []relay.Entry) ([]result, error) {
				results, err := next.Publish(ctx, entries)
				return results[:max(0, len(results)-1)], err
			}}},
		{"nothing is sent", []string{"verbatim", "concurrent calls", "context that has ended", "bus that does not answer", "refused entry", "failed call"},
			fault{publish: func(_ context.Context, _ relay.Publisher, entries []relay.Entry) ([]result, error) {
				return accepted(len(entries)), nil
			}}},
		{"errors are swallowed", []string{"context that has ended", "bus that does not answer", "failed call"},
			fault{publish: func(ctx context.Context, next relay.Publisher, entries []relay.Entry) ([]result, error) {
				if results, err := next.Publish(ctx, entries); err == nil {
					return results, nil
				}
				return accepted(len(entries)), nil
			}}},
		{"what is refused is accepted", []string{"refused entry"},
			fault{publish: func(ctx context.Context, next relay.Publisher, entries []relay.Entry) ([]result, error) {
				results, err := next.Publish(ctx, entries)
				return accepted(len(results)), err
			}}},
		{"what is refused has no class", []string{"refused entry"},
			fault{publish: func(ctx context.Context, next relay.Publisher, entries []relay.Entry) ([]result, error) {
				results, err := next.Publish(ctx, entries)
				for i := range results {
					if results[i].Class == relay.EventFault {
						results[i].Class = relay.Transient
					}
				}
				return results, err
			}}},
		{"results in another order", []string{"refused entry"},
			fault{publish: func(ctx context.Context, next relay.Publisher, entries []relay.Entry) ([]result, error) {
				results, err := next.Publish(ctx, entries)
				slices.Reverse(results)
				return results, err
			}}},
		{"entries in another order", []string{"verbatim", "refused entry"},
			fault{publish: func(ctx context.Context, next relay.Publisher, entries []relay.Entry) ([]result, error) {
				entries = slices.Clone(entries)
				slices.Reverse(entries)
				results, err := next.Publish(ctx, entries)
				slices.Reverse(results)
				return results, err
			}}},
		{"details are changed", []string{"verbatim"},
			fault{publish: func(ctx context.Context, next relay.Publisher, entries []relay.Entry) ([]result, error) {
				sent := slices.Clone(entries)
				for i := range sent {
					sent[i].Detail = fmt.Appendf(nil, "%s ", sent[i].Detail[:len(sent[i].Detail)])
				}
				return next.Publish(ctx, sent)
			}, size: func(_ int, e relay.Entry) int { return len(e.Detail) + 100 }}},
		{"entries are changed", []string{"verbatim"},
			fault{publish: func(ctx context.Context, next relay.Publisher, entries []relay.Entry) ([]result, error) {
				results, err := next.Publish(ctx, entries)
				entries[0].Bus = "mine"
				return results, err
			}}},
		{"nothing twice", []string{"again"}, fault{publish: once()}},
		{"one call at a time", []string{"concurrent calls"}, fault{publish: alone()}},
		{"the context is not looked at", []string{"bus that does not answer"},
			fault{publish: func(ctx context.Context, next relay.Publisher, entries []relay.Entry) ([]result, error) {
				return next.Publish(context.WithoutCancel(ctx), entries)
			}}},
		{"panics", []string{"failed call"},
			fault{publish: func(ctx context.Context, next relay.Publisher, entries []relay.Entry) ([]result, error) {
				results, err := next.Publish(ctx, entries)
				if err != nil && ctx.Err() == nil {
					panic(err)
				}
				return results, err
			}}},
		{"a code with data", []string{"refused entry", "failed call"},
			fault{publish: func(ctx context.Context, next relay.Publisher, entries []relay.Entry) ([]result, error) {
				results, err := next.Publish(ctx, entries)
				if err != nil {
					return nil, &relay.CallError{Code: "about " + string(entries[0].Detail), Err: err}
				}
				for i := range results {
					results[i].Code = string(entries[i].Detail)
				}
				return results, nil
			}}},
		{"invalid", []string{"optional parts"}, fault{invalid: errors.New("no client")}},
		{"a bus that is missed", []string{"optional parts"}, fault{absent: relay.ErrNoSuchBus}},
		{"a bus that cannot be looked for", nil, fault{absent: relay.ErrBusUnchecked}},
		{"a fault of what is sound", []string{"optional parts"}, fault{explain: func(relay.Entry) string { return "I do not like it" }}},
		{"words with data", []string{"optional parts"}, fault{explain: func(e relay.Entry) string {
			if len(e.DetailType) > 128 {
				return e.DetailType
			}
			return ""
		}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeT{ctx: t.Context()}
				relaytest.TestPublisher(f, func(c relaytest.Condition) (relay.Publisher, func() [][]byte) {
					bus := busOf(c)
					return &wrong{Publisher: relay.NewEventBridge(bus, "orders"), fault: tt.fault}, detailsOf(bus)
				})
				requireRules(t, f, tt.rules)
				<-time.After(25 * time.Hour) // what was left hanging ends
			})
		})
	}
}

// keeping is a publisher that keeps the memory of the Details.
type keeping struct {
	relay.Publisher
	mu      *sync.Mutex // guards details
	details *[][]byte
}

func (k keeping) Publish(ctx context.Context, entries []relay.Entry) ([]relay.Result, error) {
	results, err := k.Publisher.Publish(ctx, entries)
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range entries {
		*k.details = append(*k.details, e.Detail)
	}
	return results, err
}

func TestAPublisherThatKeepsDetails(t *testing.T) {
	f := &fakeT{ctx: t.Context()}
	relaytest.TestPublisher(f, func(c relaytest.Condition) (relay.Publisher, func() [][]byte) {
		if c != relaytest.Working {
			return nil, nil
		}
		bus, details := busOf(c), [][]byte{}
		return keeping{relay.NewEventBridge(bus, "orders"), &sync.Mutex{}, &details}, func() [][]byte {
			if len(bus.Calls()) > 1 {
				return detailsOf(bus)() // by several goroutines
			}
			return details
		}
	})
	requireRules(t, f, []string{"verbatim"})
}

// once is a publisher that refuses the event that it was sent before.
func once() func(context.Context, relay.Publisher, []relay.Entry) ([]relay.Result, error) {
	type sent struct {
		to relay.Publisher
		id string
	}
	var known sync.Map
	return func(ctx context.Context, next relay.Publisher, entries []relay.Entry) ([]relay.Result, error) {
		if _, again := known.Swap(sent{next, entries[0].EventID}, true); again {
			return nil, errors.New("again")
		}
		return next.Publish(ctx, entries)
	}
}

// alone is a publisher that fails a call while another one is under way.
func alone() func(context.Context, relay.Publisher, []relay.Entry) ([]relay.Result, error) {
	var mu sync.Mutex
	return func(ctx context.Context, next relay.Publisher, entries []relay.Entry) ([]relay.Result, error) {
		if !mu.TryLock() {
			return nil, errors.New("busy")
		}
		defer mu.Unlock()
		if ctx.Err() == nil {
			<-time.After(time.Millisecond)
		}
		return next.Publish(ctx, entries)
	}
}

// requireRules checks that the errors of f are about these rules and no others, each
// with the rule in words.
func requireRules(t *testing.T, f *fakeT, rules []string) {
	t.Helper()
	for i, text := range f.errors {
		require.Less(t, i, len(rules), "also reported: %s", text)
		require.Contains(t, text, fmt.Sprintf("rule %q: ", rules[i]))
		require.Contains(t, text, "\n\tThe rule: ")
	}
	require.Len(t, f.errors, len(rules), "not reported: %v", rules[len(f.errors):])
}

// A condition that cannot be had is left out, loudly.
func TestAConditionThatCannotBeHad(t *testing.T) {
	f := &fakeT{ctx: t.Context()}
	relaytest.TestPublisher(f, func(c relaytest.Condition) (relay.Publisher, func() [][]byte) {
		if c != relaytest.Working {
			return nil, nil
		}
		bus := busOf(c)
		return relay.NewEventBridge(bus, "orders"), detailsOf(bus)
	})
	require.Empty(t, f.errors)
	require.Equal(t, []string{
		`relaytest: publisher, rule "bus that does not answer": not checked, for there is none in the condition Hanging`,
		`relaytest: publisher, rule "refused entry": not checked, for there is none in the condition Refusing`,
		`relaytest: publisher, rule "failed call": not checked, for there is none in the condition Failing`,
	}, f.logs)
	require.Equal(t, "Condition(9)", relaytest.Condition(9).String())
}
