// Command local runs the whole architecture on this machine: the user service,
// the relay and the messaging service, on local engines, and one page that shows
// every event on its way and breaks whatever you fear.
//
//	go -C examples run ./local
//	go -C examples run ./local -demo
//
// It starts DynamoDB (dynoxide, or MiniStack with -dynamodb ministack)
// and moto (EventBridge and SQS), or uses those that the variables of
// ./cmd/engines point at; makes tables, bus, rule and queues; and runs relay and
// messaging service as the binaries that are deployed, under AWS's Lambda
// runtime interface emulator if it is installed. What is missing is named, with
// the command that installs it. Ctrl-C stops everything that was started.
//
// With -demo it signs a few hundred people up while it breaks everything that
// the page can break, prints the ledger, and ends with status 1 if an event is
// lost or invented.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

func main() {
	f, err := parse(os.Args[1:], os.Stderr)
	if err != nil {
		os.Exit(2) // it has been said
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err = run(ctx, f, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// parse reads the command line, and says on errOut what is wrong with it.
func parse(args []string, errOut io.Writer) (f flags, err error) {
	set := flag.NewFlagSet("local", flag.ContinueOnError)
	set.SetOutput(errOut)
	set.StringVar(&f.addr, "addr", "127.0.0.1:8080", "where the user service and the page listen")
	set.StringVar(&f.dynamoDB, "dynamodb", string(engine.Dynoxide), "the DynamoDB engine: dynoxide or ministack")
	set.BoolVar(&f.demo, "demo", false, "sign people up while everything breaks, print the ledger and end")
	set.IntVar(&f.people, "n", 300, "how many people sign up in the demo")
	set.BoolVar(&f.inProcess, "in-process", false, "run relay and messaging service inside this program, without the emulator")
	set.BoolVar(&f.verbose, "v", false, "print the functions' own logs, metrics and traces, too")
	return f, set.Parse(args)
}

type flags struct {
	addr, dynamoDB           string
	demo, inProcess, verbose bool
	people                   int
}

// run runs until ctx ends, or the demo has.
func run(ctx context.Context, f flags, out io.Writer) (err error) {
	o := options{verbose: f.verbose, out: out, notEmulated: "as you asked"}
	if o.dynamoDB, err = engine.ParseName(f.dynamoDB); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", f.addr)
	if err != nil {
		return fmt.Errorf("local: %w; choose another address with -addr", err)
	}
	defer listener.Close()
	if !f.inProcess {
		dir, err := os.MkdirTemp("", "outbox-local-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o.binaries, o.notEmulated = lookForEmulator(ctx, dir)
	}
	s, err := openStage(ctx, o)
	if err != nil {
		return err
	}
	defer s.close()
	return s.perform(ctx, listener, f)
}

// lookForEmulator builds the functions for the emulator, or says why it cannot.
func lookForEmulator(ctx context.Context, dir string) (*binaries, string) {
	b, err := buildBinaries(ctx, dir)
	missing := new(engine.MissingError)
	switch {
	case errors.As(err, &missing):
		return nil, "the emulator is missing; install it: " + engine.InstallCommand
	case err != nil:
		return nil, err.Error()
	}
	return &b, ""
}

// perform serves until ctx ends, or plays the demo.
func (s *stage) perform(ctx context.Context, listener net.Listener, f flags) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	url := "http://" + listener.Addr().String()
	people := newCrowd(url)
	server := &http.Server{
		Handler:           s.handler(func(n int) { people.start(ctx, n) }),
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx }, // the feeds end with us
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { _ = server.Serve(listener) }) // it ends by Close
	defer server.Close()
	defer people.wait()

	ran := make(chan error, 1)
	wg.Go(func() {
		ran <- s.run(ctx)
		cancel() // without the pollers there is nothing to serve
	})
	say := func(format string, args ...any) { s.notes.plain(format+"\n", args...) }
	say("%s", s.cloud.describe())
	say("%s\n", s.services())
	if f.demo {
		err := s.demo(ctx, people, f.people)
		cancel()
		return errors.Join(err, <-ran)
	}
	say("Open %s and break things. Or sign somebody up from here:\n", url)
	say(`curl -i %s/users --json '{"name":"Ada","email":"ada@example.com"}'`, url)
	say(`curl -i %s/users -H 'Idempotency-Key: 7' --json '{"name":"Alan","email":"alan@example.com"}'   # send it twice`, url)
	say(`curl -X POST '%s/local/sign-ups?n=25'`, url)
	say(`curl -X POST '%s/local/faults/bus-down?on=true'   # refuse, kill-relay, twice, poison, crash; on=false ends it`, url)
	say("curl %s/local/ledger\n", url)
	say("Ctrl-C stops everything.\n")
	err := <-ran
	cancel()
	return err
}
