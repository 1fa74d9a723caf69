package outbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// ConsumerOptions of [NewConsumer]. The zero value is the safe one: with it
// nothing is lost, whatever the event source mapping says about partial answers.
type ConsumerOptions struct {
	// PartialBatchResponse makes Invoke answer with the messages that failed
	// instead of an error, so that only those come again.
	//
	// Set it only together with ReportBatchItemFailures in the
	// FunctionResponseTypes of the event source mapping. Without that, Lambda
	// ignores the answer and deletes every message, also those that failed
	// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
	//
	// Zero means an error: the whole batch comes again.
	PartialBatchResponse bool

	// Margin is the time before the deadline of the context in which no
	// message is begun; what is left is reported as failed and comes again. It
	// should be as long as one message takes. Zero means 1 s; negative means
	// none.
	Margin time.Duration

	// Logger is told which message failed and why: the message's id, the
	// eventId, the error's text, and the stack of a panic. Errors of your own
	// function are logged as they are, so they must not hold what the log may
	// not. Zero means silent.
	Logger *slog.Logger
}

// Consumer is a Lambda handler for an SQS queue of events: it reads each message,
// calls a function for its event, and answers which messages have to come again.
// It has Invoke(ctx, []byte) ([]byte, error), so it is a lambda.Handler. Make one
// with [NewConsumer]. It is safe for concurrent use if the function is.
//
// A message is done when the function has returned nil, or an error that is
// [ErrDuplicate]. Every other one comes again, until the queue's maxReceiveCount
// puts it into the queue's dead-letter queue: also one that is no event, and one
// whose function panicked.
//
// Messages are handled one after the other, in the order of the batch. Of a FIFO
// queue, no message is handled behind one of its group that failed: it comes
// again behind it.
type Consumer struct {
	handle func(context.Context, envelope.CustomEvent) error
	opts   ConsumerOptions
}

// NewConsumer returns a Consumer that calls handle for each event. The error says
// that handle is nil.
func NewConsumer(handle func(context.Context, envelope.CustomEvent) error, optFns ...func(*ConsumerOptions)) (*Consumer, error) {
	if handle == nil {
		return nil, errors.New("outbox: consumer: the function that handles an event is nil")
	}
	c := &Consumer{handle: handle}
	for _, fn := range optFns {
		if fn != nil {
			fn(&c.opts)
		}
	}
	if c.opts.Margin == 0 {
		c.opts.Margin = time.Second
	}
	if c.opts.Logger == nil {
		c.opts.Logger = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// sqsEvent is what Lambda hands to a function with an SQS event source mapping
// (https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html).
type sqsEvent struct {
	Records []sqsMessage `json:"Records"`
}

type sqsMessage struct {
	MessageID      string            `json:"messageId"`
	Body           string            `json:"body"`
	Attributes     map[string]string `json:"attributes"`
	EventSource    string            `json:"eventSource"`
	EventSourceARN string            `json:"eventSourceARN"`
}

// group returns the message group of a message of a FIFO queue, "" for any other.
func (m *sqsMessage) group() string {
	if !strings.HasSuffix(m.EventSourceARN, ".fifo") {
		return ""
	}
	return m.Attributes["MessageGroupId"]
}

// Invoke handles one batch of messages: the JSON that Lambda hands to a function
// with an SQS event source mapping. It answers {"batchItemFailures":[…]}, or with
// an error if a message failed and PartialBatchResponse is not set. What is no
// batch of SQS messages is an error that says so.
func (c *Consumer) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var batch sqsEvent
	if err := json.Unmarshal(payload, &batch); err != nil {
		return nil, errors.New("outbox: consumer: the payload is no batch of SQS messages: it is not JSON of that form")
	}
	if batch.Records == nil {
		return nil, errors.New(`outbox: consumer: the payload is no batch of SQS messages: it has no "Records"; give single events to envelope.FromEventBridge`)
	}
	for i := range batch.Records {
		switch m := &batch.Records[i]; {
		case m.EventSource != "" && m.EventSource != "aws:sqs":
			return nil, fmt.Errorf("outbox: consumer: the batch comes from %q and not from an SQS queue", m.EventSource)
		case m.MessageID == "":
			return nil, fmt.Errorf("outbox: consumer: message %d of the batch has no messageId, so it could not be reported", i)
		}
	}
	type failure struct {
		ItemIdentifier string `json:"itemIdentifier"`
	}
	failures := []failure{}
	failedGroups := map[string]bool{}
	for i := range batch.Records {
		m := &batch.Records[i]
		if group := m.group(); group != "" && failedGroups[group] || !c.message(ctx, m) {
			failures = append(failures, failure{m.MessageID})
			failedGroups[group] = true
		}
	}
	if len(failures) > 0 && !c.opts.PartialBatchResponse {
		return nil, fmt.Errorf("outbox: consumer: %d of %d messages failed, the first is %q; deliver the batch again", len(failures), len(batch.Records), failures[0].ItemIdentifier)
	}
	return json.Marshal(map[string][]failure{"batchItemFailures": failures})
}

// message handles one message, and reports whether it is done.
func (c *Consumer) message(ctx context.Context, m *sqsMessage) (done bool) {
	eventID := ""
	log := func(msg string, attrs ...slog.Attr) {
		c.opts.Logger.LogAttrs(ctx, slog.LevelError, msg, append([]slog.Attr{slog.String("messageId", m.MessageID), slog.String("eventId", eventID)}, attrs...)...)
	}
	defer func() {
		if v := recover(); v != nil {
			log("outbox: consumer: the function panicked; the message comes again",
				slog.String("panic", fmt.Sprintf("%T", v)), slog.String("stack", string(debug.Stack())))
			done = false
		}
	}()
	if deadline, ok := ctx.Deadline(); ctx.Err() != nil || ok && c.opts.Margin > 0 && time.Until(deadline) < c.opts.Margin {
		log("outbox: consumer: there was no time for the message; it comes again")
		return false
	}
	ev, err := envelope.FromSQS([]byte(m.Body))
	if err != nil {
		log("outbox: consumer: the message is no event; it goes to the queue's dead-letter queue in the end", slog.String("error", err.Error()))
		return false
	}
	eventID = ev.Headers.EventID
	err = c.handle(ctx, ev)
	if err != nil && !errors.Is(err, ErrDuplicate) {
		log("outbox: consumer: the message failed; it comes again", slog.String("error", err.Error()))
		return false
	}
	return true
}
