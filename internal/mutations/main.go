// Command mutations breaks the rules of the relay and of the test kits, one after
// the other, and runs the tests. Each change of its lists must make a test fail:
// a rule that can be broken without a test noticing has no test.
//
//	go run ./internal/mutations               all of them: some minutes
//	go run ./internal/mutations -run 'order'  those whose rule has a match, or whose list: relaytest.txt
//	go run ./internal/mutations -n            only look whether each still fits the code, and compiles
//
// A change is made in an overlay of the go command: no file of the tree is
// touched. A change that does not fit the code any more is an error, and so is
// one that does not compile; then the list is to be brought up to the code. The
// lists are the .txt files here; [parse] says what they look like.
package main

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

//go:embed *.txt
var texts embed.FS

// lists are the lists of mutations, each with the tests that must notice: those
// of the packages, and then the rules that the engines are judged by, too.
var lists = []struct {
	file  string
	tests []suite
}{
	{"relay.txt", []suite{{packages: []string{"./relay/...", "./internal/..."}}}},
	{"replay.txt", []suite{
		{packages: []string{"./relay"}, args: []string{"-run=Replay|Records|Journal"}},
		{packages: []string{"./relay/recovery", "./relay/deadletter"}},
	}},
	{"journal.txt", []suite{{packages: []string{"./relay/journal", "./relay"}}}},
	{"relaytest.txt", []suite{
		{packages: []string{"./relay/relaytest"}},
		{"internal/conformance", []string{"./relay/busrules"}, []string{"-run=//^relaytest$"}},
		{"internal/conformance", []string{"./kits"}, nil},
	}},
	{"outboxtest.txt", []suite{
		{packages: []string{"./outbox/outboxtest"}},
		{"internal/conformance", []string{"./outbox/storerules"}, []string{"-run=//^outboxtest$"}},
	}},
}

// suite is a run of go test.
type suite struct {
	module   string // its folder, from the root
	packages []string
	args     []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutations:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutations", flag.ContinueOnError)
	only := flags.String("run", "", "only the mutations whose list and rule, as in 'relay.txt: order', match this regular expression")
	dry := flags.Bool("n", false, "compile each mutation, and run no test")
	if err := flags.Parse(args); err != nil {
		return err
	}
	match, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return fmt.Errorf("find the module: %w", err)
	}
	faults, played := 0, 0
	for _, l := range lists {
		text, err := texts.ReadFile(l.file)
		if err != nil {
			return err
		}
		list, err := parse(bytes.NewReader(text))
		if err != nil {
			return fmt.Errorf("%s: %w", l.file, err)
		}
		list = slices.DeleteFunc(list, func(m mutation) bool { return !match.MatchString(l.file + ": " + m.rule) })
		if len(list) == 0 {
			continue
		}
		r := runner{root: strings.TrimSpace(string(root)), tests: l.tests, dry: *dry}
		if !r.dry {
			for _, s := range r.tests {
				if output, err := r.command(ctx, nil, s, test...); err != nil {
					return fmt.Errorf("the tests fail without any mutation:\n%s", output)
				}
			}
		}
		for _, m := range list {
			played++
			begin := time.Now()
			what, ok := r.play(ctx, m)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			mark := "ok  "
			if !ok {
				mark = "FAIL"
				faults++
			}
			fmt.Fprintf(out, "%s %5.1fs  %s\n             %s\n", mark, time.Since(begin).Seconds(), m.rule, what)
		}
	}
	if played == 0 {
		return errors.New("no rule matches")
	}
	if faults > 0 {
		return fmt.Errorf("%d of %d mutations were not caught, or do not fit", faults, played)
	}
	done := "are caught"
	if *dry {
		done = "fit the code"
	}
	fmt.Fprintf(out, "all %d mutations %s\n", played, done)
	return nil
}

type runner struct {
	root  string
	tests []suite
	dry   bool
}

// play runs the tests on a mutation and says what became of it.
func (r runner) play(ctx context.Context, m mutation) (what string, ok bool) {
	texts, err := m.mutated(r.root)
	if err != nil {
		return err.Error(), false
	}
	if output, err := r.command(ctx, texts, suite{packages: r.tests[0].packages}, "build"); err != nil {
		return "does not compile:\n" + string(output), false
	}
	if r.dry {
		return "compiles", true
	}
	for _, s := range r.tests {
		if output, err := r.command(ctx, texts, s, test...); err != nil {
			return "caught by " + caughtBy(output), true
		}
	}
	return "NOT CAUGHT by any test", false
}

var failed = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)|^(panic: .*)$|^(fatal error: .*)$|^FAIL\t(\S+)`)

// caughtBy names what failed first.
func caughtBy(output []byte) string {
	for _, name := range failed.FindSubmatch(output)[1:] {
		if len(name) > 0 {
			return string(name)
		}
	}
	return "?"
}

// test is the command that runs the tests.
var test = []string{"test", "-vet=off", "-failfast", "-timeout=2m"}

// command runs the go command on the packages of a suite with these files in the
// place of the tree's.
func (r runner) command(ctx context.Context, texts map[string]string, s suite, args ...string) (output []byte, err error) {
	dir, err := os.MkdirTemp("", "mutation")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	var overlay struct{ Replace map[string]string }
	overlay.Replace = map[string]string{}
	for path, text := range texts {
		mutated := filepath.Join(dir, fmt.Sprintf("%d.go", len(overlay.Replace)))
		if err := os.WriteFile(mutated, []byte(text), 0o600); err != nil {
			return nil, err
		}
		overlay.Replace[path] = mutated
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(config, list, 0o600); err != nil {
		return nil, err
	}
	args = slices.Concat(args, []string{"-overlay", config}, s.args, s.packages)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = filepath.Join(r.root, s.module)
	return cmd.CombinedOutput()
}
