// Command lambda is the user service as a Lambda function (provided.al2023)
// behind an API Gateway HTTP API.
//
//	CGO_ENABLED=0 go build -tags lambda.norpc -o bootstrap ./userservice/lambda
//
// Its environment: USERS_TABLE, EVENT_STORE_TABLE, SERVICE_NAME (userService if
// it is not set), OTEL_TRACES_EXPORTER (console or none), and what the AWS SDK
// reads.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/userservice"
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
		name = "userService"
	}
	tracer, err := newTracer(name, out)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(out, nil)).With("service", name)
	service, err := userservice.New(dynamodb.NewFromConfig(cfg), userservice.Config{
		UsersTable:      os.Getenv("USERS_TABLE"),
		EventStoreTable: os.Getenv("EVENT_STORE_TABLE"),
		ServiceName:     name,
		Region:          cfg.Region,
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
