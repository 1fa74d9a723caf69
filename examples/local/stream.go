package main

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/lambdapoller"
)

// streamPoller stands for the event source mapping between stream and relay,
// with the settings of the deploy templates.
func (s *stage) streamPoller(change func(*lambdapoller.Options)) (*lambdapoller.Poller, error) {
	relay := &patient{
		next: s.relay, switched: s.faults.switched,
		failed: func(error) {
			s.notes.tell("The relay could not publish all of its batch. The stream keeps the rest, and delivers it again.")
		},
		back: func() { s.notes.good("The relay is through: what had waited is published.") },
	}
	return lambdapoller.New(steadyStream{s.cloud.db.Streams()}, s.cloud.streamARN, relay, func(o *lambdapoller.Options) {
		o.BatchSize, o.ReportBatchItemFailures, o.Bisect = 100, true, true
		o.StuckAfter = 1 << 40 // a person may leave the bus down for as long as they like
		if change != nil {
			change(o)
		}
	})
}

// steadyStream reads on where DynamoDB Local says that a record was trimmed: an
// iterator of an empty shard breaks there with the first record
// (https://github.com/aws/aws-sdk-java/issues/2923). To the poller, the iterator
// has expired, and it asks for another one from where it was.
type steadyStream struct{ *dynamodbstreams.Client }

func (s steadyStream) GetRecords(ctx context.Context, in *dynamodbstreams.GetRecordsInput, optFns ...func(*dynamodbstreams.Options)) (*dynamodbstreams.GetRecordsOutput, error) {
	out, err := s.Client.GetRecords(ctx, in, optFns...)
	if trimmed := new(types.TrimmedDataAccessException); errors.As(err, &trimmed) {
		return nil, &types.ExpiredIteratorException{Message: trimmed.Message}
	}
	return out, err
}
