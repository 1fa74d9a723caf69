package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/userservice"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/smtptest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
)

// stage is everything that plays: engines, wires, services, pollers, and the
// books about them.
type stage struct {
	bell    *bell // rings when anything has changed that the page shows
	notes   *notes
	own     io.Writer // for what the services themselves write
	journal *journal
	faults  *faults
	cloud   *cloud
	books   *books
	naive   *naive
	mails   *smtptest.Server

	users            http.Handler
	relay, messaging *function
	emulated         string // why there is no emulator; "" if there is one

	// The wires: user service and relay to DynamoDB, relay to the bus,
	// messaging service to DynamoDB, and queue to its poller.
	storeWire, busWire, consumerWire, queueWire *wirefault.Proxy

	closers []func()
}

// options of a stage.
type options struct {
	dynamoDB    engine.Name
	binaries    *binaries // to run under the emulator; nil runs them in this process
	notEmulated string    // why, for a person
	verbose     bool      // the services' own logs, metrics and traces, too
	out         io.Writer // the live log

	// mapping changes the event source mapping between stream and relay, for a
	// test that shows what a wrong one does. Nil changes nothing.
	mapping func(*lambdapoller.Options)
}

// openStage builds the stage. Close it after use.
func openStage(ctx context.Context, o options) (s *stage, err error) {
	s = &stage{bell: newBell()}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.notes = &notes{bell: s.bell, out: o.out}
	s.own = io.Discard
	if o.verbose {
		s.own = &lines{out: s.notes}
	}
	s.journal = newJournal(s.bell)
	s.faults = newFaults(s.bell, s.notes, func(f fault) {
		if f == killRelay {
			s.relay.kill()
		} else {
			s.messaging.kill()
		}
	})
	if s.cloud, err = openCloud(ctx, o.dynamoDB); err != nil {
		return s, err
	}
	s.closers = append(s.closers, s.cloud.close)
	if s.mails, err = smtptest.Start(); err != nil {
		return s, err
	}
	s.closers = append(s.closers, s.mails.Close)
	s.mails.Refuse(refuseMail)
	if err = s.openWires(); err != nil {
		return s, err
	}
	if s.naive, err = newNaive(s.cloud, s.faults); err != nil {
		return s, err
	}
	s.closers = append(s.closers, s.naive.wire.Close)
	if err = s.openServices(ctx, o); err != nil {
		return s, err
	}
	return s, nil
}

// refuseMail plays addresses that do not exist, for people who want to see
// Email.Bounced.
func refuseMail(to string) smtptest.Reply {
	if strings.HasPrefix(to, "bounce") {
		return smtptest.Reply{Code: 550, Message: "no such user"}
	}
	return smtptest.Reply{}
}

func (s *stage) openWires() error {
	none := func(wirefault.Call) wirefault.Fault { return wirefault.None() }
	for _, w := range []struct {
		wire   **wirefault.Proxy
		target string
		script wirefault.Script
		tap    func(wirefault.Exchange)
	}{
		{&s.storeWire, s.cloud.db.URL, none, s.sawDynamoDB},
		{&s.consumerWire, s.cloud.db.URL, s.faults.consumerWire, s.sawDynamoDB},
		{&s.busWire, s.cloud.moto.URL, s.faults.busWire, s.sawBus},
		{&s.queueWire, s.cloud.moto.URL, s.faults.queueWire, func(wirefault.Exchange) {}},
	} {
		opened, err := wirefault.NewProxy(w.target, w.script, wirefault.Tap(w.tap))
		if err != nil {
			return err
		}
		*w.wire = opened
		s.closers = append(s.closers, opened.Close)
	}
	return nil
}

// openServices makes the services and the books. Nothing is running yet.
func (s *stage) openServices(ctx context.Context, o options) (err error) {
	db := s.cloud.db.DynamoDB(func(o *dynamodb.Options) { o.BaseEndpoint = aws.String(s.storeWire.URL) })
	logger, tracer, err := s.telemetry(userServiceName)
	if err != nil {
		return err
	}
	if s.users, err = userservice.New(db, userservice.Config{
		UsersTable: s.cloud.users, EventStoreTable: s.cloud.events,
		ServiceName: userServiceName, Region: engine.Region,
		Logger: logger, Tracer: tracer,
	}); err != nil {
		return err
	}
	if err := s.openFunctions(ctx, o); err != nil {
		return err
	}
	poller, err := s.streamPoller(o.mapping)
	if err != nil {
		return err
	}
	s.books = newBooks(s, poller)
	return nil
}

func (s *stage) mailsByAddress() map[string]int {
	mails := map[string]int{}
	for _, m := range s.mails.Mails() {
		mails[m.To]++
	}
	return mails
}

// run runs pollers and books until ctx ends. It returns what went wrong, nil if
// nothing did.
func (s *stage) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { s.naive.run(ctx) })
	wg.Go(func() { s.pollQueue(ctx) })
	wg.Go(func() { s.books.run(ctx, func(err error) { s.notes.fault("%v", err) }) })
	if err := s.books.poll.Run(ctx); err != nil {
		return fmt.Errorf("local: %w", err)
	}
	return nil
}

// close stops everything that was started.
func (s *stage) close() {
	for _, f := range []*function{s.relay, s.messaging} {
		if f != nil {
			f.kill()
		}
	}
	for i := len(s.closers) - 1; i >= 0; i-- {
		s.closers[i]()
	}
}

func (s *stage) parts() map[string]part {
	return map[string]part{"relay": s.relay.part(), "messaging": s.messaging.part()}
}

// services says how the Lambda functions run.
func (s *stage) services() string {
	if s.emulated != "" {
		return "Relay and messaging service run inside this program, not as Lambda functions (" + s.emulated + ")."
	}
	return "Relay and messaging service are the binaries that are deployed to AWS, here under AWS’s own Lambda runtime interface emulator."
}
