package messaging_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/examples/messaging"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/smtptest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
)

var _ lambda.Handler = (*messaging.Service)(nil)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// bench is a service with a mail server and tables of its own.
type bench struct {
	*messaging.Service
	db            *engine.Engine
	table, events enginetest.Table
	mail          *smtptest.Server
	log           *enginetest.Buffer
}

func newBench(t *testing.T, db *engine.Engine, script wirefault.Script) *bench {
	t.Helper()
	mail, err := smtptest.Start()
	require.NoError(t, err)
	t.Cleanup(mail.Close)
	b := &bench{
		db: db, mail: mail, events: enginetest.EventStore(t, db), log: &enginetest.Buffer{},
		table: enginetest.BusinessTable(t, db, func(o *enginetest.TableOptions) { o.SK, o.SKType = "sk", types.ScalarAttributeTypeS }),
	}
	b.Service = b.another(t, script)
	return b
}

// another is a second process of the same service.
func (b *bench) another(t *testing.T, script wirefault.Script) *messaging.Service {
	t.Helper()
	console, err := stdouttrace.New(stdouttrace.WithWriter(b.log))
	require.NoError(t, err)
	client := b.db.DynamoDB(func(o *dynamodb.Options) { o.HTTPClient = wirefault.NewTransport(nil, script).Client() })
	s, err := messaging.New(client, messaging.SMTP{Addr: b.mail.Addr}, messaging.Config{
		Table: b.table.Name, EventStoreTable: b.events.Name, ServiceName: "messagingService", Region: "eu-west-1",
		From: "hello@example.com", Tracer: sdktrace.NewTracerProvider(sdktrace.WithSyncer(console)), Logger: slog.New(slog.NewJSONHandler(b.log, nil)),
	})
	require.NoError(t, err)
	return s
}

func userCreated(t *testing.T, email, name string) envelope.CustomEvent {
	t.Helper()
	ctx := envelope.WithTraceParent(envelope.WithCorrelationID(t.Context(), "order-17"), traceParent)
	ev, err := envelope.New(ctx, "User.Created", map[string]string{"userId": "u1", "email": email, "name": name}, func(h *envelope.Headers) {
		h.Source, h.CreatedBy, h.AggregateID, h.Sequence = "userService", "userService", "u1", 1
	})
	require.NoError(t, err)
	return ev
}

const (
	traceID     = "0af7651916cd43dd8448eb211c80319c"
	traceParent = "00-" + traceID + "-b7ad6b7169203331-01"
)

// message is the event as a rule sends it to SQS.
func message(t *testing.T, id string, ev envelope.CustomEvent) events.SQSMessage {
	t.Helper()
	body, err := json.Marshal(map[string]any{"version": "0", "id": "bus-" + id, "detail-type": ev.Headers.EventName, "source": ev.Headers.Source, "detail": ev})
	require.NoError(t, err)
	return events.SQSMessage{MessageId: id, Body: string(body), Attributes: map[string]string{"ApproximateReceiveCount": "1"}}
}

// deliver invokes the service and returns the ids of the messages that failed.
func deliver(ctx context.Context, t *testing.T, s *messaging.Service, messages ...events.SQSMessage) []string {
	t.Helper()
	payload, err := json.Marshal(events.SQSEvent{Records: messages})
	require.NoError(t, err)
	raw, err := s.Invoke(ctx, payload)
	require.NoError(t, err)
	var response events.SQSEventResponse
	require.NoError(t, json.Unmarshal(raw, &response))
	require.NotNil(t, response.BatchItemFailures)
	var failed []string
	for _, f := range response.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	return failed
}

