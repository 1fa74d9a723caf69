package userservice

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// Names of headers, beside traceparent.
const (
	CorrelationHeader = "X-Correlation-Id" // of requests and answers
	EventHeader       = "X-Event-Id"       // of answers
	IdempotencyHeader = "Idempotency-Key"  // of requests
)

// Config is what a Service needs to know.
type Config struct {
	UsersTable      string
	EventStoreTable string
	ServiceName     string // the events' source
	Region          string // stamped on the events; may be empty

	Logger *slog.Logger         // nil means silent
	Tracer trace.TracerProvider // nil means that no spans are made
}

// EventLifetime is how long an event item lives.
const EventLifetime = 30 * 24 * time.Hour

// Service is the user service as an http.Handler, and as a Lambda function
// behind an API Gateway HTTP API. It is safe for concurrent use.
type Service struct {
	store  *Store
	log    *slog.Logger
	tracer trace.Tracer
	mux    *http.ServeMux
	lambda lambda.Handler
}

// New returns the service on a DynamoDB client.
func New(db DynamoDBAPIClient, c Config) (*Service, error) {
	events, err := outbox.NewWriter(c.EventStoreTable, func(o *outbox.Options) {
		o.Source, o.Region, o.TTL = c.ServiceName, c.Region, EventLifetime
	})
	if err != nil {
		return nil, err
	}
	switch {
	case c.UsersTable == "":
		return nil, errors.New("userservice: UsersTable is empty")
	case c.ServiceName == "":
		return nil, errors.New("userservice: ServiceName is empty")
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Tracer == nil {
		c.Tracer = noop.NewTracerProvider()
	}
	s := &Service{
		store:  &Store{db: db, users: c.UsersTable, events: events},
		log:    c.Logger,
		tracer: c.Tracer.Tracer("userservice"),
		mux:    http.NewServeMux(),
	}
	s.lambda = lambda.NewHandler(s.serveAPIGateway)
	s.mux.Handle("POST /users", s.endpoint(s.signUp))
	s.mux.Handle("GET /users/{id}", s.endpoint(s.read))
	s.mux.Handle("PATCH /users/{id}", s.endpoint(s.change))
	s.mux.Handle("/users", s.endpoint(methodNotAllowed("POST")))
	s.mux.Handle("/users/{id}", s.endpoint(methodNotAllowed("GET, HEAD, PATCH")))
	s.mux.Handle("/", s.endpoint(notFound))
	return s, nil
}

// ServeHTTP serves one request.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// answer is what an endpoint answers when it does not refuse.
type answer struct {
	status  int
	user    User
	eventID string // of the event that was committed, if one was
}

func (s *Service) signUp(r *http.Request, h http.Header) (answer, error) {
	key := r.Header.Get(IdempotencyHeader)
	if key != "" && !isToken(key) {
		return answer{}, problem(http.StatusBadRequest, "invalid_idempotency_key", IdempotencyHeader+" must be 1 to 128 visible ASCII characters")
	}
	body, err := decode(r, SignUp.validate)
	if err != nil {
		return answer{}, err
	}
	user, ev, err := s.store.SignUp(r.Context(), body, key)
	if err == nil {
		h.Set("Location", "/users/"+user.ID)
	}
	return answer{http.StatusCreated, user, ev.Headers.EventID}, err
}

func (s *Service) read(r *http.Request, _ http.Header) (answer, error) {
	user, err := s.store.User(r.Context(), r.PathValue("id"))
	return answer{http.StatusOK, user, ""}, err
}

func (s *Service) change(r *http.Request, _ http.Header) (answer, error) {
	body, err := decode(r, Change.validate)
	if err != nil {
		return answer{}, err
	}
	user, ev, err := s.store.Change(r.Context(), r.PathValue("id"), body)
	return answer{http.StatusOK, user, ev.Headers.EventID}, err
}

func notFound(*http.Request, http.Header) (answer, error) {
	return answer{}, problem(http.StatusNotFound, "not_found", "there is nothing here; POST /users signs a user up")
}

func methodNotAllowed(allow string) func(*http.Request, http.Header) (answer, error) {
	return func(_ *http.Request, h http.Header) (answer, error) {
		h.Set("Allow", allow)
		return answer{}, problem(http.StatusMethodNotAllowed, "method_not_allowed", "use "+allow)
	}
}

// endpoint is around every handler: correlation id, trace, JSON, one line of log.
func (s *Service) endpoint(serve func(*http.Request, http.Header) (answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		correlationID, given := r.Header.Get(CorrelationHeader), true
		if !isToken(correlationID) {
			given = correlationID == ""
			correlationID = rand.Text()
		}
		ctx := traceContext.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := s.tracer.Start(ctx, r.Pattern, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		ctx = stamped(envelope.WithCorrelationID(ctx, correlationID))

		h := w.Header()
		h.Set(CorrelationHeader, correlationID)
		h.Set("Content-Type", "application/json")
		var a answer
		var err error = problem(http.StatusBadRequest, "invalid_correlation_id", CorrelationHeader+" must be 1 to 128 visible ASCII characters")
		if given {
			a, err = contained(serve, r.WithContext(ctx), h)
		}
		var body any = a.user
		if err != nil {
			p := refusal(err)
			p.CorrelationID = correlationID
			if p.Status == http.StatusServiceUnavailable {
				h.Set("Retry-After", "1")
			}
			a.status, body = p.Status, p
		} else if a.eventID != "" {
			h.Set(EventHeader, a.eventID)
		}
		w.WriteHeader(a.status)
		_ = json.NewEncoder(w).Encode(body) // a client that is gone gets no answer

		span.SetAttributes(attribute.Int("http.response.status_code", a.status), attribute.String("event.id", a.eventID))
		level := slog.LevelInfo
		if a.status >= 500 {
			level = slog.LevelError
			span.SetStatus(codes.Error, err.Error())
		}
		line := []slog.Attr{
			slog.String("eventId", a.eventID), slog.String("correlationId", correlationID),
			slog.String("route", r.Pattern), slog.Int("status", a.status), slog.Duration("took", time.Since(start)),
		}
		if err != nil {
			line = append(line, slog.Any("error", err))
		}
		s.log.LogAttrs(ctx, level, "request", line...)
	})
}

// contained makes a panic an error, so that it is answered and logged like one.
func contained(serve func(*http.Request, http.Header) (answer, error), r *http.Request, h http.Header) (a answer, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("userservice: panic: %v\n%s", v, debug.Stack())
		}
	}()
	return serve(r, h)
}

// Invoke serves an event of an API Gateway HTTP API; it makes Service a
// lambda.Handler.
func (s *Service) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return s.lambda.Invoke(ctx, payload)
}
