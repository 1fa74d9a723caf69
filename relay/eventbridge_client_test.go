package relay_test

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// scriptedClient is a client of EventBridge. It accepts every entry, after a
// while if the test wants one, and answers questions after a bus by a function of
// the test; without one, every bus exists.
type scriptedClient struct {
	describe func(ctx context.Context, bus string) error
	before   func(ctx context.Context) error // an entry is accepted

	mu       sync.Mutex // guards what follows
	asked    map[string]int
	accepted []string // event ids
}

func (c *scriptedClient) DescribeEventBus(ctx context.Context, in *eventbridge.DescribeEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeEventBusOutput, error) {
	name := aws.ToString(in.Name)
	c.mu.Lock()
	if c.asked == nil {
		c.asked = make(map[string]int)
	}
	c.asked[name]++
	c.mu.Unlock()
	if c.describe != nil {
		if err := c.describe(ctx, name); err != nil {
			return nil, err
		}
	}
	return &eventbridge.DescribeEventBusOutput{Name: in.Name}, nil
}

func (c *scriptedClient) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	if c.before != nil {
		if err := c.before(ctx); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out := &eventbridge.PutEventsOutput{}
	for _, e := range in.Entries {
		var detail struct{ Headers struct{ EventID string } }
		if err := json.Unmarshal([]byte(aws.ToString(e.Detail)), &detail); err != nil {
			return nil, err
		}
		c.accepted = append(c.accepted, detail.Headers.EventID)
		out.Entries = append(out.Entries, types.PutEventsResultEntry{EventId: aws.String("bus-" + detail.Headers.EventID)})
	}
	return out, nil
}

// unanswered is a question after a bus that has no answer before its time ends.
func unanswered(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

// absent is the answer that a bus does not exist.
func absent() error { return &types.ResourceNotFoundException{} }
