// Command config is the least that a relay in Go can be: a Lambda function that
// imports the SDK's EventBridge client. The cold start of the example's relay is
// measured against it.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	client := eventbridge.NewFromConfig(cfg)
	lambda.Start(func(ctx context.Context) error {
		_, err := client.PutEvents(ctx, &eventbridge.PutEventsInput{})
		return err
	})
}
