package enginetest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
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
	// Queue is the rule's target.
	Queue Queue
	// DLQ is where Queue sends a message that was received three times and not
	// deleted, and where the rule sends what it cannot deliver.
	DLQ Queue
}

// BusOptions say what bus is made.
type BusOptions struct {
	// Pattern is the event pattern of the rule. "" means every event.
	Pattern string
}

// NewBus makes a bus, a rule and its target queue with a dead-letter queue, on
// moto. They go with the test.
func NewBus(t testing.TB, e *engine.Engine, optFns ...func(*BusOptions)) Bus {
	t.Helper()
	opts := BusOptions{Pattern: everyEvent}
	for _, fn := range optFns {
		fn(&opts)
	}
	r, err := e.NewRoute(t.Context(), Unique(t), opts.Pattern, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.DeleteRoute(context.Background(), r); err != nil { // the test's context has ended by now
			t.Logf("delete bus %s: %v", r.Bus, err)
		}
	})
	return Bus{Name: r.Bus, Queue: Queue{r.Queue, e.SQS()}, DLQ: Queue{r.DLQ, e.SQS()}}
}

// Queue is a queue that was made for a test.
type Queue struct {
	engine.Queue
	sqs *sqs.Client
}

// NewQueue makes a standard queue on moto. It goes with the test. A message
// that was received is visible again after 30 seconds, unless deleted.
func NewQueue(t testing.TB, e *engine.Engine) Queue {
	t.Helper()
	q, err := e.NewQueue(t.Context(), Unique(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.DeleteQueue(context.Background(), q); err != nil {
			t.Logf("delete queue %s: %v", q.URL, err)
		}
	})
	return Queue{q, e.SQS()}
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
