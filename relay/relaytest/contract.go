package relaytest

import (
	"context"
	"fmt"
	"time"
)

// T is what this package needs of a *testing.T.
type T interface {
	Helper()
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
	Context() context.Context
}

// Condition is how what stands behind a publisher or a sink is to behave: the bus,
// the table.
type Condition int

const (
	// Working takes everything.
	Working Condition = iota

	// Refusing takes the first entry of each call and refuses the second for its
	// content, by a result of its own. It is for publishers only.
	Refusing

	// Failing takes nothing: every call fails as a whole.
	Failing

	// Hanging does not answer a call until its context ends, and takes nothing.
	Hanging
)

// String returns the name of the condition.
func (c Condition) String() string {
	if c < Working || c > Hanging {
		return fmt.Sprintf("Condition(%d)", int(c))
	}
	return [...]string{"Working", "Refusing", "Failing", "Hanging"}[c]
}

// rule is a case of a contract: what it asks for, in words for the one who has
// broken it, and the check. S is what is judged.
type rule[S any] struct {
	name, asks string
	when       Condition
	check      func(ctx context.Context, subject S) (problem string)
}

// patience is how long a call may take that should return at once, or when its
// context ends.
const patience = 10 * time.Second

// judge reports each rule that is broken. A subject that cannot be made for a
// condition is said not to be checked there.
func judge[S any](t T, kind string, rules []rule[S], subject func(Condition) (S, bool)) {
	t.Helper()
	for _, r := range rules {
		s, ok := subject(r.when)
		if !ok {
			t.Logf("relaytest: %s, rule %q: not checked, for there is none in the condition %s", kind, r.name, r.when)
			continue
		}
		if problem := r.try(t.Context(), s); problem != "" {
			t.Errorf("relaytest: %s, rule %q: %s\n\tThe rule: %s", kind, r.name, problem, r.asks)
		}
	}
}

// try makes the check, contains its panic, and does not wait without end.
func (r rule[S]) try(ctx context.Context, subject S) string {
	found := make(chan string, 1)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				found <- fmt.Sprintf("it panicked: %v", v)
			}
		}()
		found <- r.check(ctx, subject)
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case problem := <-found:
		return problem
	case <-timer.C:
		return fmt.Sprintf("it did not return within %v", patience)
	}
}

// soonEnded is a context that ends while a call is under way.
func soonEnded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 50*time.Millisecond)
}

// ended is a context that has ended.
func ended(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}
