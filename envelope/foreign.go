package envelope

import (
	"fmt"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// isNotification reports whether an object is what SNS delivers to a queue
// without raw message delivery
// (https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html).
func (all object) isNotification() bool {
	return all.text("Type") == "Notification" && all.text("Message") != "" && !all.has("headers")
}

// missing is the problem of an object that lacks the members of an event: it
// says what the object is instead, and what to do with it.
func (all object) missing() string { return "missing; this " + all.looksLike() }

// looksLike quotes no values but the names of sources and types.
func (all object) looksLike() string {
	source := all.text("eventSource")
	switch {
	case all.has("headers", "payload"):
		return "is a Detail alone; give it to Parse"
	case all.has("detail", "detail-type"):
		if detail, err := objectOf(all["detail"], ""); err == nil && detail.has("headers") {
			return "is a whole EventBridge event; give it to FromEventBridge"
		}
		return fmt.Sprintf("is an EventBridge event of the source %q with the detail-type %q, which the outbox did not publish: see the rule's pattern",
			shortened(all.text("source")), shortened(all.text("detail-type")))
	case all.has("Records"):
		return records(all["Records"])
	case all.isNotification():
		return "is an SNS notification; give it to FromSQS"
	case all.has("Type", "Token"), all.has("Type", "TopicArn"):
		return fmt.Sprintf("is an SNS message of the type %s", shortened(all.text("Type")))
	case all.text("Event") == "s3:TestEvent":
		// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
		return "is the test event of S3, which a bucket's notifications send once"
	case source == "aws:dynamodb", all.has("dynamodb", "eventName"):
		return "is a DynamoDB stream record, as EventBridge Pipes sends it; it has not gone through the relay"
	case all.has("messageId", "body"), all.has("MessageId", "Body"):
		return "is a whole SQS message; give FromSQS its body"
	case all.has("DDBStreamBatchInfo"):
		return "is a record of a failed batch of the stream, from Lambda or EventBridge Pipes; the events are not in it"
	case all.has("payload"):
		return "is a payload without its headers"
	}
	return "looks like a payload alone: see the InputPath or InputTransformer of the rule's target"
}

// records says what the Records of a Lambda event are.
func records(array []byte) string {
	first := jsonlex.Space(array, 1)
	if jsonlex.At(array, 0) != '[' || jsonlex.At(array, first) != '{' {
		return "has Records, but not those of a Lambda event"
	}
	record, _ := objectOf(array[first:jsonlex.Skip(array, first)], "")
	source := record.text("eventSource")
	if source == "" {
		source = record.text("EventSource") // as SNS writes it
	}
	switch source {
	case "aws:sqs":
		return "is a whole SQS event; give FromSQS the body of each of its Records"
	case "aws:sns":
		return "is a whole SNS event; give FromSQS the Sns.Message of each of its Records"
	case "aws:dynamodb":
		return "is an event of aws:dynamodb; the relay takes it"
	case "":
		return "is a Lambda event with Records that do not name their source"
	}
	return fmt.Sprintf("is an event of %s, not of the outbox", shortened(source))
}
