// Command noconfig is the least that a function in Go which publishes can be: a
// Lambda function with the SDK's EventBridge client, whose credentials are read
// from the environment and not by the SDK's module config. The cold start of a
// relay without dead letters is measured against it.
package main

import (
	"context"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
)

func main() {
	client := eventbridge.New(eventbridge.Options{Region: os.Getenv("AWS_REGION"), Credentials: aws.CredentialsProviderFunc(credentials)})
	lambda.Start(func(ctx context.Context) error {
		_, err := client.PutEvents(ctx, &eventbridge.PutEventsInput{})
		return err
	})
}

func credentials(context.Context) (aws.Credentials, error) {
	return aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}, nil
}
