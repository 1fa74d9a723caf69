package messaging

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// DynamoDBAPIClient is what the service needs of DynamoDB; of permissions, that
// is dynamodb:PutItem on both tables.
type DynamoDBAPIClient interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

var _ DynamoDBAPIClient = (*dynamodb.Client)(nil)

// Config is what a Service needs to know.
type Config struct {
	Table           string // receipts and records; keys pk and sk, both strings
	EventStoreTable string
	ServiceName     string // the events' source, and the inbox's consumer
	Region          string // stamped on the events; may be empty
	From            string // the sender's address

	Logger *slog.Logger         // nil means silent
	Tracer trace.TracerProvider // nil means that no spans are made
}

// Lifetimes of items. A receipt must outlive what can bring an event again: the
// queues keep a message for up to 14 days, and an event can be published again
// for as long as the event store has it.
const (
	EventLifetime   = 30 * 24 * time.Hour
	ReceiptLifetime = 60 * 24 * time.Hour
)

// Service consumes events. It is safe for concurrent use.
type Service struct {
	db     DynamoDBAPIClient
	mailer Mailer
	config Config
	inbox  *outbox.Inbox
	events *outbox.Writer
	tracer trace.Tracer
	lambda lambda.Handler
}

// New returns the service on a DynamoDB client and a way to send e-mail.
func New(db DynamoDBAPIClient, mailer Mailer, c Config) (*Service, error) {
	inbox, err := outbox.NewInbox(c.Table, c.ServiceName, func(o *outbox.InboxOptions) { o.Lifetime = ReceiptLifetime })
	if err != nil {
		return nil, err
	}
	writer, err := outbox.NewWriter(c.EventStoreTable, func(o *outbox.Options) {
		o.Source, o.Region, o.TTL = c.ServiceName, c.Region, EventLifetime
	})
	if err != nil {
		return nil, err
	}
	if from, err := mail.ParseAddress(c.From); err != nil || from.Address != c.From {
		return nil, fmt.Errorf("messaging: From is %q, not an address such as hello@example.com", c.From)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Tracer == nil {
		c.Tracer = noop.NewTracerProvider()
	}
	s := &Service{db: db, mailer: mailer, config: c, inbox: inbox, events: writer, tracer: c.Tracer.Tracer("messaging")}
	s.lambda = lambda.NewHandler(s.batch)
	return s, nil
}

// Invoke handles a batch of SQS messages; it makes Service a lambda.Handler. It
// answers with the messages that failed, which needs ReportBatchItemFailures on
// the event source mapping: without that, Lambda deletes them all
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
func (s *Service) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return s.lambda.Invoke(ctx, payload)
}

// reserve is the time kept for the commit after an e-mail has been sent, and for
// the answer.
const reserve = time.Second

// errNoTime is why a message was not begun.
var errNoTime = errors.New("messaging: too little time left in this invocation")

func (s *Service) batch(ctx context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, m := range batch.Records {
		err := errNoTime
		if deadline, limited := ctx.Deadline(); !limited || time.Until(deadline) > reserve {
			err = s.message(ctx, m)
		} else {
			s.log(envelope.CustomEvent{}, m).WarnContext(ctx, "not begun", "error", err)
		}
		if err != nil {
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return out, nil
}

// log has the ids that belong on each line about a message.
func (s *Service) log(ev envelope.CustomEvent, m events.SQSMessage) *slog.Logger {
	return s.config.Logger.With("eventId", ev.Headers.EventID, "correlationId", ev.Headers.CorrelationID,
		"messageId", m.MessageId, "received", m.Attributes["ApproximateReceiveCount"])
}

// message does one message, in the trace of its event. An error means that the
// message comes again.
func (s *Service) message(ctx context.Context, m events.SQSMessage) (err error) {
	ev, err := envelope.FromSQS([]byte(m.Body))
	log := s.log(ev, m)
	if err != nil {
		log.ErrorContext(ctx, "no event; it ends in the dead-letter queue", "error", err)
		return err
	}
	ctx = continued(ctx, ev)
	ctx, span := s.tracer.Start(ctx, ev.Headers.EventName+" process", trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(attribute.String("event.id", ev.Headers.EventID), attribute.String("messaging.message.id", m.MessageId)))
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("messaging: panic: %v\n%s", v, debug.Stack())
		}
		if err != nil {
			log.ErrorContext(ctx, "failed; the message comes again", "error", err)
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}()
	ctx = stamped(ctx)
	switch ev.Headers.EventName {
	case "User.Created":
		return s.welcome(ctx, log, ev)
	default:
		// The rule lets nothing else through, so this is a mistake somewhere,
		// and somebody should see it in the dead-letter queue.
		return fmt.Errorf("messaging: no work is known for %s", ev.Headers.EventName)
	}
}
