// Package sqspoller plays Lambda's event source mapping for a standard SQS queue:
// it receives messages, hands them to a handler as the JSON that Lambda sends,
// and does with the answer what Lambda does.
//
// The rules are those of
// https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html:
//
//   - What succeeded is deleted. What failed stays, and is visible again when
//     its visibility timeout has run out; how often, and when it goes to the
//     dead-letter queue, is the queue's business.
//   - An error, or an answer that cannot be read, fails the whole batch.
//   - With ReportBatchItemFailures, the messages that batchItemFailures names by
//     their messageId have failed. An empty or absent list is success; an
//     itemIdentifier that is empty, null, absent or not in the batch fails the
//     whole batch.
//   - Without ReportBatchItemFailures, any answer is success, whatever it lists.
package sqspoller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// APIClient is the part of the SQS client that is used.
type APIClient interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *sqs.ChangeMessageVisibilityBatchInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityBatchOutput, error)
}

var _ APIClient = (*sqs.Client)(nil)

// Options are the settings of the event source mapping.
type Options struct {
	// BatchSize is the largest number of messages in a batch, 1 to 10. Zero
	// means 10.
	BatchSize int
	// ReportBatchItemFailures makes the poller heed the handler's
	// batchItemFailures. False means that the list is ignored, as Lambda does.
	ReportBatchItemFailures bool
	// Timeout is the function's timeout: the deadline of each invocation's
	// context. An answer that comes later is an error, whatever it says. Zero
	// means no deadline of its own.
	Timeout time.Duration
	// Hurry makes a message that has failed visible again at once, which Lambda
	// does not do: for tests whose queue has a long visibility timeout.
	Hurry bool
}

// Poller reads one queue. Any number of Drain and Run may run at a time, as
// Lambda has several pollers for a queue.
type Poller struct {
	client  APIClient
	url     string
	handler lambda.Handler
	opts    Options

	mu          sync.Mutex // guards invocations
	invocations []Invocation
}

// New returns a poller of the queue with this URL.
func New(client APIClient, queueURL string, h lambda.Handler, optFns ...func(*Options)) (*Poller, error) {
	var opts Options
	for _, fn := range optFns {
		fn(&opts)
	}
	if opts.BatchSize == 0 {
		opts.BatchSize = 10
	}
	switch {
	case client == nil || h == nil:
		return nil, errors.New("sqspoller: client and handler must not be nil")
	case queueURL == "":
		return nil, errors.New("sqspoller: the queue's URL is empty")
	case opts.BatchSize < 1 || opts.BatchSize > 10:
		return nil, fmt.Errorf("sqspoller: BatchSize is %d; one call of ReceiveMessage gives 1 to 10", opts.BatchSize)
	case opts.Timeout < 0:
		return nil, fmt.Errorf("sqspoller: Timeout is %s; it must not be negative", opts.Timeout)
	}
	return &Poller{client: client, url: queueURL, handler: h, opts: opts}, nil
}

// Invocation is one call of the handler.
type Invocation struct {
	MessageIDs []string // of the batch, in its order
	Payload    []byte   // the event that the handler got
	Response   []byte   // what it answered
	Err        error    // what it returned as its error
	Failed     []string // the ids of the messages that the poller took for failed
}

// Invocations returns what was invoked so far, in the order of the answers.
func (p *Poller) Invocations() []Invocation {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.invocations)
}

// pollEvery is the pause between two looks at a queue with nothing visible.
const pollEvery = 25 * time.Millisecond

// Drain hands over messages until the queue is empty, messages included that
// somebody has received and not yet deleted, or until ctx ends (with its error).
func (p *Poller) Drain(ctx context.Context) error {
	return p.run(ctx, func(n int) (bool, error) {
		if n > 0 {
			return false, nil
		}
		left, err := p.left(ctx)
		return left == 0, err
	})
}

// Run hands over messages as they come, until ctx ends, which is no error, or
// until the queue cannot be read.
func (p *Poller) Run(ctx context.Context) error {
	if err := p.run(ctx, func(int) (bool, error) { return false, nil }); ctx.Err() == nil {
		return err
	}
	return nil
}

