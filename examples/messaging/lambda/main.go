// Command lambda is the messaging service as a Lambda function
// (provided.al2023) on an SQS queue, whose event source mapping must have
// ReportBatchItemFailures.
//
//	CGO_ENABLED=0 go build -tags lambda.norpc -o bootstrap ./messaging/lambda
//
// Its environment: MESSAGING_TABLE, EVENT_STORE_TABLE, SERVICE_NAME
// (messagingService if it is not set), MAIL_FROM, MAILER (ses or smtp; ses if it
// is not set), SMTP_ADDR for smtp, SES_CONFIGURATION_SET if there is one,
// OTEL_TRACES_EXPORTER (console or none), and what the AWS SDK reads.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/messaging"
)

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
	name := os.Getenv("SERVICE_NAME")
	if name == "" {
		name = "messagingService"
	}
	tracer, err := newTracer(name, out)
	if err != nil {
		return err
	}
	mailer, err := newMailer(cfg)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(out, nil)).With("service", name)
	service, err := messaging.New(dynamodb.NewFromConfig(cfg), mailer, messaging.Config{
		Table:           os.Getenv("MESSAGING_TABLE"),
		EventStoreTable: os.Getenv("EVENT_STORE_TABLE"),
		ServiceName:     name,
		Region:          cfg.Region,
		From:            os.Getenv("MAIL_FROM"),
		Logger:          log,
		Tracer:          tracer,
	})
	if err != nil {
		return err
	}
	// Lambda ends an idle process with SIGTERM: the last moment to say goodbye.
	lambda.StartWithOptions(service, lambda.WithEnableSIGTERM(func() {
		log.Info("shutting down")
		_ = tracer.Shutdown(ctx) // spans are written as they end, so nothing is left
	}))
	return nil
}

func newMailer(cfg aws.Config) (messaging.Mailer, error) {
	switch kind := os.Getenv("MAILER"); kind {
	case "", "ses":
		return messaging.SES{Client: sesv2.NewFromConfig(cfg), ConfigurationSet: os.Getenv("SES_CONFIGURATION_SET")}, nil
	case "smtp":
		addr := os.Getenv("SMTP_ADDR")
		if addr == "" {
			return nil, fmt.Errorf("messaging: MAILER is smtp and SMTP_ADDR is not set")
		}
		return messaging.SMTP{Addr: addr}, nil
	default:
		return nil, fmt.Errorf("messaging: MAILER is %q; it can be ses or smtp", kind)
	}
}
