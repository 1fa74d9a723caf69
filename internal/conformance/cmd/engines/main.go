// Command engines installs the servers that the end-to-end tests run against,
// shows which of them are there, and runs them for a person.
//
//	go -C internal/conformance run ./cmd/engines install [name...]   install by pinned version; what is there stays
//	go -C internal/conformance run ./cmd/engines check [name...]     what is there, what is missing, how to get it; fails if one is missing
//	go -C internal/conformance run ./cmd/engines run [name...]       start, print the variables that point at them, stop at Ctrl-C
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
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
	if len(args) == 0 {
		return errors.New("engines: say install, check or run")
	}
	names := engine.Names()
	if len(args) > 1 {
		names = nil
	}
	for _, arg := range args[1:] {
		name, err := engine.ParseName(arg)
		if err != nil {
			return err
		}
		names = append(names, name)
	}
	switch args[0] {
	case "install":
		return install(ctx, names, out)
	case "check":
		if len(args) == 1 && engine.DynamoDBLocal.External() != "" {
			names = append(names, engine.DynamoDBLocal)
		}
		return check(names, out)
	case "run":
		return run(ctx, names, out)
	}
	return fmt.Errorf("engines: unknown command %q; say install, check or run", args[0])
}

// install goes on after a failure, so that one run shows all that is missing.
func install(ctx context.Context, names []engine.Name, out io.Writer) error {
	var (
		failed error
		fresh  bool
	)
	for _, name := range names {
		start := time.Now()
		dir, installed, err := engine.Install(ctx, name, func(format string, args ...any) { fmt.Fprintf(out, format+"\n", args...) })
		switch {
		case err != nil:
			fmt.Fprintf(out, "%-15s %s FAILED\n", name, name.Version())
			failed = errors.Join(failed, err)
		case installed:
			fresh = true
			fmt.Fprintf(out, "%-15s %s installed in %s: %s\n", name, name.Version(), time.Since(start).Round(100*time.Millisecond), dir)
		default:
			fmt.Fprintf(out, "%-15s %s is there: %s\n", name, name.Version(), dir)
		}
	}
	if fresh {
		// The go command remembers the success of tests that were skipped for
		// want of an engine; it does not see that one came.
		cmd := exec.CommandContext(ctx, "go", "clean", "-testcache")
		cmd.Stdout, cmd.Stderr = out, out
		if err := cmd.Run(); err != nil {
			fmt.Fprintf(out, "go clean -testcache: %v; run the tests once with -count=1\n", err)
		}
	}
	return failed
}

func check(names []engine.Name, out io.Writer) error {
	missing := 0
	for _, name := range names {
		if url := name.External(); url != "" {
			fmt.Fprintf(out, "%-15s used at %s (%s)\n", name, url, name.Env())
			continue
		}
		gap := new(engine.MissingError)
		dir, err := engine.Find(name)
		switch {
		case errors.As(err, &gap):
			missing++
			fmt.Fprintf(out, "%-15s %s IS MISSING: its tests are skipped (%s)\n", name, name.Version(), gap.Reason)
			fmt.Fprintf(out, "%-15s   get it: %s\n", "", engine.InstallCommand)
		case err != nil:
			return err
		default:
			fmt.Fprintf(out, "%-15s %s is there: %s\n", name, name.Version(), dir)
		}
	}
	if missing > 0 {
		return fmt.Errorf("engines: %d missing", missing)
	}
	return nil
}

func run(ctx context.Context, names []engine.Name, out io.Writer) error {
	for _, name := range names {
		if name.Env() == "" {
			continue // no server
		}
		e, err := engine.Start(ctx, name)
		if err != nil {
			return err
		}
		defer e.Stop()
		fmt.Fprintf(out, "export %s=%s\n", name.Env(), e.URL)
	}
	fmt.Fprintln(os.Stderr, "running; Ctrl-C stops them")
	<-ctx.Done()
	return nil
}
