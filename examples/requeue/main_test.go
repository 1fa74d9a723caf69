package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// queues are a rule's dead-letter queue with n events in it, as EventBridge sends
// them, and the queue that the rule delivers to.
type queues struct {
	moto             *engine.Engine
	from, to         enginetest.Queue
	fromName, toName string
	ids              []string
}

func newQueues(t *testing.T, n int) *queues {
	t.Helper()
	q := &queues{moto: enginetest.Moto(t)}
	bus := enginetest.NewBus(t, q.moto)
	q.from, q.to = bus.DLQ, bus.Queue
	name := func(arn string) string { return arn[strings.LastIndexByte(arn, ':')+1:] }
	q.fromName, q.toName = name(q.from.ARN), name(q.to.ARN)
	var evs []envelope.CustomEvent
	for range n {
		ev, err := envelope.New(t.Context(), "User.Created", nil, func(h *envelope.Headers) { h.Source = "userService" })
		require.NoError(t, err)
		q.ids, evs = append(q.ids, ev.Headers.EventID), append(evs, ev)
	}
	if n > 0 {
		var stream relaytest.Stream
		h, err := relay.NewHandler(relay.NewEventBridge(q.moto.EventBridge(), bus.Name), relay.Block)
		require.NoError(t, err)
		_, err = h.Invoke(t.Context(), relaytest.StreamEvent(stream.Insert(evs...)...))
		require.NoError(t, err)
		for _, m := range q.to.Receive(t, n) {
			q.put(t, *m.Body, q.to.ARN)
		}
	}
	return q
}

// put sends a message to the dead-letter queue; the attributes are those that
// EventBridge gives it, if it was meant for a target.
func (q *queues) put(t *testing.T, body, target string) {
	t.Helper()
	in := &sqs.SendMessageInput{QueueUrl: &q.from.URL, MessageBody: &body}
	if target != "" {
		text := func(s string) types.MessageAttributeValue {
			return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &s}
		}
		in.MessageAttributes = map[string]types.MessageAttributeValue{"TARGET_ARN": text(target), "ERROR_CODE": text("NO_PERMISSIONS")}
	}
	_, err := q.moto.SQS().SendMessage(t.Context(), in)
	require.NoError(t, err)
}

// run runs the command with a client.
func (q *queues) run(t *testing.T, client APIClient, args ...string) (code int, out string) {
	t.Helper()
	var stdout, stderr strings.Builder
	code = run(t.Context(), args, func(context.Context) (APIClient, error) { return client, nil }, &stdout, &stderr)
	return code, stdout.String() + stderr.String()
}

// held is how many messages are in a queue, those included that somebody has
// received and not deleted.
func (q *queues) held(t *testing.T, queue enginetest.Queue) string {
	t.Helper()
	out, err := q.moto.SQS().GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &queue.URL, AttributeNames: []types.QueueAttributeName{"All"}})
	require.NoError(t, err)
	return out.Attributes["ApproximateNumberOfMessages"] + "+" + out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

// argsOfDocs are the arguments of the command in docs/operations.md, with the names
// of a test for those of the templates.
func argsOfDocs(t *testing.T, q *queues) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/operations.md")
	require.NoError(t, err)
	found := regexp.MustCompile(`(?m)^go -C examples run \./requeue (.*)$`).FindStringSubmatch(string(page))
	require.Len(t, found, 2)
	return strings.Fields(strings.NewReplacer("outbox-rule-dlq", q.fromName, "outbox-messaging", q.toName).Replace(found[1]))
}

// TestMovesWhatTheRuleCouldNotDeliver: the command of docs/operations.md, first without
// -execute and then with it.
func TestMovesWhatTheRuleCouldNotDeliver(t *testing.T) {
	q := newQueues(t, 25)
	args := argsOfDocs(t, q)
	require.Equal(t, "-execute", args[len(args)-1])

	code, out := q.run(t, q.moto.SQS(), args[:len(args)-1]...)
	require.Zero(t, code, out)
	require.Contains(t, out, "25 messages")
	require.Contains(t, out, "User.Created")
	require.Contains(t, out, "NO_PERMISSIONS")
	require.Contains(t, out, "-execute")
	require.Equal(t, "0+0", q.held(t, q.to), "nothing is moved")

	code, out = q.run(t, q.moto.SQS(), args...)
	require.Zero(t, code, out)
	require.Contains(t, out, "25 moved, 0 left")
	require.Equal(t, "0+0", q.held(t, q.from))
	messages := q.to.Drain(t)
	require.ElementsMatch(t, q.ids, enginetest.EventIDs(t, messages))
	for _, m := range messages {
		_, err := envelope.FromSQS([]byte(*m.Body)) // as the consumer reads it
		require.NoError(t, err)
	}
}

