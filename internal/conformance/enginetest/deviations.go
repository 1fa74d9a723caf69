package enginetest

import (
	"flag"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

// list is what an engine does otherwise than AWS documents, in one version: the
// name of a test, without the engine's part, to what the engine does. In a name,
// * stands for any part or any end of one. What is in the lists of all engines is a
// rule that AWS's documentation alone upholds: the library keeps to it.
type list struct {
	version string
	tests   map[string]string
}

// Outboxtest is the name under which the Client of package outboxtest is judged
// beside the engines.
const Outboxtest engine.Name = "outboxtest"

// ofOutboxtest is what that Client does otherwise than AWS documents, besides what
// its documentation says it does not model at all.
var ofOutboxtest = map[string]string{
	"TestStoreRules/a_table_that_is_not_there": "has every table, made or not; then its key is pk, and sk",
}

var deviations = map[engine.Name]list{
	engine.Dynoxide:      {"1.2.1", ofDynoxide},
	engine.MiniStack:     {"1.5.33", ofMiniStack},
	Outboxtest:           {"", ofOutboxtest},
	engine.DynamoDBLocal: {"", ofDynamoDBLocal}, // seen in 3.1.0; which one runs is its user's choice
}

// asked remembers which deviations were asked for, for Main.
var asked struct {
	sync.Mutex
	patterns map[engine.Name]map[string]bool
	tests    map[engine.Name]map[string]bool // names of the top-level tests
}

// Deviation returns what the engine does otherwise than AWS documents where this
// test looks, "" if it does as documented. Where it deviates, the test requires
// that it still does, so that a deviation that is gone is seen.
func Deviation(t testing.TB, e *engine.Engine) string {
	t.Helper()
	name := strings.Replace(t.Name(), "/"+string(e.Name), "", 1)
	found, what := "", ""
	for pattern, does := range deviations[e.Name].tests {
		if ok, err := path.Match(pattern, name); err != nil {
			t.Fatalf("deviation %q of %s: %v", pattern, e.Name, err)
		} else if ok && found != "" {
			t.Fatalf("two deviations of %s are of %s: %q and %q", e.Name, name, found, pattern)
		} else if ok {
			found, what = pattern, does
		}
	}
	asked.Lock()
	defer asked.Unlock()
	if asked.patterns == nil {
		asked.patterns, asked.tests = map[engine.Name]map[string]bool{}, map[engine.Name]map[string]bool{}
	}
	if asked.patterns[e.Name] == nil {
		asked.patterns[e.Name], asked.tests[e.Name] = map[string]bool{}, map[string]bool{}
	}
	asked.patterns[e.Name][found] = true
	asked.tests[e.Name][top(name)] = true
	return what
}

func top(name string) string {
	first, _, _ := strings.Cut(name, "/")
	return first
}

// unasked returns the deviations of tests that ran and did not ask for them: the
// part of the test is gone, or was never there.
func unasked() (names []string) {
	asked.Lock()
	defer asked.Unlock()
	for e, tests := range asked.tests {
		for pattern := range deviations[e].tests {
			if tests[top(pattern)] && !asked.patterns[e][pattern] {
				names = append(names, fmt.Sprintf("%s: %s", e, pattern))
			}
		}
	}
	slices.Sort(names)
	return names
}

// partial reports whether this is a run of chosen tests only.
func partial() bool {
	for _, name := range []string{"test.run", "test.skip"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return true
		}
	}
	return false
}