// run makes one pass after another until done says so; done is told how many
// messages the pass had.
func (p *Poller) run(ctx context.Context, done func(n int) (bool, error)) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		n, err := p.pass(ctx)
		if err != nil {
			return err
		}
		if end, err := done(n); err != nil || end {
			return err
		}
		if n > 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// left returns how many messages the queue has, visible or not.
func (p *Poller) left(ctx context.Context) (int, error) {
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	out, err := p.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &p.url, AttributeNames: names})
	if err != nil {
		return 0, fmt.Errorf("sqspoller: %w", err)
	}
	left := 0
	for _, name := range names {
		n, err := strconv.Atoi(out.Attributes[string(name)])
		if err != nil {
			return 0, fmt.Errorf("sqspoller: attribute %s: %w", name, err)
		}
		left += n
	}
	return left, nil
}

// pass receives a batch, invokes the handler with it and settles it.
func (p *Poller) pass(ctx context.Context) (int, error) {
	out, err := p.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &p.url, MaxNumberOfMessages: int32(p.opts.BatchSize),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	})
	if err != nil {
		return 0, fmt.Errorf("sqspoller: receive: %w", err)
	}
	if len(out.Messages) == 0 {
		return 0, nil
	}
	inv, err := p.invoke(ctx, out.Messages)
	if err != nil {
		return 0, err
	}
	// What is done is done, also when ctx has ended meanwhile.
	return len(out.Messages), p.settle(context.WithoutCancel(ctx), out.Messages, inv.Failed)
}

func (p *Poller) invoke(ctx context.Context, messages []types.Message) (Invocation, error) {
	if p.opts.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.opts.Timeout)
		defer cancel()
	}
	var inv Invocation
	for _, m := range messages {
		inv.MessageIDs = append(inv.MessageIDs, aws.ToString(m.MessageId))
	}
	var err error
	if inv.Payload, err = event(messages); err != nil {
		return inv, err
	}
	inv.Response, inv.Err = call(ctx, p.handler, slices.Clone(inv.Payload))
	if inv.Err == nil && p.opts.Timeout > 0 && ctx.Err() != nil {
		inv.Err = fmt.Errorf("sqspoller: the answer came after the timeout of %s: %w", p.opts.Timeout, ctx.Err())
	}
	inv.Failed = failed(inv.MessageIDs, inv.Response, inv.Err, p.opts.ReportBatchItemFailures)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.invocations = append(p.invocations, inv)
	return inv, nil
}

// call invokes the handler; a panic is an error, as in Lambda.
func call(ctx context.Context, h lambda.Handler, payload []byte) (response []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			response, err = nil, fmt.Errorf("sqspoller: the handler panicked: %v", r)
		}
	}()
	return h.Invoke(ctx, payload)
}

// settle deletes what is done, and hurries what is not if it is asked to.
func (p *Poller) settle(ctx context.Context, messages []types.Message, failed []string) error {
	var done []types.DeleteMessageBatchRequestEntry
	var again []types.ChangeMessageVisibilityBatchRequestEntry
	for i, m := range messages {
		id := aws.String(strconv.Itoa(i))
		if slices.Contains(failed, aws.ToString(m.MessageId)) {
			again = append(again, types.ChangeMessageVisibilityBatchRequestEntry{Id: id, ReceiptHandle: m.ReceiptHandle})
		} else {
			done = append(done, types.DeleteMessageBatchRequestEntry{Id: id, ReceiptHandle: m.ReceiptHandle})
		}
	}
	if len(done) > 0 {
		if _, err := p.client.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &p.url, Entries: done}); err != nil {
			return fmt.Errorf("sqspoller: delete: %w", err)
		}
	}
	if len(again) > 0 && p.opts.Hurry {
		if _, err := p.client.ChangeMessageVisibilityBatch(ctx, &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &p.url, Entries: again}); err != nil {
			return fmt.Errorf("sqspoller: change visibility: %w", err)
		}
	}
	return nil
}
