package userservice_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/examples/userservice"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
)

var (
	_ lambda.Handler                = (*userservice.Service)(nil)
	_ userservice.DynamoDBAPIClient = (*dynamodb.Client)(nil)
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// bench is a service with tables of its own.
type bench struct {
	*userservice.Service
	db            *engine.Engine
	users, events enginetest.Table
	wire          *wirefault.Transport
	log           *bytes.Buffer // safe to read when no request is under way
}

func newBench(t *testing.T, db *engine.Engine, script wirefault.Script, wrap func(userservice.DynamoDBAPIClient) userservice.DynamoDBAPIClient) *bench {
	t.Helper()
	b := &bench{
		db: db, users: enginetest.BusinessTable(t, db), events: enginetest.EventStore(t, db),
		wire: wirefault.NewTransport(nil, script), log: new(bytes.Buffer),
	}
	var client userservice.DynamoDBAPIClient = db.DynamoDB(func(o *dynamodb.Options) {
		o.HTTPClient = b.wire.Client()
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = 20 * time.Millisecond })
	})
	if wrap != nil {
		client = wrap(client)
	}
	var err error
	b.Service, err = userservice.New(client, userservice.Config{
		UsersTable: b.users.Name, EventStoreTable: b.events.Name, ServiceName: "userService", Region: "eu-west-1",
		Logger: slog.New(slog.NewJSONHandler(b.log, nil)), Tracer: sdktrace.NewTracerProvider(),
	})
	require.NoError(t, err)
	return b
}

// do serves a request; headers come as name, value, name, value.
func (b *bench) do(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

// keys returns how many items of the users table have each kind of key.
func (b *bench) keys(t *testing.T) map[string]int {
	t.Helper()
	kinds := map[string]int{}
	for _, item := range b.users.Items(t, b.db) {
		kind, _, _ := strings.Cut(item["pk"].(*types.AttributeValueMemberS).Value, "#")
		kinds[kind]++
	}
	return kinds
}

func userOf(t *testing.T, w *httptest.ResponseRecorder) userservice.User {
	t.Helper()
	var u userservice.User
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &u), w.Body.String())
	return u
}

func problemOf(t *testing.T, w *httptest.ResponseRecorder) userservice.Problem {
	t.Helper()
	var p userservice.Problem
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p), w.Body.String())
	return p
}

const ann = `{"email":"Ann@example.com","name":"Ann <3 Zoë"}`

func TestSignUp(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		b := newBench(t, db, nil, nil)
		w := b.do("POST", "/users", ann, userservice.CorrelationHeader, "order-17",
			"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		require.Equal(t, http.StatusCreated, w.Code, w.Body.String())
		user := userOf(t, w)
		require.Equal(t, "Ann@example.com", user.Email)
		require.Equal(t, int64(1), user.Version)
		require.Equal(t, "/users/"+user.ID, w.Header().Get("Location"))
		require.Equal(t, "order-17", w.Header().Get(userservice.CorrelationHeader))

		evs := b.events.Events(t, b.db)
		require.Len(t, evs, 1)
		h := evs[0].Headers
		require.Equal(t, w.Header().Get(userservice.EventHeader), h.EventID)
		require.Equal(t, "User.Created", h.EventName)
		require.Equal(t, "userService", h.Source)
		require.Equal(t, "eu-west-1", h.Region)
		require.Equal(t, "order-17", h.CorrelationID)
		require.Equal(t, user.ID, h.AggregateID)
		require.Equal(t, int64(1), h.Sequence)
		require.True(t, user.CreatedAt.Equal(h.Timestamp))
		require.Contains(t, h.TraceParent, "0af7651916cd43dd8448eb211c80319c")
		require.NotContains(t, h.TraceParent, "b7ad6b7169203331", "the parent is our own span")
		p, err := envelope.Payload[userservice.UserCreated](evs[0])
		require.NoError(t, err)
		require.Equal(t, userservice.UserCreated{UserID: user.ID, Email: "Ann@example.com", Name: "Ann <3 Zoë"}, p)

		require.Equal(t, map[string]int{"USER": 1, "EMAIL": 1}, b.keys(t))
		require.Equal(t, user, userOf(t, b.do("GET", "/users/"+user.ID, "")))
		for line := range strings.Lines(b.log.String()) {
			var entry map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &entry))
			require.Contains(t, entry, "eventId")
			require.NotEmpty(t, entry["correlationId"])
			require.NotContains(t, line, "example.com", "no personal data in the log")
		}
	})
}

