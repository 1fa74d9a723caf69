package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/sqspoller"
)

// queuePoller stands for the event source mapping between queue and messaging
// service, with the settings of the deploy templates, but for the size of a
// batch: here one has to be done within a timeout that a person waits for.
func (s *stage) queuePoller() (*sqspoller.Poller, error) {
	c := s.cloud.moto.SQS(func(o *sqs.Options) { o.BaseEndpoint = aws.String(s.queueWire.URL) })
	handler := lambdapoller.HandlerFunc(func(ctx context.Context, payload []byte) ([]byte, error) {
		s.sawMessages(payload)
		return s.messaging.Invoke(ctx, payload)
	})
	return sqspoller.New(c, s.cloud.queue, handler, func(o *sqspoller.Options) {
		o.BatchSize, o.ReportBatchItemFailures = 5, true
	})
}

// pollQueue runs the poller until ctx ends. A call that failed, also one that
// failed because we broke the wire, is no reason to stop: what was not deleted comes again.
func pollQueue(ctx context.Context, p *sqspoller.Poller) {
	for p.Run(ctx) != nil {
		pause(ctx, breath, nil)
	}
}
