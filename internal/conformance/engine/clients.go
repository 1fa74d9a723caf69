package engine

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// Region is the AWS region that the clients of every engine name.
const Region = "eu-west-1"

// AccountID is the AWS account that moto and MiniStack play.
const AccountID = "123456789012"

// AccessKey and SecretKey are the credentials of every client.
const (
	AccessKey = "OUTBOXTESTKEY0000000"
	SecretKey = "outboxtestsecret"
)

// Config is the AWS configuration for the engine. DynamoDB Local keeps one
// database per access key and refuses keys with other characters than letters
// and digits, so every client has the same plain key.
func (e *Engine) Config() aws.Config {
	return configFor(e.URL)
}

func configFor(url string) aws.Config {
	return aws.Config{
		Region:       Region,
		BaseEndpoint: aws.String(url),
		Credentials:  credentials.NewStaticCredentialsProvider(AccessKey, SecretKey, ""),
		HTTPClient:   wholeHTTP,
	}
}

// DynamoDB returns a new SDK client of the engine.
func (e *Engine) DynamoDB(optFns ...func(*dynamodb.Options)) *dynamodb.Client {
	return dynamodb.NewFromConfig(e.Config(), optFns...)
}

// Streams returns a new SDK client of the engine. For DynamoDB Local its HTTP
// client repairs the empty maps of stream records, which that engine writes
// wrongly.
func (e *Engine) Streams(optFns ...func(*dynamodbstreams.Options)) *dynamodbstreams.Client {
	if e.Name == DynamoDBLocal {
		repair := func(o *dynamodbstreams.Options) { o.HTTPClient = streamsHTTP }
		optFns = append([]func(*dynamodbstreams.Options){repair}, optFns...)
	}
	return dynamodbstreams.NewFromConfig(e.Config(), optFns...)
}

// EventBridge returns a new SDK client of the engine.
func (e *Engine) EventBridge(optFns ...func(*eventbridge.Options)) *eventbridge.Client {
	return eventbridge.NewFromConfig(e.Config(), optFns...)
}

// SQS returns a new SDK client of the engine.
func (e *Engine) SQS(optFns ...func(*sqs.Options)) *sqs.Client {
	return sqs.NewFromConfig(e.Config(), optFns...)
}

// answersDynamoDB asks for the tables; the client does not retry, for the
// caller does.
func answersDynamoDB(ctx context.Context, url string) error {
	c := dynamodb.NewFromConfig(configFor(url), func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} })
	_, err := c.ListTables(ctx, &dynamodb.ListTablesInput{Limit: aws.Int32(1)})
	return err
}

// answersMoto asks both services, which moto loads at their first call.
func answersMoto(ctx context.Context, url string) error {
	cfg := configFor(url)
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	if _, err := eventbridge.NewFromConfig(cfg).ListEventBuses(ctx, &eventbridge.ListEventBusesInput{}); err != nil {
		return err
	}
	_, err := sqs.NewFromConfig(cfg).ListQueues(ctx, &sqs.ListQueuesInput{})
	return err
}
