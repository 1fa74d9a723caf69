package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/oklog/ulid/v2"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// bus is an event bus with one rule that sends every event to one queue.
type bus struct {
	relay.PutEventsAPIClient
	name, text string
	receive    func(ctx context.Context, want int) ([]message, error)
	close      func()
}

// message is a message of the queue, as Lambda gives it to the consumer.
type message struct {
	ID   string `json:"messageId"`
	Body string `json:"body"`
}

func openBus(ctx context.Context, busURL, queueURL string) (*bus, error) {
	if busURL == "" {
		local := &localBus{}
		return &bus{PutEventsAPIClient: local, name: "default", text: "bus in this process", receive: local.receive, close: func() {}}, nil
	}
	cfg, err := awsConfig(ctx)
	if err != nil {
		return nil, err
	}
	r := &remoteBus{
		events: eventbridge.NewFromConfig(cfg, func(o *eventbridge.Options) { o.BaseEndpoint = &busURL }),
		queues: sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.BaseEndpoint = &queueURL }),
	}
	r.name = "quickstart-" + ulid.Make().String()
	remove := func() { // also after Ctrl-C, but not without end
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		r.remove(ctx)
	}
	if err := r.create(ctx); err != nil {
		remove()
		return nil, err
	}
	return &bus{PutEventsAPIClient: r.events, name: r.name, text: "EventBridge at " + busURL, receive: r.receive, close: remove}, nil
}

// localBus is the bus of the library's test kit, with a rule and a queue. What it
// accepts it does not deliver by itself: receive does.
type localBus struct {
	relaytest.Bus
	received int
}

func (b *localBus) receive(context.Context, int) ([]message, error) {
	var messages []message
	for _, entry := range b.Entries()[b.received:] {
		messages = append(messages, message{ID: entry.ID, Body: string(relaytest.LambdaEvent(entry))})
	}
	b.received += len(messages)
	return messages, nil
}

// remoteBus is a real EventBridge and SQS.
type remoteBus struct {
	events *eventbridge.Client
	queues *sqs.Client
	name   string // of bus, rule and queue
	queue  string // URL
}

const targetID = "queue"

func (r *remoteBus) create(ctx context.Context) error {
	name := r.name
	if _, err := r.events.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: &name}); err != nil {
		return err
	}
	queue, err := r.queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		return err
	}
	r.queue = *queue.QueueUrl
	attributes, err := r.queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &r.queue, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return err
	}
	if _, err := r.events.PutRule(ctx, &eventbridge.PutRuleInput{
		Name: &name, EventBusName: &name, EventPattern: aws.String(`{"source":["userService"]}`),
	}); err != nil {
		return err
	}
	_, err = r.events.PutTargets(ctx, &eventbridge.PutTargetsInput{
		Rule: &name, EventBusName: &name,
		Targets: []ebtypes.Target{{Id: aws.String(targetID), Arn: aws.String(attributes.Attributes["QueueArn"])}},
	})
	return err
}

// remove removes what create has made, also if that is only a part.
func (r *remoteBus) remove(ctx context.Context) {
	// Best effort: a local engine forgets all of it when it stops. The targets go
	// before the rule, and the rule before the bus
	// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html,
	// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteEventBus.html).
	_, _ = r.events.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &r.name, EventBusName: &r.name, Ids: []string{targetID}})
	_, _ = r.events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: &r.name, EventBusName: &r.name})
	_, _ = r.events.DeleteEventBus(ctx, &eventbridge.DeleteEventBusInput{Name: &r.name})
	if r.queue != "" {
		_, _ = r.queues.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &r.queue})
	}
}

// receive takes want messages out of the queue.
func (r *remoteBus) receive(ctx context.Context, want int) ([]message, error) {
	var messages []message
	for len(messages) < want {
		out, err := r.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &r.queue, MaxNumberOfMessages: 10, WaitTimeSeconds: 1})
		if err != nil {
			return nil, fmt.Errorf("received %d messages of %d: %w", len(messages), want, err)
		}
		for _, m := range out.Messages {
			messages = append(messages, message{ID: *m.MessageId, Body: *m.Body})
			if _, err := r.queues.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &r.queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return nil, err
			}
		}
	}
	return messages, nil
}

// refusingBus passes entries on, but refuses every second one for as many calls
// as it is told to.
type refusingBus struct {
	next  relay.PutEventsAPIClient
	calls int
	// refused are the eventIds to keep refusing, so that a second try meets the
	// same answer.
	refused map[string]bool
}

func (b *refusingBus) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, optFns ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	if b.calls == 0 {
		return b.next.PutEvents(ctx, in, optFns...)
	}
	b.calls--
	passed := &eventbridge.PutEventsInput{}
	out := &eventbridge.PutEventsOutput{Entries: make([]ebtypes.PutEventsResultEntry, len(in.Entries))}
	var places []int
	for i, entry := range in.Entries {
		id := eventID(*entry.Detail)
		if i%2 == 1 || b.refused[id] {
			b.refused[id] = true
			out.FailedEntryCount++
			out.Entries[i] = ebtypes.PutEventsResultEntry{ErrorCode: aws.String("InternalFailure"), ErrorMessage: aws.String("try again")}
			continue
		}
		passed.Entries = append(passed.Entries, entry)
		places = append(places, i)
	}
	if len(places) > 0 {
		accepted, err := b.next.PutEvents(ctx, passed, optFns...)
		if err != nil {
			return nil, err
		}
		for i, place := range places {
			out.Entries[place] = accepted.Entries[i]
		}
	}
	return out, nil
}

func eventID(detail string) string {
	var d struct {
		Headers struct {
			EventID string `json:"eventId"`
		} `json:"headers"`
	}
	if json.Unmarshal([]byte(detail), &d) != nil {
		return ""
	}
	return d.Headers.EventID
}
