package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

// everyEvent is a rule's pattern that matches each event.
const everyEvent = `{"source":[{"prefix":""}]}`

// Bus is an event bus that was made for a test, with one rule whose target is a
// queue.
type Bus struct {
	Name string
	ARN  string
	Rule string
	// Queue is the rule's target.
	Queue Queue
	// DLQ is where Queue sends a message that was received three times and not
	// deleted, and where the rule sends what it cannot deliver.
	DLQ Queue
}

// BusOptions say what bus is made.
type BusOptions struct {
	// Name is the bus's name. "" means one of its own for the test.
	Name string
	// Pattern is the event pattern of the rule. "" means every event.
	Pattern string
}

// NewBus makes a bus, a rule and its target queue with a dead-letter queue, on
// moto. They go with the test.
func NewBus(t testing.TB, e *engine.Engine, optFns ...func(*BusOptions)) Bus {
	t.Helper()
	var opts BusOptions
	for _, fn := range optFns {
		fn(&opts)
	}
	if opts.Name == "" {
		opts.Name = Unique(t)
	}
	if opts.Pattern == "" {
		opts.Pattern = everyEvent
	}
	b := Bus{Name: opts.Name, Rule: opts.Name + "-rule", DLQ: NewQueue(t, e)}
	b.Queue = NewQueue(t, e, func(in *sqs.CreateQueueInput) {
		in.Attributes = map[string]string{"RedrivePolicy": fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":3}`, b.DLQ.ARN)}
	})
	if err := b.make(t, e.EventBridge(), opts.Pattern); err != nil {
		t.Fatalf("make bus %s on %s: %v", b.Name, e.Name, err)
	}
	return b
}

func (b *Bus) make(t testing.TB, c *eventbridge.Client, pattern string) error {
	ctx := t.Context()
	bus, err := c.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: &b.Name})
	if err != nil {
		return err
	}
	b.ARN = aws.ToString(bus.EventBusArn)
	if _, err := c.PutRule(ctx, &eventbridge.PutRuleInput{EventBusName: &b.Name, Name: &b.Rule, EventPattern: &pattern}); err != nil {
		return err
	}
	target := ebtypes.Target{Id: aws.String("queue"), Arn: &b.Queue.ARN, DeadLetterConfig: &ebtypes.DeadLetterConfig{Arn: &b.DLQ.ARN}}
	put, err := c.PutTargets(ctx, &eventbridge.PutTargetsInput{EventBusName: &b.Name, Rule: &b.Rule, Targets: []ebtypes.Target{target}})
	if err != nil {
		return err
	}
	if put.FailedEntryCount > 0 {
		return fmt.Errorf("target refused: %s", aws.ToString(put.FailedEntries[0].ErrorMessage))
	}
	t.Cleanup(func() {
		ctx := context.Background() // the test's context has ended by now
		_, err1 := c.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{EventBusName: &b.Name, Rule: &b.Rule, Ids: []string{"queue"}})
		_, err2 := c.DeleteRule(ctx, &eventbridge.DeleteRuleInput{EventBusName: &b.Name, Name: &b.Rule})
		_, err3 := c.DeleteEventBus(ctx, &eventbridge.DeleteEventBusInput{Name: &b.Name})
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Logf("delete bus %s: %v", b.Name, err)
		}
	})
	return nil
}

// Queue is a queue that was made for a test.
type Queue struct {
	URL string
	ARN string
	sqs *sqs.Client
}

// NewQueue makes a standard queue on moto. It goes with the test. A message
// that was received is visible again after 30 seconds, unless deleted.
func NewQueue(t testing.TB, e *engine.Engine, optFns ...func(*sqs.CreateQueueInput)) Queue {
	t.Helper()
	in := &sqs.CreateQueueInput{QueueName: aws.String(Unique(t))}
	for _, fn := range optFns {
		fn(in)
	}
	q := Queue{sqs: e.SQS()}
	out, err := q.sqs.CreateQueue(t.Context(), in)
	if err != nil {
		t.Fatalf("create queue on %s: %v", e.Name, err)
	}
	q.URL = aws.ToString(out.QueueUrl)
	attrs, err := q.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: &q.URL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		t.Fatalf("describe queue %s: %v", q.URL, err)
	}
	q.ARN = attrs.Attributes[string(types.QueueAttributeNameQueueArn)]
	t.Cleanup(func() {
		if _, err := q.sqs.DeleteQueue(context.Background(), &sqs.DeleteQueueInput{QueueUrl: &q.URL}); err != nil {
			t.Logf("delete queue %s: %v", q.URL, err)
		}
	})
	return q
}

// patience is how long Receive waits for a message that is missing.
const patience = 10 * time.Second

// Receive takes n messages off the queue and fails the test if they do not come
// in time. More may be left.
func (q Queue) Receive(t testing.TB, n int) []types.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var got []types.Message
	for len(got) < n {
		page, err := q.take(ctx, min(10, n-len(got)), time.Second)
		if err != nil {
			t.Fatalf("received %d of %d messages from %s: %v", len(got), n, q.URL, err)
		}
		got = append(got, page...)
	}
	return got
}

// Drain takes every message off the queue that is there now. On moto a rule
// delivers before PutEvents answers, so what was accepted is there.
func (q Queue) Drain(t testing.TB) []types.Message {
	t.Helper()
	var got []types.Message
	for {
		page, err := q.take(t.Context(), 10, 0)
		if err != nil {
			t.Fatalf("drain %s: %v", q.URL, err)
		}
		if len(page) == 0 {
			return got
		}
		got = append(got, page...)
	}
}

// take receives and deletes up to n messages.
func (q Queue) take(ctx context.Context, n int, wait time.Duration) ([]types.Message, error) {
	out, err := q.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.URL, MaxNumberOfMessages: int32(n), WaitTimeSeconds: int32(wait / time.Second),
	})
	if err != nil || len(out.Messages) == 0 {
		return nil, err
	}
	del := &sqs.DeleteMessageBatchInput{QueueUrl: &q.URL}
	for i, m := range out.Messages {
		del.Entries = append(del.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
	}
	if _, err := q.sqs.DeleteMessageBatch(ctx, del); err != nil {
		return nil, err
	}
	return out.Messages, nil
}

// EventIDs returns headers.eventId of the EventBridge event in each message, in
// their order, "" for a message that has none.
func EventIDs(t testing.TB, messages []types.Message) []string {
	t.Helper()
	ids := make([]string, 0, len(messages))
	for _, m := range messages {
		var event struct {
			Detail struct {
				Headers struct {
					EventID string `json:"eventId"`
				} `json:"headers"`
			} `json:"detail"`
		}
		if err := json.Unmarshal([]byte(aws.ToString(m.Body)), &event); err != nil {
			t.Fatalf("message %s is no EventBridge event: %v", aws.ToString(m.MessageId), err)
		}
		ids = append(ids, event.Detail.Headers.EventID)
	}
	return ids
}
