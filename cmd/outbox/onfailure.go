package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// record is the source of one on-failure record.
func (c *replayCmd) record(cfg aws.Config, s eventStore, text []byte) relay.Source {
	return recovery.OnFailure(dynamodbstreams.NewFromConfig(cfg), dynamodb.NewFromConfig(cfg), s.table, s.layout, text,
		func(o *recovery.OnFailureOptions) { c.options(&o.ScanOptions) })
}

// object reads the object of an on-failure destination.
func (c *replayCmd) object(ctx context.Context, a *app, cfg aws.Config) ([]byte, error) {
	rest, ok := strings.CutPrefix(c.OnFailureObject, "s3://")
	if !ok {
		text, err := a.input(c.OnFailureObject)
		if err != nil {
			return nil, usage("--on-failure-object: %v", err)
		}
		return text, nil
	}
	bucket, key, ok := strings.Cut(rest, "/")
	if !ok || bucket == "" || key == "" {
		return nil, usage("--on-failure-object %s: it has the form s3://BUCKET/KEY", c.OnFailureObject)
	}
	out, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil }).GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c.OnFailureObject, err)
	}
	defer out.Body.Close()
	text, err := io.ReadAll(out.Body)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c.OnFailureObject, err)
	}
	return text, nil
}

// hidden is for how long, in seconds, a message is kept from other readers while
// its events are published. If that takes longer, another reader may publish them
// too.
const hidden = 900

// queue yields a job for each message of the queue. The message goes when its job
// is done; else, and where nothing is executed, it is given back.
func (c *replayCmd) queue(ctx context.Context, cfg aws.Config, s eventStore) iter.Seq2[job, error] {
	return func(yield func(job, error) bool) {
		client := sqs.NewFromConfig(cfg)
		url, err := queueURL(ctx, client, c.OnFailureQueue)
		if err != nil {
			yield(job{}, err)
			return
		}
		seen := map[string]bool{}
		for {
			// A wait of a second makes SQS ask all of its servers, so an empty answer means
			// an empty queue
			// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html).
			out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 1, WaitTimeSeconds: 1, VisibilityTimeout: hidden})
			if err != nil {
				yield(job{}, fmt.Errorf("receive from %s: %w", c.OnFailureQueue, err))
				return
			}
			if len(out.Messages) == 0 {
				return
			}
			m := out.Messages[0]
			id := aws.ToString(m.MessageId)
			back := func(ctx context.Context) error {
				// Not by a timeout of 0 above: the SDK leaves that out, and it means the queue's own.
				_, err := client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
				return err
			}
			if seen[id] {
				_ = back(ctx) // it has come back by itself, and can again
				return
			}
			seen[id] = true
			deleted := false
			j := job{source: c.record(cfg, s, []byte(aws.ToString(m.Body))), message: id, done: func(ctx context.Context) error {
				_, err := client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
				if err != nil {
					return fmt.Errorf("the events of message %s are published, but it could not be deleted from %s: %w", id, c.OnFailureQueue, err)
				}
				deleted = true
				return nil
			}}
			defer func() { // not before the end, or it would come again at once
				if !deleted {
					_ = back(context.WithoutCancel(ctx)) // else it comes back later
				}
			}()
			if !yield(j, nil) {
				return
			}
		}
	}
}

// queueURL finds a queue by its name; a URL is one already.
func queueURL(ctx context.Context, client *sqs.Client, name string) (string, error) {
	if strings.Contains(name, "://") {
		return name, nil
	}
	out, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return "", fmt.Errorf("queue %s: %w", name, err)
	}
	return aws.ToString(out.QueueUrl), nil
}
