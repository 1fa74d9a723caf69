// Command block is a relay without dead letters, and without the SDK's module
// config: what the library adds to the least, which is in the folder noconfig.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

func main() {
	client := eventbridge.New(eventbridge.Options{Region: os.Getenv("AWS_REGION"), Credentials: aws.CredentialsProviderFunc(credentials)})
	h, err := relay.NewHandler(relay.NewEventBridge(client, os.Getenv("EVENT_BUS_NAME")), relay.Block)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lambda.Start(h)
}

func credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}, nil
}
