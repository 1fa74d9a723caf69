package outbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// message is an SQS message as Lambda delivers it. A body of "" is an event of
// that id; a group is that of a FIFO queue.
type message struct{ id, body, group string }

func sqsBatch(t *testing.T, messages ...message) []byte {
	t.Helper()
	var records []any
	for _, m := range messages {
		body := m.body
		if body == "" {
			body = fmt.Sprintf(`{"detail":{"headers":{"eventId":%q,"eventName":"User.Created","source":"s","timestamp":1763971200000},"payload":{}}}`, m.id)
		}
		arn := "arn:aws:sqs:eu-west-1:123456789012:queue"
		attributes := map[string]string{"ApproximateReceiveCount": "1"}
		if m.group != "" {
			arn, attributes["MessageGroupId"] = arn+".fifo", m.group
		}
		records = append(records, map[string]any{
			"messageId": m.id, "body": body, "attributes": attributes, "eventSource": "aws:sqs", "eventSourceARN": arn,
		})
	}
	out, err := json.Marshal(map[string]any{"Records": records})
	require.NoError(t, err)
	return out
}

// failed are the messages that an answer wants again.
func failed(t *testing.T, answer []byte) (ids []string) {
	t.Helper()
	var a struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	require.NoError(t, json.Unmarshal(answer, &a))
	require.NotNil(t, a.BatchItemFailures, "null would mean success for a part of Lambda's rules")
	for _, f := range a.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

func withPartialAnswers(o *outbox.ConsumerOptions) { o.PartialBatchResponse = true }

func TestConsumer(t *testing.T) {
	bad := map[string]func() error{
		"fails":     func() error { return errors.New("no") },
		"panics":    func() error { panic("secret") },
		"duplicate": func() error { return fmt.Errorf("wrapped: %w", outbox.ErrDuplicate) },
	}
	var handled []string
	handle := func(_ context.Context, ev envelope.CustomEvent) error {
		handled = append(handled, ev.Headers.EventID)
		if f := bad[ev.Headers.EventID]; f != nil {
			return f()
		}
		return nil
	}
	for _, tt := range []struct {
		name     string
		messages []message
		handled  []string
		failed   []string
	}{
		{"all done", []message{{id: "1"}, {id: "2"}}, []string{"1", "2"}, nil},
		{"none", nil, nil, nil},
		{"one fails", []message{{id: "1"}, {id: "fails"}, {id: "3"}}, []string{"1", "fails", "3"}, []string{"fails"}},
		{"one panics", []message{{id: "panics"}, {id: "2"}}, []string{"panics", "2"}, []string{"panics"}},
		{"a duplicate is done", []message{{id: "duplicate"}, {id: "2"}}, []string{"duplicate", "2"}, nil},
		{"no event", []message{{id: "1", body: "hello"}, {id: "2"}, {id: "3", body: `{"Records":[]}`}}, []string{"2"}, []string{"1", "3"}},
		{"a group stops at its first failure", []message{
			{id: "1", group: "a"}, {id: "fails", group: "b"}, {id: "3", group: "a"}, {id: "4", group: "b"}, {id: "5", group: "c"},
		}, []string{"1", "fails", "3", "5"}, []string{"fails", "4"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			payload := sqsBatch(t, tt.messages...)
			if tt.messages == nil {
				payload = []byte(`{"Records":[]}`)
			}
			handled = nil
			c, err := outbox.NewConsumer(handle, withPartialAnswers)
			require.NoError(t, err)
			answer, err := c.Invoke(t.Context(), payload)
			require.NoError(t, err)
			require.Equal(t, tt.handled, handled)
			require.Equal(t, tt.failed, failed(t, answer))

			c, err = outbox.NewConsumer(handle)
			require.NoError(t, err)
			answer, err = c.Invoke(t.Context(), payload)
			if tt.failed == nil {
				require.NoError(t, err)
				require.Empty(t, failed(t, answer))
			} else {
				require.ErrorContains(t, err, fmt.Sprintf("%d of %d", len(tt.failed), len(tt.messages)))
				require.ErrorContains(t, err, tt.failed[0])
			}
		})
	}
}

// What is no batch of a queue is an error and nothing is handled.
func TestConsumerOfSomethingElse(t *testing.T) {
	c, err := outbox.NewConsumer(func(context.Context, envelope.CustomEvent) error { panic("called") }, withPartialAnswers)
	require.NoError(t, err)
	for payload, want := range map[string]string{
		``:                 "not JSON",
		`null`:             `no "Records"`,
		`[]`:               "not JSON of that form",
		`{"detail":{}}`:    `no "Records"`,
		`{"Records":[{}]}`: "no messageId",
		`{"Records":[1]}`:  "not JSON of that form",
		`{"Records":"x"}`:  "not JSON of that form",
		`{"Records":[{"messageId":"1","eventSource":"aws:kinesis"}]}`: "aws:kinesis",
	} {
		_, err := c.Invoke(t.Context(), []byte(payload))
		require.ErrorContains(t, err, want, payload)
	}
	_, err = outbox.NewConsumer(nil)
	require.Error(t, err)
}

// No message is begun when there is no time for it, and a panic's value does not
// come into the log.
func TestConsumerTimeAndLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c, err := outbox.NewConsumer(func(_ context.Context, ev envelope.CustomEvent) error {
			<-time.After(4 * time.Second)
			panic("secret " + ev.Headers.EventID)
		}, withPartialAnswers, func(o *outbox.ConsumerOptions) {
			o.Margin, o.Logger = 5*time.Second, slog.New(slog.NewTextHandler(&log, nil))
		})
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		answer, err := c.Invoke(ctx, sqsBatch(t, message{id: "1"}, message{id: "2"}, message{id: "3"}, message{id: "4", body: "no"}))
		require.NoError(t, err)
		require.NoError(t, ctx.Err())
		require.Equal(t, []string{"1", "2", "3", "4"}, failed(t, answer))
		require.NotContains(t, log.String(), "secret")
		require.Equal(t, 2, strings.Count(log.String(), "panicked"))
		require.Equal(t, 2, strings.Count(log.String(), "no time"))
	})
}
