package relaytest

import (
	"fmt"
	"time"
)

// LambdaEvent returns what a rule of the bus gives to a Lambda target for an
// entry, which is also the body of the message that it sends to an SQS queue
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html).
// The time is in whole seconds, as AWS's examples have it.
func LambdaEvent(e Entry) []byte {
	return marshal(map[string]any{
		"version": "0", "id": e.ID, "detail-type": e.DetailType, "source": e.Source, "account": account, "region": region,
		"time": e.Time.UTC().Format(time.RFC3339), "resources": append([]string{}, e.Resources...), "detail": e.Detail,
	})
}

// SQSEvent returns what Lambda gives to a function whose queue is the target of a
// rule, for these entries as one batch
// (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html). A message keeps
// its id: to deliver it again, give its entry again.
func SQSEvent(entries ...Entry) []byte {
	messages := make([][]byte, len(entries))
	for i, e := range entries {
		sent := fmt.Sprint(time.Now().UnixMilli())
		messages[i] = marshal(map[string]any{
			"messageId": "message-" + e.ID, "receiptHandle": "receipt-" + e.ID, "body": string(LambdaEvent(e)),
			"attributes": map[string]string{
				"ApproximateReceiveCount": "1", "SentTimestamp": sent, "ApproximateFirstReceiveTimestamp": sent, "SenderId": "AIDAEXAMPLE",
			},
			"messageAttributes": struct{}{}, "eventSource": "aws:sqs", "awsRegion": region,
			"eventSourceARN": "arn:aws:sqs:" + region + ":" + account + ":consumer",
		})
	}
	return joined(`{"Records":[`, messages, `]}`)
}
