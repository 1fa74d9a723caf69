// Command quickstart shows the transactional outbox from end to end in a few
// seconds, on a machine with nothing but Go: a sign-up and its event are
// committed in one transaction, the relay publishes the event, a consumer acts
// on it once. Then the two failures that the outbox is for: a refused sign-up
// leaves no event, and a bus that refuses half of a batch loses none.
//
// DynamoDB and the bus are those of the library's test kits, in this process
// (outbox/outboxtest and relay/relaytest). That DynamoDB has no streams, so the
// committed event items are handed to the relay as the stream records that they
// would be. Package local of the examples runs all of it on real engines.
//
// It checks its own outcome and ends with status 1 if anything is not as it
// should be.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// run tells the story to out and returns an error as soon as something is not
// as it should be.
func run(ctx context.Context, out io.Writer) error {
	s, err := newStory(ctx, out)
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
