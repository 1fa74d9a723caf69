package doctor

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	aboutLambdaSQS = "https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"
	aboutRedrive   = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html"
	aboutSize      = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html"
	largestMessage = 1 << 20
)

// queue is what the doctor knows of a queue.
type queue struct {
	name, arn  string
	attributes map[string]string
}

// number is a numeric attribute, ok if it is there.
func (q *queue) number(name types.QueueAttributeName) (n int, ok bool) {
	n, err := strconv.Atoi(q.attributes[string(name)])
	return n, err == nil
}

// readQueue reads a queue by its name, in the account that owns it; empty means
// the caller's own.
func (in *inspection) readQueue(ctx context.Context, name, account string) (*queue, error) {
	input := &sqs.GetQueueUrlInput{QueueName: &name}
	if account != "" {
		input.QueueOwnerAWSAccountId = &account
	}
	url, err := in.queues.GetQueueUrl(ctx, input)
	if err != nil {
		return nil, err
	}
	out, err := in.queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: url.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		return nil, err
	}
	return &queue{name: name, arn: out.Attributes[string(types.QueueAttributeNameQueueArn)], attributes: out.Attributes}, nil
}

// queueExists checks that the queue with an ARN is there, and returns it, nil
// if it is not or cannot be read.
func (in *inspection) queueExists(ctx context.Context, check, arn, absent string) *queue {
	parts := strings.Split(arn, ":")
	if service(arn) != "sqs" {
		in.report.unchecked(Finding{Check: check, Subject: arn, Found: "not the ARN of a queue", Want: "a queue"}, "the doctor looks at queues only")
		return nil
	}
	q, err := in.readQueue(ctx, parts[5], parts[4])
	if err != nil {
		in.unreadable(check, "queue "+parts[5], absent, err)
		return nil
	}
	in.report.verdict(true, Problem, Finding{Check: check, Subject: "queue " + q.name, Found: "it exists"})
	return q
}

// messagingQueue checks the rule's target.
func (in *inspection) messagingQueue(ctx context.Context) {
	q, err := in.readQueue(ctx, in.Queue, "")
	if err != nil {
		in.unreadable("queue.exists", "queue "+in.Queue, "the rule has nowhere to deliver to", err)
		return
	}
	in.queue = q
	subject := "queue " + q.name
	in.report.verdict(true, Problem, Finding{Check: "queue.exists", Subject: subject, Found: "it exists"})
	in.maySend("queue.policy", q)

	size, _ := q.number(types.QueueAttributeNameMaximumMessageSize)
	in.report.verdict(size >= largestMessage, Warning, Finding{
		Check: "queue.message-size", Subject: subject, Found: fmt.Sprintf("%d bytes", size), Want: fmt.Sprintf("%d bytes", largestMessage), See: aboutSize,
		Why: "the bus takes larger events than the queue: they end in the dead-letter queue of the rule", Mend: fmt.Sprintf("set MaximumMessageSize to %d", largestMessage),
	})
	in.visibility(subject, q)
	in.redrive(ctx, subject, q)
}

// visibility compares the queue's visibility timeout with the function behind
// it.
func (in *inspection) visibility(subject string, q *queue) {
	seconds, ok := q.number(types.QueueAttributeNameVisibilityTimeout)
	f := Finding{
		Check: "queue.visibility", Subject: subject, Found: fmt.Sprintf("%d s", seconds), See: aboutLambdaSQS,
		Why:  "a message comes again while it is still being worked on, or while its batch is being tried again",
		Mend: "raise the visibility timeout of the queue",
	}
	if in.consumer == nil || !ok {
		f.Mend = ""
		in.report.unchecked(f, "the timeout of "+in.Consumer+" is not known")
		return
	}
	timeout := int(aws.ToInt32(in.consumer.Timeout))
	f.Want = fmt.Sprintf("at least 6 × the %d s of %s", timeout, in.Consumer)
	bad := Warning
	if seconds < timeout { // Lambda refuses such a mapping; it may have been changed since
		bad = Problem
	}
	in.report.verdict(seconds >= 6*timeout, bad, f)
}

// redrive checks where messages go that fail again and again.
func (in *inspection) redrive(ctx context.Context, subject string, q *queue) {
	var policy struct {
		Target  string      `json:"deadLetterTargetArn"`
		Receive json.Number `json:"maxReceiveCount"`
	}
	text := q.attributes[string(types.QueueAttributeNameRedrivePolicy)]
	f := Finding{
		Check: "queue.dlq", Subject: subject, Found: orNone(text), Want: "a redrive policy", See: aboutRedrive,
		Why: "a message that can never be handled comes again until it expires, and takes room in every batch", Mend: "set a RedrivePolicy with maxReceiveCount 5",
	}
	if text == "" {
		in.report.verdict(false, Problem, f)
		return
	}
	// The count is a number or a text; json.Number takes both.
	if err := json.Unmarshal([]byte(text), &policy); err != nil || policy.Target == "" {
		in.report.unchecked(f, "it could not be read")
		return
	}
	in.report.verdict(true, Problem, f)
	receives, _ := strconv.Atoi(policy.Receive.String())
	in.report.verdict(receives >= 5, Warning, Finding{
		Check: "queue.receives", Subject: subject, Found: fmt.Sprint(receives), Want: "at least 5", See: aboutLambdaSQS,
		Why: "throttling counts as a receive: messages end in the dead-letter queue that were never tried so often", Mend: "raise maxReceiveCount",
	})
	dlq := in.queueExists(ctx, "queue.dlq-exists", policy.Target, "SQS keeps the messages that can never be handled in the queue")
	if dlq == nil {
		return
	}
	keeps, ok1 := q.number(types.QueueAttributeNameMessageRetentionPeriod)
	longer, ok2 := dlq.number(types.QueueAttributeNameMessageRetentionPeriod)
	if ok1 && ok2 {
		in.report.verdict(longer > keeps, Warning, Finding{
			Check: "queue.dlq-retention", Subject: "queue " + dlq.name, Found: fmt.Sprintf("%d s", longer), Want: fmt.Sprintf("more than the %d s of %s", keeps, q.name), See: aboutRedrive,
			Why: "a message keeps its age when it is moved: it may expire soon after", Mend: "raise MessageRetentionPeriod to 1209600",
		})
	}
}