func TestTakenAddress(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		b := newBench(t, db, nil, nil)
		require.Equal(t, http.StatusCreated, b.do("POST", "/users", ann).Code)
		w := b.do("POST", "/users", `{"email":"ann@EXAMPLE.com","name":"Another Ann"}`)
		require.Equal(t, http.StatusConflict, w.Code)
		require.Equal(t, "email_taken", problemOf(t, w).Code)
		require.Empty(t, w.Header().Get(userservice.EventHeader))
		require.NotEmpty(t, problemOf(t, w).CorrelationID)
		require.Equal(t, w.Header().Get(userservice.CorrelationHeader), problemOf(t, w).CorrelationID)
		require.Equal(t, map[string]int{"USER": 1, "EMAIL": 1}, b.keys(t))
		require.Len(t, b.events.Events(t, b.db), 1)
	})
}

func TestChange(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		b := newBench(t, db, nil, nil)
		user := userOf(t, b.do("POST", "/users", ann))
		path := "/users/" + user.ID
		w := b.do("PATCH", path, `{"version":1,"name":"Anna"}`)
		require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		user.Name, user.Version = "Anna", 2
		require.Equal(t, user, userOf(t, w))
		require.Equal(t, user, userOf(t, b.do("GET", path, "")))

		w = b.do("PATCH", path, `{"version":1,"name":"Annabel"}`)
		require.Equal(t, http.StatusConflict, w.Code)
		require.Equal(t, "stale_version", problemOf(t, w).Code)
		require.Equal(t, int64(2), problemOf(t, w).Version, "what to read again")

		var detector envelope.GapDetector
		evs := b.events.Events(t, b.db)
		require.Len(t, evs, 2)
		if evs[0].Headers.Sequence > 1 {
			evs[0], evs[1] = evs[1], evs[0]
		}
		for _, ev := range evs {
			require.Equal(t, user.ID, ev.Headers.AggregateID)
			require.Equal(t, envelope.InOrder, detector.Observe(ev.Headers))
		}
		p, err := envelope.Payload[userservice.UserUpdated](evs[1])
		require.NoError(t, err)
		require.Equal(t, userservice.UserUpdated{UserID: user.ID, Email: user.Email, Name: "Anna", Version: 2}, p)
	})
}

// TestChangesRace: of all who saw one version, one changes it.
func TestChangesRace(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		b := newBench(t, db, nil, nil)
		user := userOf(t, b.do("POST", "/users", ann))
		status := concurrently(20, func(i int) int {
			return b.do("PATCH", "/users/"+user.ID, fmt.Sprintf(`{"version":1,"name":"Ann %d"}`, i)).Code
		})
		require.Equal(t, map[int]int{http.StatusOK: 1, http.StatusConflict: 19}, status)
		require.Len(t, b.events.Events(t, b.db), 2)
	})
}

// concurrently counts what n calls at once return.
func concurrently(n int, call func(i int) int) map[int]int {
	var mu sync.Mutex
	var all sync.WaitGroup
	counts := map[int]int{}
	for i := range n {
		all.Go(func() {
			status := call(i)
			mu.Lock()
			defer mu.Unlock()
			counts[status]++
		})
	}
	all.Wait()
	return counts
}

