package sqspoller_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/sqspoller"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// queues makes a queue whose messages go to a dead-letter queue when they were
// received max times, and sends n messages to it.
func queues(t *testing.T, client *sqs.Client, max, visibility, n int) (queue, dlq enginetest.Queue) {
	t.Helper()
	moto := enginetest.Moto(t)
	dlq = enginetest.NewQueue(t, moto)
	queue = enginetest.NewQueue(t, moto, func(in *sqs.CreateQueueInput) {
		in.Attributes = map[string]string{
			"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, dlq.ARN, max),
			"VisibilityTimeout": fmt.Sprint(visibility),
		}
	})
	for i := range n {
		body := fmt.Sprintf("message %d", i)
		_, err := client.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &queue.URL, MessageBody: &body})
		require.NoError(t, err)
	}
	return queue, dlq
}

// seen counts how often each body was handed over.
type seen struct {
	mu     sync.Mutex
	bodies map[string]int
}

// handler answers with what answer makes of the messages, by their bodies.
func (s *seen) handler(t *testing.T, answer func(ids map[string]string) (string, error)) lambda.Handler {
	return lambdapoller.HandlerFunc(func(_ context.Context, payload []byte) ([]byte, error) {
		var batch events.SQSEvent
		require.NoError(t, json.Unmarshal(payload, &batch))
		ids := map[string]string{}
		s.mu.Lock()
		for _, m := range batch.Records {
			if s.bodies == nil {
				s.bodies = map[string]int{}
			}
			s.bodies[m.Body]++
			ids[m.Body] = m.MessageId
			require.Equal(t, "aws:sqs", m.EventSource)
			require.NotEmpty(t, m.Attributes["ApproximateReceiveCount"])
		}
		s.mu.Unlock()
		response, err := answer(ids)
		return []byte(response), err
	})
}

func TestAnswers(t *testing.T) {
	client := enginetest.Moto(t).SQS()
	report := func(o *sqspoller.Options) { o.ReportBatchItemFailures = true }
	all := []string{"message 0", "message 1", "message 2"}
	for name, tt := range map[string]struct {
		options func(*sqspoller.Options)
		answer  func(ids map[string]string) (string, error)
		failed  []string
	}{
		"one failed":                    {report, failures("message 1"), all[1:2]},
		"all failed":                    {report, failures(all...), all},
		"null":                          {report, text("null"), nil},
		"nothing":                       {report, text(""), nil},
		"empty list":                    {report, text(`{"batchItemFailures":[]}`), nil},
		"no list":                       {report, text(`{"batchItemFailures":null}`), nil},
		"an error":                      {report, func(map[string]string) (string, error) { return "", errors.New("no") }, all},
		"a panic":                       {report, func(map[string]string) (string, error) { panic("no") }, all},
		"not JSON":                      {report, text("ok"), all},
		"an id that is not in it":       {report, text(`{"batchItemFailures":[{"itemIdentifier":"17"}]}`), all},
		"an empty id":                   {report, text(`{"batchItemFailures":[{"itemIdentifier":""}]}`), all},
		"no id":                         {report, text(`{"batchItemFailures":[{"messageId":"17"}]}`), all},
		"not heeded":                    {func(*sqspoller.Options) {}, failures("message 1"), nil},
		"not heeded, but an error":      {func(*sqspoller.Options) {}, func(map[string]string) (string, error) { return "", errors.New("no") }, all},
		"too late":                      {func(o *sqspoller.Options) { o.Timeout = time.Nanosecond }, text(""), all},
		"one after another, in batches": {func(o *sqspoller.Options) { report(o); o.BatchSize = 1 }, failures("message 2"), all[2:]},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			queue, dlq := queues(t, client, 1, 30, 3)
			var s seen
			p, err := sqspoller.New(client, queue.URL, s.handler(t, tt.answer), tt.options, func(o *sqspoller.Options) { o.Hurry = true })
			require.NoError(t, err)
			require.NoError(t, p.Drain(t.Context()))
			var dead []string
			for _, m := range dlq.Drain(t) {
				dead = append(dead, *m.Body)
			}
			slices.Sort(dead)
			dead = slices.Compact(dead) // a queue that is no FIFO queue may hand over a message twice
			require.ElementsMatch(t, tt.failed, dead, "received once and not deleted")
			var failed []string
			for _, inv := range p.Invocations() {
				failed = append(failed, inv.Failed...)
			}
			require.Len(t, failed, len(tt.failed))
		})
	}
}

func text(s string) func(map[string]string) (string, error) {
	return func(map[string]string) (string, error) { return s, nil }
}

// failures reports the messages with these bodies.
func failures(bodies ...string) func(map[string]string) (string, error) {
	return func(ids map[string]string) (string, error) {
		var r events.SQSEventResponse
		for _, body := range bodies {
			if id := ids[body]; id != "" {
				r.BatchItemFailures = append(r.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
			}
		}
		raw, err := json.Marshal(r)
		return string(raw), err
	}
}

// TestVisibilityTimeout: without Hurry a message comes again when its time is up,
// and goes to the dead-letter queue when it has come often enough.
func TestVisibilityTimeout(t *testing.T) {
	t.Parallel()
	client := enginetest.Moto(t).SQS()
	queue, dlq := queues(t, client, 2, 4, 2) // seconds enough for a slow machine to delete what is done
	var s seen
	p, err := sqspoller.New(client, queue.URL, s.handler(t, failures("message 1")), func(o *sqspoller.Options) { o.ReportBatchItemFailures = true })
	require.NoError(t, err)
	require.NoError(t, p.Drain(t.Context()))
	require.Equal(t, map[string]int{"message 0": 1, "message 1": 2}, s.bodies)
	require.Len(t, dlq.Drain(t), 1)
}

func TestRunEndsWithItsContext(t *testing.T) {
	t.Parallel()
	client := enginetest.Moto(t).SQS()
	queue, _ := queues(t, client, 1, 30, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var s seen
	p, err := sqspoller.New(client, queue.URL, s.handler(t, func(map[string]string) (string, error) {
		cancel()
		return "", nil
	}))
	require.NoError(t, err)
	require.NoError(t, p.Run(ctx))
	require.NoError(t, p.Drain(t.Context()))
	require.Equal(t, map[string]int{"message 0": 1}, s.bodies, "what was done when the context ended is deleted")
}

func TestNewRefuses(t *testing.T) {
	h := lambdapoller.HandlerFunc(func(context.Context, []byte) ([]byte, error) { return nil, nil })
	client := &sqs.Client{}
	for name, call := range map[string]func() (*sqspoller.Poller, error){
		"client":  func() (*sqspoller.Poller, error) { return sqspoller.New(nil, "q", h) },
		"handler": func() (*sqspoller.Poller, error) { return sqspoller.New(client, "q", nil) },
		"URL":     func() (*sqspoller.Poller, error) { return sqspoller.New(client, "", h) },
		"BatchSize": func() (*sqspoller.Poller, error) {
			return sqspoller.New(client, "q", h, func(o *sqspoller.Options) { o.BatchSize = 11 })
		},
		"Timeout": func() (*sqspoller.Poller, error) {
			return sqspoller.New(client, "q", h, func(o *sqspoller.Options) { o.Timeout = -1 })
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := call()
			require.ErrorContains(t, err, name)
		})
	}
}