// TestLeavesWhatIsNotForTheQueue: another target's event would be wrong there,
// and what Lambda says of a batch is no event.
func TestLeavesWhatIsNotForTheQueue(t *testing.T) {
	q := newQueues(t, 1)
	q.put(t, `{"detail-type":"User.Created","source":"userService","detail":{}}`, "arn:aws:sqs:eu-west-1:123456789012:another")
	q.put(t, `{"requestContext":{"condition":"RetryAttemptsExhausted"},"version":"1.0","DDBStreamBatchInfo":{"shardId":"s"}}`, "")
	q.put(t, `no JSON`, "")
	code, out := q.run(t, q.moto.SQS(), "-from", q.fromName, "-to", q.toName, "-execute")
	require.Equal(t, 1, code, "something is left: %s", out)
	require.Contains(t, out, "1 moved, 3 left")
	for _, why := range []string{"arn:aws:sqs:eu-west-1:123456789012:another", "Lambda gave up", "not an event of a bus"} {
		require.Contains(t, out, why)
	}
	require.Equal(t, q.ids, enginetest.EventIDs(t, q.to.Drain(t)))
	require.Equal(t, "0+3", q.held(t, q.from))
}

// refusing is a client whose sends fail after some of them.
type refusing struct {
	APIClient
	sends int
}

func (r *refusing) SendMessage(ctx context.Context, in *sqs.SendMessageInput, o ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if r.sends--; r.sends < 0 {
		return nil, errors.New("not now")
	}
	return r.APIClient.SendMessage(ctx, in, o...)
}

// TestDeletesOnlyWhatWasTaken: a message that the queue did not take stays.
func TestDeletesOnlyWhatWasTaken(t *testing.T) {
	q := newQueues(t, 12)
	code, out := q.run(t, &refusing{q.moto.SQS(), 5}, "-from", q.fromName, "-to", q.toName, "-execute")
	require.Equal(t, 1, code)
	require.Contains(t, out, "not now")
	require.Contains(t, out, "5 moved")
	require.Len(t, q.to.Drain(t), 5)
	held := q.held(t, q.from)
	var visible, received int
	_, err := fmt.Sscanf(held, "%d+%d", &visible, &received)
	require.NoError(t, err)
	require.Equal(t, 7, visible+received)
}

// TestEndsAmongMessagesThatStay: messages that are left and become visible again
// are not looked at without end.
func TestEndsAmongMessagesThatStay(t *testing.T) {
	again := 0
	client := script{receive: func() []types.Message {
		again++
		require.Less(t, again, 10)
		return []types.Message{{MessageId: aws.String("1"), ReceiptHandle: aws.String("r"), Body: aws.String("no JSON")}}
	}}
	code, out := (&queues{}).run(t, client, "-from", "a", "-to", "b", "-execute")
	require.Equal(t, 1, code)
	require.Contains(t, out, "0 moved, 1 left")
}

// script is an SQS that has what a test says.
type script struct {
	APIClient
	receive func() []types.Message
}

func (s script) GetQueueUrl(_ context.Context, in *sqs.GetQueueUrlInput, _ ...func(*sqs.Options)) (*sqs.GetQueueUrlOutput, error) {
	return &sqs.GetQueueUrlOutput{QueueUrl: in.QueueName}, nil
}

func (s script) GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	return &sqs.GetQueueAttributesOutput{}, nil
}

func (s script) ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	return &sqs.ReceiveMessageOutput{Messages: s.receive()}, nil
}

func TestUsage(t *testing.T) {
	q := &queues{moto: enginetest.Moto(t)}
	for _, tt := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 2, "-from"},
		{[]string{"-from", "a"}, 2, "-to"},
		{[]string{"-from", "a", "-to", "a"}, 2, "the same queue"},
		{[]string{"-from", "a", "-to", "b.fifo"}, 2, "FIFO"},
		{[]string{"-from", "a", "-to", "b", "c"}, 2, `"c"`},
		{[]string{"-from", "no-such-queue", "-to", "b"}, 1, "no-such-queue"},
	} {
		code, out := q.run(t, q.moto.SQS(), tt.args...)
		require.Equal(t, tt.code, code, out)
		require.Contains(t, out, tt.says)
	}
}
