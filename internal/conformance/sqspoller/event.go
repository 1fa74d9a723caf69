package sqspoller

import (
	"encoding/json"
	"slices"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

// event is what Lambda would send for the messages:
// https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html#example-standard-queue-message-event
func event(messages []types.Message) ([]byte, error) {
	var batch events.SQSEvent
	for _, m := range messages {
		out := events.SQSMessage{
			MessageId: aws.ToString(m.MessageId), ReceiptHandle: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body),
			Md5OfBody: aws.ToString(m.MD5OfBody), Md5OfMessageAttributes: aws.ToString(m.MD5OfMessageAttributes),
			Attributes: m.Attributes, MessageAttributes: map[string]events.SQSMessageAttribute{},
			EventSource: "aws:sqs", AWSRegion: engine.Region,
		}
		for name, a := range m.MessageAttributes {
			out.MessageAttributes[name] = events.SQSMessageAttribute{StringValue: a.StringValue, BinaryValue: a.BinaryValue, DataType: aws.ToString(a.DataType)}
		}
		batch.Records = append(batch.Records, out)
	}
	return json.Marshal(batch)
}

// failed returns the ids of the messages that the answer leaves undone.
func failed(ids []string, response []byte, err error, heed bool) []string {
	if err != nil {
		return ids
	}
	if !heed {
		return nil
	}
	if len(response) == 0 {
		return nil
	}
	var answer *struct {
		BatchItemFailures []struct{ ItemIdentifier *string }
	}
	if json.Unmarshal(response, &answer) != nil {
		return ids
	}
	if answer == nil {
		return nil
	}
	var undone []string
	for _, f := range answer.BatchItemFailures {
		if f.ItemIdentifier == nil || !slices.Contains(ids, *f.ItemIdentifier) {
			return ids
		}
		undone = append(undone, *f.ItemIdentifier)
	}
	return undone
}
