package messaging

import (
	"context"
	"fmt"
	"log/slog"
	"net/mail"
	"time"

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

	*outbox.Consumer // Invoke: a batch of SQS messages
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
	// The partial answer needs ReportBatchItemFailures on the event source mapping.
	s.Consumer, err = outbox.NewConsumer(s.consume, func(o *outbox.ConsumerOptions) {
		o.PartialBatchResponse, o.Margin, o.Logger = true, reserve, c.Logger
	})
	return s, err
}

// reserve is the time kept for the commit after an e-mail has been sent, and for
// the answer.
const reserve = time.Second

// consume does the work for one event, in the trace of the event. An error means
// that its message comes again; the consumer logs it.
func (s *Service) consume(ctx context.Context, ev envelope.CustomEvent) (err error) {
	log := s.config.Logger.With("eventId", ev.Headers.EventID, "correlationId", ev.Headers.CorrelationID)
	ctx, span := s.tracer.Start(continued(ctx, ev), ev.Headers.EventName+" process", trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(attribute.String("event.id", ev.Headers.EventID)))
	defer func() {
		if err != nil {
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
