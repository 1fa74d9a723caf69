package relay_test

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/smithy-go"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// refusingClient is a client of EventBridge whose answers are a script, without
// a network and so on the clock of the test. The zero value accepts everything,
// and every bus is there.
type refusingClient struct {
	entry    func(types.PutEventsRequestEntry) (code string) // "" accepts
	call     func([]types.PutEventsRequestEntry) error       // of the call as a whole
	before   func(context.Context) error                     // may wait, or fail the call
	describe func(ctx context.Context, bus string) error

	mu        sync.Mutex // guards what follows
	accepted  []string   // event ids
	described []string
}

func (c *refusingClient) PutEvents(ctx context.Context, in *eventbridge.PutEventsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	if c.before != nil {
		if err := c.before(ctx); err != nil {
			return nil, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.call != nil {
		if err := c.call(in.Entries); err != nil {
			return nil, err
		}
	}
	out := &eventbridge.PutEventsOutput{}
	for _, e := range in.Entries {
		if c.entry != nil {
			if code := c.entry(e); code != "" {
				out.Entries = append(out.Entries, types.PutEventsResultEntry{ErrorCode: &code, ErrorMessage: aws.String(testSecret)})
				continue
			}
		}
		out.Entries = append(out.Entries, types.PutEventsResultEntry{EventId: aws.String("bus-id")})
		c.accepted = append(c.accepted, entryID(e))
	}
	return out, nil
}

func (c *refusingClient) DescribeEventBus(ctx context.Context, in *eventbridge.DescribeEventBusInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeEventBusOutput, error) {
	bus := aws.ToString(in.Name)
	c.mu.Lock()
	c.described = append(c.described, bus)
	c.mu.Unlock()
	if c.describe != nil {
		if err := c.describe(ctx, bus); err != nil {
			return nil, err
		}
	}
	return &eventbridge.DescribeEventBusOutput{Name: &bus}, nil
}

// entryID is the eventId of an entry, "" if it is not one of ours.
func entryID(e types.PutEventsRequestEntry) string {
	var d struct{ Headers struct{ EventID string } }
	_ = json.Unmarshal([]byte(aws.ToString(e.Detail)), &d)
	return d.Headers.EventID
}

// logTo gives the publisher a log for what it finds out about its bus.
func logTo(l *logRecorder) func(*relay.EventBridgeOptions) {
	return func(o *relay.EventBridgeOptions) { o.Logger = l.logger() }
}

// awsError is an error of AWS for a call as a whole. Its words quote the event.
func awsError(code string) error {
	return &smithy.GenericAPIError{Code: code, Message: testSecret}
}

// unanswered is a question after a bus that has no answer before its time ends.
func unanswered(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

// absent is the answer that a bus does not exist.
func absent() error { return &types.ResourceNotFoundException{} }

// asked counts how often the client was asked after a bus.
func (c *refusingClient) asked(bus string) int {
	n := 0
	for _, name := range c.described {
		if name == bus {
			n++
		}
	}
	return n
}

// idsIn are the event ids of entries.
func idsIn(entries []relaytest.Entry) (ids []string) {
	for _, e := range entries {
		ids = append(ids, e.EventID)
	}
	return ids
}
