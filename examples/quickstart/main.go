// Command quickstart shows the transactional outbox from end to end in a few
// seconds, on a machine with nothing but Go: a sign-up and its event are
// committed in one transaction, the relay publishes the event, a consumer acts
// on it once. Then the two failures that the outbox is for: a refused sign-up
// leaves no event, and a bus that refuses half of a batch loses none.
//
// By default DynamoDB and the bus are those of the library's test kits, in this
// process (outbox/outboxtest and relay/relaytest). That DynamoDB has no streams,
// so the committed event items are handed to the relay as the stream records that
// they would be. Against a real engine, its real stream is read:
//
//	go -C examples run ./quickstart -endpoint http://127.0.0.1:8000
//
// AWS_ENDPOINT_URL_DYNAMODB does the same as -endpoint, and
// AWS_ENDPOINT_URL_EVENTBRIDGE (with AWS_ENDPOINT_URL_SQS, if it differs) puts
// a real bus, rule and queue in the place of the one in this process. Without an
// engine of your own, this starts two and prints where they are:
//
//	go -C internal/conformance run ./cmd/engines run dynoxide moto
//
// It checks its own outcome and ends with status 1 if anything is not as it
// should be.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"time"
)

func main() {
	if err := start(); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func start() error {
	endpoint := flag.String("endpoint", os.Getenv("AWS_ENDPOINT_URL_DYNAMODB"), "DynamoDB endpoint; empty means one in this process")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()

	bus := os.Getenv("AWS_ENDPOINT_URL_EVENTBRIDGE")
	queue := os.Getenv("AWS_ENDPOINT_URL_SQS")
	if queue == "" {
		queue = bus
	}
	return run(ctx, os.Stdout, *endpoint, bus, queue)
}

// run tells the story to out and returns an error as soon as something is not
// as it should be.
func run(ctx context.Context, out io.Writer, dynamoURL, busURL, queueURL string) error {
	db, err := openStore(ctx, dynamoURL)
	if err != nil {
		return fmt.Errorf("open DynamoDB: %w", err)
	}
	defer db.close(ctx)
	bus, err := openBus(ctx, busURL, queueURL)
	if err != nil {
		return fmt.Errorf("open EventBridge: %w", err)
	}
	defer bus.close()
	s, err := newStory(ctx, out, db, bus)
	if err != nil {
		return err
	}
	for _, chapter := range []func(context.Context) error{s.signUp, s.publish, s.consume, s.refusedSignUp, s.refusingBus} {
		if err := chapter(ctx); err != nil {
			return err
		}
	}
	s.say("\nCommitted %d events, published %d, invented 0, lost 0.", len(s.committed), len(s.consumed))
	return nil
}
