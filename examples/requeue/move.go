package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// APIClient is what the command needs of SQS.
type APIClient interface {
	GetQueueUrl(context.Context, *sqs.GetQueueUrlInput, ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error)
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	ChangeMessageVisibility(context.Context, *sqs.ChangeMessageVisibilityInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error)
	DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
}

var _ APIClient = (*sqs.Client)(nil)

// queue is a queue by what its API wants.
type queue struct{ name, url, arn, messages string }

// move is one run: from one queue to another.
type move struct {
	client   APIClient
	from, to queue
	out      io.Writer

	moved int
	left  map[string]bool // by message id
}

func newMove(ctx context.Context, client APIClient, from, to string, out io.Writer) (*move, error) {
	m := &move{client: client, out: out, left: map[string]bool{}}
	var err error
	if m.from, err = m.find(ctx, from); err != nil {
		return nil, err
	}
	m.to, err = m.find(ctx, to)
	return m, err
}

func (m *move) find(ctx context.Context, name string) (queue, error) {
	url, err := m.client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
	if err != nil {
		return queue{}, fmt.Errorf("queue %s: %w", name, err)
	}
	attributes, err := m.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: url.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn, types.QueueAttributeNameApproximateNumberOfMessages},
	})
	if err != nil {
		return queue{}, fmt.Errorf("queue %s: %w", name, err)
	}
	return queue{
		name: name, url: aws.ToString(url.QueueUrl), arn: attributes.Attributes[string(types.QueueAttributeNameQueueArn)],
		messages: attributes.Attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)],
	}, nil
}

// held is for how long, in seconds, a message that was received is kept from
// others, so that a page can be sent.
const held = 120

// receive takes up to ten messages. A wait of a second makes SQS ask all of its
// servers, so an empty answer means an empty queue
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html).
func (m *move) receive(ctx context.Context) ([]types.Message, error) {
	page, err := m.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &m.from.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1, VisibilityTimeout: held, MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		return nil, fmt.Errorf("receive from %s: %w", m.from.name, err)
	}
	return page.Messages, nil
}

// look prints what the queue has, and some of its messages.
func (m *move) look(ctx context.Context) error {
	fmt.Fprintf(m.out, "%s has %s messages for %s, some of them:\n", m.from.name, m.from.messages, m.to.name)
	page, err := m.receive(ctx)
	if err != nil {
		return err
	}
	for _, message := range page {
		m.say(message, m.foreign(message))
		// Not by a timeout of 0 above: the SDK leaves that out, and it means the queue's own.
		if _, err := m.client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{QueueUrl: &m.from.url, ReceiptHandle: message.ReceiptHandle}); err != nil {
			return fmt.Errorf("give message %s back to %s: %w", aws.ToString(message.MessageId), m.from.name, err)
		}
	}
	fmt.Fprintln(m.out, "Nothing is changed; -execute moves them.")
	return nil
}

// all moves what can be moved. It ends at an empty queue, or at a page of messages
// that it has left before.
func (m *move) all(ctx context.Context) error {
	for {
		page, err := m.receive(ctx)
		if err != nil {
			return err
		}
		news := false
		for _, message := range page {
			id := aws.ToString(message.MessageId)
			if m.left[id] {
				continue
			}
			news = true
			if why := m.foreign(message); why != "" {
				m.left[id] = true
				m.say(message, why)
				continue
			}
			if err := m.one(ctx, message); err != nil {
				return fmt.Errorf("message %s: %w", id, err)
			}
			m.moved++
		}
		if !news {
			return nil
		}
	}
}

// one sends the event as the rule would have, without the attributes that say why
// it could not, and then deletes it where it was.
func (m *move) one(ctx context.Context, message types.Message) error {
	if _, err := m.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &m.to.url, MessageBody: message.Body}); err != nil {
		return fmt.Errorf("send to %s: %w", m.to.name, err)
	}
	if _, err := m.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &m.from.url, ReceiptHandle: message.ReceiptHandle}); err != nil {
		return fmt.Errorf("it is in %s, and could not be deleted from %s: %w", m.to.name, m.from.name, err)
	}
	return nil
}

// event is what is read of a message: the parts of an EventBridge event that name
// it, and the part by which what Lambda says of a batch is known.
type event struct {
	DetailType         string          `json:"detail-type"`
	Source             string          `json:"source"`
	DDBStreamBatchInfo json.RawMessage `json:"DDBStreamBatchInfo"`
	Detail             struct {
		Headers struct {
			EventID string `json:"eventId"`
		} `json:"headers"`
	} `json:"detail"`
}

// foreign says why a message does not belong in the other queue, "" if it does.
// EventBridge names the target that it could not reach:
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html
func (m *move) foreign(message types.Message) string {
	var e event
	err := json.Unmarshal([]byte(aws.ToString(message.Body)), &e)
	target := attribute(message, "TARGET_ARN")
	switch {
	case e.DDBStreamBatchInfo != nil:
		return "Lambda gave up a batch: publish its events again from the event store, see docs/operations.md"
	case err != nil || e.DetailType == "" || e.Source == "":
		return "it is not an event of a bus"
	case target != "" && target != m.to.arn:
		return "it is for " + target
	}
	return ""
}

// say prints a message in a line: what it is, why it was not delivered, why it
// stays.
func (m *move) say(message types.Message, stays string) {
	var e event
	_ = json.Unmarshal([]byte(aws.ToString(message.Body)), &e)
	line := "  message " + aws.ToString(message.MessageId)
	for _, part := range []struct{ label, text string }{
		{"", e.DetailType}, {"event ", e.Detail.Headers.EventID}, {"not delivered: ", attribute(message, "ERROR_CODE")}, {"stays: ", stays},
	} {
		if part.text != "" {
			line += ", " + part.label + part.text
		}
	}
	fmt.Fprintln(m.out, line)
}

func attribute(message types.Message, name string) string {
	return aws.ToString(message.MessageAttributes[name].StringValue)
}
