// Package enginetest gives tests the engines of package engine: started once
// per test binary, with a table, bus or queue of its own for each test, so that
// tests can run in parallel on one engine.
//
// It installs nothing. A test whose engine is not on the machine is skipped with
// the command that installs it; with OUTBOX_REQUIRE_ENGINES=1, as in CI, it
// fails instead.
package enginetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/terraform"
)

// RequireEnv names the variable that, set to 1, makes a missing engine a
// failure instead of a skip.
const RequireEnv = "OUTBOX_REQUIRE_ENGINES"

// shared is an engine of this test binary, started at its first use.
type shared struct {
	once   sync.Once
	engine *engine.Engine
	err    error
}

var (
	mu      sync.Mutex // guards engines
	engines = map[engine.Name]*shared{}
)

// Start returns the test binary's engine called name, which the first test that
// asks for it starts. It ends with the test binary. If the test fails, what the
// engine logged meanwhile is added to the test's log.
func Start(t testing.TB, name engine.Name) *engine.Engine {
	t.Helper()
	mu.Lock()
	s := engines[name]
	if s == nil {
		s = new(shared)
		engines[name] = s
	}
	mu.Unlock()
	// Not the test's context: the engine outlives the test.
	s.once.Do(func() { s.engine, s.err = engine.Start(context.Background(), name) })
	check(t, s.err)
	logOnFailure(t, s.engine)
	return s.engine
}

// Own starts an engine for this test alone and stops it at the test's end. A
// test needs one if it counts what an engine holds, or stops and kills it. The
// variables that point at running engines do not count here.
func Own(t testing.TB, name engine.Name) *engine.Engine {
	t.Helper()
	e, err := engine.StartOwn(t.Context(), name)
	check(t, err)
	t.Cleanup(e.Stop)
	logOnFailure(t, e)
	return e
}

// Moto returns the test binary's EventBridge and SQS.
func Moto(t testing.TB) *engine.Engine {
	t.Helper()
	return Start(t, engine.Moto)
}

// EachDynamoDB runs the test once on every engine that serves DynamoDB, each as
// a subtest named for the engine.
func EachDynamoDB(t *testing.T, test func(t *testing.T, db *engine.Engine)) {
	t.Helper()
	for _, name := range engine.DynamoDBNames() {
		t.Run(string(name), func(t *testing.T) { test(t, Start(t, name)) })
	}
}

// LambdaRIE returns the path of the Lambda runtime interface emulator.
func LambdaRIE(t testing.TB) string {
	t.Helper()
	path, err := engine.LambdaRIEPath()
	check(t, err)
	return path
}

// Python returns the argv of the Python that has a program: botocore, the SAM CLI
// or cfn-lint.
func Python(t testing.TB, name engine.Name, args ...string) []string {
	t.Helper()
	argv, err := engine.Python(name, args...)
	check(t, err)
	return argv
}

// AllowNoTerraformEnv names the variable that, set to 1, lets the tests with
// terraform be skipped where everything else is required: terraform and its
// provider are in no package registry, so a CI cannot install them on a bare
// machine.
const AllowNoTerraformEnv = "OUTBOX_ALLOW_NO_TERRAFORM"

// Terraform returns terraform with its AWS provider.
func Terraform(t testing.TB) *terraform.Program {
	t.Helper()
	tf, err := terraform.Find()
	missing := new(terraform.MissingError)
	switch {
	case errors.As(err, &missing) && os.Getenv(AllowNoTerraformEnv) == "1":
		t.Skipf("TOOL MISSING, TEST SKIPPED: %v", err)
	case errors.As(err, &missing):
		Missing(t, err.Error())
	case err != nil:
		t.Fatal(err)
	}
	return tf
}

// Main runs the tests and stops the engines in an orderly way. A package may
// call it from TestMain; without it, the engines are killed when the test
// binary has ended. It fails if an engine is said to deviate in a part of a test
// that is not there.
func Main(m *testing.M) int {
	code := m.Run()
	if code == 0 && !partial() {
		for _, name := range unasked() {
			fmt.Fprintf(os.Stderr, "the list of deviations has one that no test looks at: %s\n", name)
			code = 1
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, s := range engines {
		if s.engine != nil {
			s.engine.Stop()
		}
	}
	return code
}

// Missing ends a test that needs something which is not on this machine, an engine
// or a program: it is skipped, loudly, or fails where engines are required.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv(RequireEnv) == "1" {
		t.Fatal(what)
	}
	t.Skipf("ENGINE MISSING, TEST SKIPPED: %s", what)
}

// check ends the test if its engine could not be had.
func check(t testing.TB, err error) {
	t.Helper()
	missing := new(engine.MissingError)
	switch {
	case err == nil:
	case errors.As(err, &missing):
		Missing(t, err.Error())
	default:
		t.Fatal(err)
	}
}

// logTail is how much of an engine's log a failing test shows.
const logTail = 8000

func logOnFailure(t testing.TB, e *engine.Engine) {
	if e == nil {
		return
	}
	_, start := e.Log(0)
	t.Cleanup(func() {
		if !t.Failed() || e.LogFile() == "" {
			return
		}
		text, _ := e.Log(start)
		if len(text) > logTail {
			text = "…" + text[len(text)-logTail:]
		}
		t.Logf("%s logged during this test (whole log: %s):\n%s", e.Name, e.LogFile(), text)
	})
}

// Unique returns a name that no other test uses, fit for a table, queue, bus or
// rule: the test's name, shortened, and a random end.
func Unique(t testing.TB) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, t.Name())
	return name[:min(len(name), 40)] + "-" + strings.ToLower(rand.Text()[:10])
}
