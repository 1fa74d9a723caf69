package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Queue is a standard SQS queue.
type Queue struct{ URL, ARN string }

// NewQueue makes a queue.
func (e *Engine) NewQueue(ctx context.Context, name string, attributes map[string]string) (Queue, error) {
	made, err := e.SQS().CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		return Queue{}, fmt.Errorf("engine: create queue %s on %s: %w", name, e.Name, err)
	}
	got, err := e.SQS().GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: made.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return Queue{}, fmt.Errorf("engine: describe queue %s on %s: %w", name, e.Name, err)
	}
	return Queue{aws.ToString(made.QueueUrl), got.Attributes["QueueArn"]}, nil
}

// DeleteQueue deletes a queue.
func (e *Engine) DeleteQueue(ctx context.Context, q Queue) error {
	_, err := e.SQS().DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &q.URL})
	return err
}

// Route is an event bus with one rule, whose target is a queue.
type Route struct {
	Bus string
	// DLQ is where Queue sends a message that was received too often, and where the
	// rule sends what it cannot deliver.
	Queue, DLQ Queue
}

// target is the name of the one target of a route's one rule, which has the name
// of the bus.
const target = "queue"

// NewRoute makes a route whose names begin with name. A message that was received
// maxReceives times and not deleted goes to the dead-letter queue.
func (e *Engine) NewRoute(ctx context.Context, name, pattern string, maxReceives int, attributes map[string]string) (r Route, err error) {
	r.Bus = name
	if r.DLQ, err = e.NewQueue(ctx, name+"-dlq", nil); err != nil {
		return r, err
	}
	attributes = maps.Clone(attributes)
	if attributes == nil {
		attributes = map[string]string{}
	}
	attributes["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, r.DLQ.ARN, maxReceives)
	if r.Queue, err = e.NewQueue(ctx, name+"-queue", attributes); err != nil {
		return r, err
	}
	c := e.EventBridge()
	if _, err := c.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: &name}); err != nil {
		return r, fmt.Errorf("engine: create bus %s on %s: %w", name, e.Name, err)
	}
	if _, err := c.PutRule(ctx, &eventbridge.PutRuleInput{EventBusName: &name, Name: &name, EventPattern: &pattern}); err != nil {
		return r, fmt.Errorf("engine: put rule of bus %s on %s: %w", name, e.Name, err)
	}
	put, err := c.PutTargets(ctx, &eventbridge.PutTargetsInput{EventBusName: &name, Rule: &name, Targets: []ebtypes.Target{
		{Id: aws.String(target), Arn: &r.Queue.ARN, DeadLetterConfig: &ebtypes.DeadLetterConfig{Arn: &r.DLQ.ARN}},
	}})
	if err == nil && put.FailedEntryCount > 0 {
		err = errors.New(aws.ToString(put.FailedEntries[0].ErrorMessage))
	}
	if err != nil {
		return r, fmt.Errorf("engine: put target of bus %s on %s: %w", name, e.Name, err)
	}
	return r, nil
}

// DeleteRoute deletes a route, also one that was made in part.
func (e *Engine) DeleteRoute(ctx context.Context, r Route) error {
	c := e.EventBridge()
	_, err1 := c.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{EventBusName: &r.Bus, Rule: &r.Bus, Ids: []string{target}})
	_, err2 := c.DeleteRule(ctx, &eventbridge.DeleteRuleInput{EventBusName: &r.Bus, Name: &r.Bus})
	_, err3 := c.DeleteEventBus(ctx, &eventbridge.DeleteEventBusInput{Name: &r.Bus})
	return errors.Join(err1, err2, err3, e.DeleteQueue(ctx, r.Queue), e.DeleteQueue(ctx, r.DLQ))
}