// kept returns the state of the record, and whether there is a receipt.
func (b *bench) kept(t *testing.T, ev envelope.CustomEvent) (state string, receipt bool) {
	t.Helper()
	for _, item := range b.table.Items(t, b.db) {
		require.Equal(t, &types.AttributeValueMemberS{Value: ev.Headers.EventID}, item["pk"])
		require.Contains(t, item, "ttl")
		switch sk := item["sk"].(*types.AttributeValueMemberS).Value; sk {
		case "email":
			state = item["state"].(*types.AttributeValueMemberS).Value
		case "messagingService":
			receipt = true
		default:
			require.Fail(t, "unknown item", sk)
		}
	}
	return state, receipt
}

func TestWelcome(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		b := newBench(t, db, nil)
		ev := userCreated(t, "ann@example.com", "Ann Zoë")
		require.Empty(t, deliver(t.Context(), t, b.Service, message(t, "m1", ev)))

		mails := b.mail.Mails()
		require.Len(t, mails, 1)
		m := mails[0]
		require.Equal(t, "ann@example.com", m.To)
		require.Equal(t, "hello@example.com", m.From)
		require.Equal(t, "=?utf-8?q?Welcome,_Ann_Zo=C3=AB?=", m.Header.Get("Subject"))
		require.Equal(t, "Dear Ann Zo=C3=AB,\r\n\r\nwelcome. It is good to have you.\r\n", m.Text)
		require.Equal(t, "<"+ev.Headers.EventID+"@example.com>", m.MessageID)
		require.Equal(t, ev.Headers.EventID, m.Header.Get("X-Event-Id"))
		require.Equal(t, "order-17", m.Header.Get("X-Correlation-Id"))
		require.Contains(t, m.Header.Get("Traceparent"), traceID)

		state, receipt := b.kept(t, ev)
		require.Equal(t, "sent", state)
		require.True(t, receipt)
		told := b.events.Events(t, b.db)
		require.Len(t, told, 1)
		h := told[0].Headers
		require.Equal(t, "Email.Sent", h.EventName)
		require.Equal(t, "messagingService", h.Source)
		require.Equal(t, ev.Headers.EventID, h.CausationID)
		require.Equal(t, "order-17", h.CorrelationID)
		require.Contains(t, h.TraceParent, traceID)
		require.JSONEq(t, `{"userId":"u1"}`, string(told[0].Payload))

		require.Empty(t, deliver(t.Context(), t, b.Service, message(t, "m2", ev), message(t, "m3", ev)), "duplicates are let go")
		require.Len(t, b.mail.Mails(), 1)
		require.Len(t, b.events.Events(t, b.db), 1)
		b.checkLog(t, ev)
	})
}

// checkLog asserts that each line of log has its ids and no personal data, and
// that each span is of the event's trace.
func (b *bench) checkLog(t *testing.T, ev envelope.CustomEvent) {
	t.Helper()
	lines, spans := 0, 0
	for line := range strings.Lines(b.log.String()) {
		require.NotContains(t, line, "@example.com")
		var entry struct {
			Level, Msg, EventID, MessageID, CorrelationID string

			SpanContext struct{ TraceID string }
		}
		require.NoError(t, json.Unmarshal([]byte(line), &entry))
		if entry.Msg == "" {
			spans++
			require.Equal(t, traceID, entry.SpanContext.TraceID)
			continue
		}
		lines++
		require.Equal(t, ev.Headers.EventID, entry.EventID)
		if entry.Level == "ERROR" { // of the consumer, which knows the message
			require.NotEmpty(t, entry.MessageID)
		} else {
			require.Equal(t, "order-17", entry.CorrelationID)
		}
	}
	require.Positive(t, lines)
	require.Positive(t, spans)
}

// TestDeliveredTwiceAtOnce: two processes get the same event at the same moment.
func TestDeliveredTwiceAtOnce(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		b := newBench(t, db, nil)
		ev := userCreated(t, "ann@example.com", "Ann")
		entered, leave := make(chan struct{}), make(chan struct{})
		b.mail.Taken(func(smtptest.Mail) { close(entered); <-leave })
		var first sync.WaitGroup
		first.Go(func() { require.Empty(t, deliver(t.Context(), t, b.Service, message(t, "m1", ev))) })
		<-entered
		require.Equal(t, []string{"m2"}, deliver(t.Context(), t, b.another(t, nil), message(t, "m2", ev)), "comes back later")
		close(leave)
		first.Wait()
		require.Empty(t, deliver(t.Context(), t, b.another(t, nil), message(t, "m2", ev)), "and is a duplicate then")
		require.Len(t, b.mail.Mails(), 1)
		require.Len(t, b.events.Events(t, b.db), 1)
	})
}

func TestMailServerRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		code   int
		failed []string
		state  string
		event  string
	}{
		"for good":  {550, nil, "bounced", "Email.Bounced"},
		"throttled": {450, []string{"m1"}, "sending", ""},
	} {
		t.Run(name, func(t *testing.T) {
			enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
				t.Parallel()
				b := newBench(t, db, nil)
				ev := userCreated(t, "ann@example.com", "Ann")
				b.mail.Refuse(func(to string) smtptest.Reply { return smtptest.Reply{Code: tt.code, Message: "<" + to + "> no"} })
				require.Equal(t, tt.failed, deliver(t.Context(), t, b.Service, message(t, "m1", ev)))
				state, receipt := b.kept(t, ev)
				require.Equal(t, tt.state, state)
				require.Equal(t, tt.event != "", receipt)
				if tt.event != "" {
					told := b.events.Events(t, b.db)
					require.Len(t, told, 1)
					require.Equal(t, tt.event, told[0].Headers.EventName)
					require.JSONEq(t, `{"userId":"u1","reason":"550"}`, string(told[0].Payload))
				}

				b.mail.Refuse(nil)
				require.Empty(t, deliver(t.Context(), t, b.Service, message(t, "m1", ev)), "at once: the claim was given back")
				wantMails := 0
				if tt.failed != nil {
					wantMails = 1
				}
				require.Len(t, b.mail.Mails(), wantMails)
				require.Len(t, b.events.Events(t, b.db), 1)
				require.NotContains(t, b.log.String(), "in doubt")
				b.checkLog(t, ev)
			})
		})
	}
}

func TestMailServerIsDown(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		b := newBench(t, db, nil)
		b.mail.Close()
		ev := userCreated(t, "ann@example.com", "Ann")
		require.Equal(t, []string{"m1"}, deliver(t.Context(), t, b.Service, message(t, "m1", ev)))
		state, receipt := b.kept(t, ev)
		require.Equal(t, "sending", state)
		require.False(t, receipt)
		require.Empty(t, b.events.Events(t, b.db))
	})
}

// TestPoisonFailsAlone: what cannot be understood fails, the rest of the batch
// is done, and nothing is kept of the former.
func TestPoisonFailsAlone(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		b := newBench(t, db, nil)
		good := userCreated(t, "ann@example.com", "Ann")
		other := good
		other.Headers.EventID, other.Headers.EventName = "e-other", "User.Deleted"
		noUser := good
		noUser.Headers.EventID, noUser.Payload = "e-no-user", json.RawMessage(`{"email":"ann@example.com"}`)
		wrongType := good
		wrongType.Headers.EventID, wrongType.Payload = "e-wrong-type", json.RawMessage(`["ann@example.com"]`)
		messages := []events.SQSMessage{
			{MessageId: "not JSON", Body: "Hello"},
			{MessageId: "no event", Body: "{}"},
			{MessageId: "empty", Body: ""},
			message(t, "unknown event", other),
			message(t, "no user", noUser),
			message(t, "wrong type", wrongType),
			message(t, "no address", userCreated(t, "ann", "Ann")),
			message(t, "header in the address", userCreated(t, "ann@example.com\r\nBcc: all@example.com", "Ann")),
			message(t, "header in the name", userCreated(t, "ann@example.com", "Ann\r\nBcc: all@example.com")),
			message(t, "good", good),
		}
		failed := deliver(t.Context(), t, b.Service, messages...)
		var want []string
		for _, m := range messages[:len(messages)-1] {
			want = append(want, m.MessageId)
		}
		require.Equal(t, want, failed)
		require.Len(t, b.mail.Mails(), 1)
		state, receipt := b.kept(t, good)
		require.Equal(t, "sent", state)
		require.True(t, receipt)
	})
}

