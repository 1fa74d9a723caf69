// Command test runs the tests of every module of this repository, goes on after
// a failure, and says at its end what failed and what was skipped, and why.
//
//	go -C internal/conformance run ./cmd/test [-ahead DAYS] [flags of go test]
//
// With -ahead the clock of the tests is so many days ahead (package movedclock),
// and -short is set. Engines have the true time, so the tests that need one are
// skipped then. Else OUTBOX_REQUIRE_ENGINES=1 makes a missing engine a failure.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/movedclock"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := command(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string, out io.Writer) error {
	env := os.Environ()
	if len(args) > 0 && strings.TrimLeft(args[0], "-") == "ahead" {
		if len(args) < 2 {
			return errors.New("test: -ahead wants a number of days")
		}
		days, err := strconv.Atoi(args[1])
		if err != nil || days <= 0 {
			return fmt.Errorf("test: -ahead %q is not a number of days", args[1])
		}
		temp, err := os.MkdirTemp("", "outbox-test-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temp)
		moved, err := ahead(ctx, temp, days)
		if err != nil {
			return err
		}
		env = append(env, moved...)
		args = append([]string{"-short", "-vet=off"}, args[2:]...)
		fmt.Fprintf(out, "the clock is %d days ahead; engines are not, so that the tests that need one are skipped\n", days)
	}
	root, err := repository(ctx)
	if err != nil {
		return err
	}
	return testAll(ctx, root, env, args, out)
}

// testAll tests each module below root. A failure does not stop it.
func testAll(ctx context.Context, root string, env, args []string, out io.Writer) error {
	modules, err := modules(root)
	if err != nil {
		return err
	}
	r := &report{out: out, skipped: map[string]int{}}
	for _, module := range modules {
		name, err := filepath.Rel(root, module)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "== module in %s\n", name)
		if err := test(ctx, module, env, args, r); err != nil {
			return err
		}
	}
	return r.end()
}

// ahead is what the environment of the tests needs besides.
func ahead(ctx context.Context, dir string, days int) ([]string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("test: go env GOROOT: %w", err)
	}
	overlay, err := movedclock.Overlay(strings.TrimSpace(string(out)), dir)
	if err != nil {
		return nil, err
	}
	engines := filepath.Join(dir, "engines") // there are none in it
	if err := os.Mkdir(engines, 0o755); err != nil {
		return nil, err
	}
	env := append(movedclock.Environment(overlay, time.Duration(days)*24*time.Hour), engine.CacheEnv+"="+engines, enginetest.RequireEnv+"=")
	for _, name := range engine.Names() {
		if name.Env() != "" {
			env = append(env, name.Env()+"=")
		}
	}
	return env, nil
}

// repository returns the root of the repository: the folder of the root module,
// which this one replaces.
func repository(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/dynamodb-outbox/dynamodb-outbox").Output()
	if err != nil {
		return "", fmt.Errorf("test: find the root module (run this with go -C internal/conformance run ./cmd/test): %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// modules returns the folders with a go.mod, the root first.
func modules(root string) (dirs []string, err error) {
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata"):
			return fs.SkipDir
		case d.Name() == "go.mod":
			dirs = append(dirs, filepath.Dir(path))
		}
		return nil
	})
	slices.Sort(dirs)
	return dirs, err
}

// test runs the tests of one module. That they fail is in the report and no
// error of this function.
func test(ctx context.Context, module string, env, args []string, r *report) error {
	cmd := exec.CommandContext(ctx, "go", append(append([]string{"test", "-json"}, args...), "./...")...)
	cmd.Dir, cmd.Env, cmd.Stderr = module, env, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	readErr := r.read(out)
	err = cmd.Wait()
	if exit := new(exec.ExitError); errors.As(err, &exit) && ctx.Err() == nil {
		r.badModules++
		err = nil
	}
	return errors.Join(readErr, err)
}