func TestFaultsOfDynamoDB(t *testing.T) {
	const tx = wirefault.TransactWriteItems
	everyOther := func(f wirefault.Fault) wirefault.Script {
		return wirefault.On(tx, func(c wirefault.Call) wirefault.Fault {
			if c.N%2 == 1 {
				return f
			}
			return wirefault.None()
		})
	}
	for name, tt := range map[string]struct {
		script  wirefault.Script
		status  int
		code    string
		written bool
	}{
		"throttled, then not":                 {everyOther(wirefault.Throttled()), http.StatusCreated, "", true},
		"an answer is lost":                   {wirefault.Calls(tx, wirefault.LostAnswer()), http.StatusCreated, "", true},
		"a request is lost":                   {wirefault.Calls(tx, wirefault.LostRequest()), http.StatusCreated, "", true},
		"500, then not":                       {everyOther(wirefault.InternalFailure()), http.StatusCreated, "", true},
		"every answer is lost":                {wirefault.Always(tx, wirefault.LostAnswer()), http.StatusServiceUnavailable, "outcome_unknown", true},
		"every request is lost":               {wirefault.Always(tx, wirefault.LostRequest()), http.StatusServiceUnavailable, "outcome_unknown", false},
		"throttled without end":               {wirefault.Always(tx, wirefault.Throttled()), http.StatusServiceUnavailable, "outcome_unknown", false},
		"not permitted":                       {wirefault.Always(tx, wirefault.Denied()), http.StatusInternalServerError, "internal", false},
		"the claim is throttled without end":  {wirefault.Always("PutItem", wirefault.Throttled()), http.StatusServiceUnavailable, "busy", false},
		"the answer to the claim is lost":     {wirefault.Calls("PutItem", wirefault.LostAnswer()), http.StatusCreated, "", true},
		"claim and transaction lose answers":  {lostOnce, http.StatusCreated, "", true},
		"transaction in progress, then done":  {wirefault.Calls(tx, wirefault.Fault{Status: 400, Code: "TransactionInProgressException"}), http.StatusCreated, "", true},
		"the claim is refused, not permitted": {wirefault.Always("PutItem", wirefault.Denied()), http.StatusInternalServerError, "internal", false},
	} {
		t.Run(name, func(t *testing.T) {
			enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
				t.Parallel()
				b := newBench(t, db, tt.script, nil)
				w := b.do("POST", "/users", ann, userservice.IdempotencyHeader, "k")
				require.Equal(t, tt.status, w.Code, w.Body.String())
				if tt.code != "" {
					require.Equal(t, tt.code, problemOf(t, w).Code)
					require.Equal(t, tt.status == http.StatusServiceUnavailable, w.Header().Get("Retry-After") != "")
				}
				kinds := b.keys(t)
				delete(kinds, "CLAIM")
				if tt.written {
					require.Equal(t, map[string]int{"USER": 1, "EMAIL": 1}, kinds)
					require.Len(t, b.events.Events(t, b.db), 1)
				} else {
					require.Empty(t, kinds)
					require.Empty(t, b.events.Events(t, b.db))
				}
			})
		})
	}
}

func lostOnce(c wirefault.Call) wirefault.Fault {
	if c.N == 1 {
		return wirefault.LostAnswer()
	}
	return wirefault.None()
}

// cancelling cancels the first transactions for throttling, which DynamoDB does
// in the reasons and the SDK does not retry.
type cancelling struct {
	userservice.DynamoDBAPIClient
	left atomic.Int32
}

func (c *cancelling) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, optFns ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if c.left.Add(-1) < 0 {
		return c.DynamoDBAPIClient.TransactWriteItems(ctx, in, optFns...)
	}
	reasons := make([]types.CancellationReason, len(in.TransactItems))
	for i := range reasons {
		reasons[i].Code = aws.String("None")
	}
	reasons[0].Code = aws.String("ThrottlingError")
	return nil, &types.TransactionCanceledException{CancellationReasons: reasons}
}

func TestCancelledForThrottling(t *testing.T) {
	for name, tt := range map[string]struct {
		times, status int
		code          string
	}{
		"a few times": {3, http.StatusCreated, ""},
		"without end": {1000, http.StatusServiceUnavailable, "busy"},
	} {
		t.Run(name, func(t *testing.T) {
			enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
				t.Parallel()
				b := newBench(t, db, nil, func(c userservice.DynamoDBAPIClient) userservice.DynamoDBAPIClient {
					throttled := &cancelling{DynamoDBAPIClient: c}
					throttled.left.Store(int32(tt.times))
					return throttled
				})
				w := b.do("POST", "/users", ann)
				require.Equal(t, tt.status, w.Code, w.Body.String())
				require.Equal(t, tt.code, problemOf(t, w).Code)
				require.Len(t, b.events.Events(t, b.db), b.keys(t)["USER"])
			})
		})
	}
}

func TestConfig(t *testing.T) {
	good := userservice.Config{UsersTable: "users", EventStoreTable: "event-store", ServiceName: "userService"}
	for name, tt := range map[string]struct {
		change func(*userservice.Config)
		want   string
	}{
		"no users table": {func(c *userservice.Config) { c.UsersTable = "" }, "UsersTable is empty"},
		"no event store": {func(c *userservice.Config) { c.EventStoreTable = "" }, "table"},
		"no name":        {func(c *userservice.Config) { c.ServiceName = "" }, "ServiceName is empty"},
		"AWS's name":     {func(c *userservice.Config) { c.ServiceName = "aws.users" }, "aws."},
	} {
		t.Run(name, func(t *testing.T) {
			c := good
			tt.change(&c)
			_, err := userservice.New(nil, c)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// forgetful is DynamoDB after ten minutes: it knows none of the tokens.
type forgetful struct{ userservice.DynamoDBAPIClient }

func (f forgetful) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, optFns ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	forgotten := *in
	forgotten.ClientRequestToken = aws.String(fmt.Sprintf("%p", &forgotten))
	return f.DynamoDBAPIClient.TransactWriteItems(ctx, &forgotten, optFns...)
}