// patience bounds the wait for a claim to end.
const patience = 10 * time.Second

// TestCrashAfterTheEmail: the process is gone after the e-mail and before the
// commit. The promise that is left: once the dead attempt's claim has ended, and
// not before, the e-mail goes out again, under the same Message-ID, and there is
// one receipt and one Email.Sent.
func TestCrashAfterTheEmail(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		b := newBench(t, db, wirefault.Always(wirefault.TransactWriteItems, wirefault.LostRequest()))
		ev := userCreated(t, "ann@example.com", "Ann")
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		deadline, _ := ctx.Deadline()
		require.Equal(t, []string{"m1"}, deliver(ctx, t, b.Service, message(t, "m1", ev)))
		require.Len(t, b.mail.Mails(), 1)
		require.Empty(t, b.events.Events(t, b.db))

		restarted := b.another(t, nil)
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		giveUp := time.After(patience)
		for len(deliver(t.Context(), t, restarted, message(t, "m1", ev))) > 0 {
			require.Len(t, b.mail.Mails(), 1, "nothing is sent under a claim")
			select {
			case <-ticker.C:
			case <-giveUp:
				require.Fail(t, "the claim does not end")
			}
		}
		require.False(t, time.Now().Before(deadline))
		mails := b.mail.Mails()
		require.Len(t, mails, 2)
		require.Equal(t, mails[0].MessageID, mails[1].MessageID)
		require.Len(t, b.events.Events(t, b.db), 1)
		state, receipt := b.kept(t, ev)
		require.Equal(t, "sent", state)
		require.True(t, receipt)
		require.Contains(t, b.log.String(), "in doubt")
	})
}

func TestLostAnswersOfDynamoDB(t *testing.T) {
	for name, script := range map[string]wirefault.Script{
		"to the claim":        wirefault.Calls("PutItem", wirefault.LostAnswer()),
		"to the commit":       wirefault.Calls(wirefault.TransactWriteItems, wirefault.LostAnswer()),
		"the commit is 500":   wirefault.Calls(wirefault.TransactWriteItems, wirefault.InternalFailure()),
		"throttled, each one": func(c wirefault.Call) wirefault.Fault { return []wirefault.Fault{{}, wirefault.Throttled()}[c.N%2] },
	} {
		t.Run(name, func(t *testing.T) {
			enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
				t.Parallel()
				b := newBench(t, db, script)
				ev := userCreated(t, "ann@example.com", "Ann")
				require.Empty(t, deliver(t.Context(), t, b.Service, message(t, "m1", ev)))
				require.Len(t, b.mail.Mails(), 1)
				require.Len(t, b.events.Events(t, b.db), 1)
			})
		})
	}
}

func TestNoTimeLeft(t *testing.T) {
	b := newBench(t, enginetest.Start(t, engine.Dynoxide), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
	defer cancel()
	ev := userCreated(t, "ann@example.com", "Ann")
	require.Equal(t, []string{"m1"}, deliver(ctx, t, b.Service, message(t, "m1", ev)))
	require.Empty(t, b.table.Items(t, b.db))
	require.Empty(t, b.mail.Mails())
}

func TestNotPermitted(t *testing.T) {
	b := newBench(t, enginetest.Start(t, engine.Dynoxide), wirefault.Always("PutItem", wirefault.Fault{Status: http.StatusBadRequest, Code: "AccessDeniedException"}))
	require.Equal(t, []string{"m1"}, deliver(t.Context(), t, b.Service, message(t, "m1", userCreated(t, "ann@example.com", "Ann"))))
	require.Empty(t, b.mail.Mails())
}
