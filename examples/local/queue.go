package main

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

// batchOfQueue is the size of a batch, smaller than that of the deploy templates:
// here one has to be done within a timeout that a person waits for.
const batchOfQueue = 5

// lookEvery is the pause between two looks at a queue with nothing visible.
const lookEvery = 25 * time.Millisecond

// pollQueue stands for the event source mapping between queue and messaging
// service, with ReportBatchItemFailures as in the deploy templates
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html),
// until ctx ends. A call that failed, also one that failed because we broke the
// wire, is no reason to stop: what was not deleted comes again.
func (s *stage) pollQueue(ctx context.Context) {
	queues := s.cloud.moto.SQS(func(o *sqs.Options) { o.BaseEndpoint = aws.String(s.queueWire.URL) })
	for ctx.Err() == nil {
		switch n, err := s.fromQueue(ctx, queues); {
		case err != nil:
			pause(ctx, breath, nil)
		case n == 0:
			pause(ctx, lookEvery, nil)
		}
	}
}

// fromQueue hands a batch to the messaging service and deletes what it has done.
// It returns how many messages there were.
func (s *stage) fromQueue(ctx context.Context, queues *sqs.Client) (int, error) {
	got, err := queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &s.cloud.route.Queue.URL, MaxNumberOfMessages: batchOfQueue,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
	})
	if err != nil || len(got.Messages) == 0 {
		return 0, err
	}
	var batch events.SQSEvent
	for _, m := range got.Messages {
		batch.Records = append(batch.Records, events.SQSMessage{
			MessageId: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body),
			Attributes: m.Attributes, EventSource: "aws:sqs", AWSRegion: engine.Region,
		})
	}
	payload, err := json.Marshal(batch)
	if err != nil {
		return 0, err
	}
	s.sawMessages(payload)
	var failed events.SQSEventResponse
	answer, err := s.messaging.Invoke(ctx, payload)
	if err == nil {
		err = json.Unmarshal(answer, &failed)
	}
	if err != nil {
		return len(batch.Records), err // all of it comes again
	}
	done := &sqs.DeleteMessageBatchInput{QueueUrl: &s.cloud.route.Queue.URL}
	for i, m := range got.Messages {
		if !slices.Contains(failed.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: aws.ToString(m.MessageId)}) {
			done.Entries = append(done.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
		}
	}
	if len(done.Entries) > 0 {
		// What is done is done, also when ctx has ended meanwhile.
		_, err = queues.DeleteMessageBatch(context.WithoutCancel(ctx), done)
	}
	return len(batch.Records), err
}
