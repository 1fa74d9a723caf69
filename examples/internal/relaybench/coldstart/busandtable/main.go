// Command busandtable is what the SDK alone costs a relay with a table of dead
// letters: a Lambda function with the clients of EventBridge and DynamoDB.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
)

func main() {
	cfg, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	client, table := eventbridge.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg)
	lambda.Start(func(ctx context.Context) error {
		if _, err := table.PutItem(ctx, &dynamodb.PutItemInput{}); err != nil {
			return err
		}
		_, err := client.PutEvents(ctx, &eventbridge.PutEventsInput{})
		return err
	})
}
