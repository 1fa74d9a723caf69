// Command lambda is the relay as a Lambda function (provided.al2023) on the
// stream of the event store. The event source mapping must have
// ReportBatchItemFailures in its FunctionResponseTypes.
//
//	CGO_ENABLED=0 go build -tags lambda.norpc -o bootstrap ./relay/lambda
//
// Its environment: EVENT_BUS_NAME, DEAD_LETTER_TABLE, JOURNAL_TABLE (without it
// there is no journal), METRICS_NAMESPACE (the
// library's own if it is not set), OUTBOX_REGION for a global table, where each
// region publishes its own events, PARTIAL_BATCH_RESPONSE (off for a mapping that
// ignores the answer: the whole batch fails then), and what the AWS SDK reads.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
)

// journalTTL is how far back anybody may ask what was published.
const journalTTL = 90 * 24 * time.Hour

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until the process is ended.
func run(ctx context.Context, out io.Writer) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(out, nil)).With("service", "relay")
	bus := relay.NewEventBridge(eventbridge.NewFromConfig(cfg), os.Getenv("EVENT_BUS_NAME"),
		func(o *relay.EventBridgeOptions) { o.Logger = log })
	db := dynamodb.NewFromConfig(cfg)
	deadLetters := deadletter.New(db, os.Getenv("DEAD_LETTER_TABLE"))
	h, err := relay.NewHandler(bus, deadLetters, func(o *relay.Options) {
		o.PartialBatchResponse = os.Getenv("PARTIAL_BATCH_RESPONSE") != "off"
		o.Region = os.Getenv("OUTBOX_REGION")
		if table := os.Getenv("JOURNAL_TABLE"); table != "" {
			o.Journal = journal.New(db, table, func(o *journal.Options) { o.TTL = journalTTL })
		}
		o.Logger = log
		o.Metrics = relay.EMF(out, func(o *relay.EMFOptions) { o.Namespace = os.Getenv("METRICS_NAMESPACE") })
	})
	if err != nil {
		return err
	}
	lambda.Start(h)
	return nil
}
