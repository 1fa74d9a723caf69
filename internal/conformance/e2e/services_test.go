package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/httpapi"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/rie"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/smtptest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/sqspoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
)

// TestServices runs the architecture of the examples with its three Lambda
// binaries under AWS's runtime interface emulator: HTTP request → user service →
// DynamoDB engine → stream → relay → bus and rule → SQS → messaging service →
// mail server, with what people fear on the way. Each scenario ends with a
// ledger that must add up.
func TestServices(t *testing.T) {
	t.Parallel()
	programs := buildServices(t)
	for name, scenario := range map[string]struct {
		options servicesOptions
		run     func(*testing.T, *services)
	}{
		"sign-up to e-mail, in one trace":            {servicesOptions{}, signUpToEmail},
		"a repeated POST":                            {servicesOptions{}, repeatedPost},
		"relay killed in mid-batch":                  {servicesOptions{bus: onRelayCall}, relayKilled},
		"the bus refuses 20 % of the entries":        {servicesOptions{bus: refuseOneInFive}, busRefuses},
		"SQS delivers twice, at the same moment":     {servicesOptions{deliverTwice: true, hurry: true}, deliveredTwice},
		"messaging dies after e-mail, before commit": {servicesOptions{timeout: shortTimeout, visibility: shortVisibility}, messagingDies},
		"a bounce and a throttle":                    {servicesOptions{hurry: true}, bounceAndThrottle},
		"DynamoDB throttles the user service":        {servicesOptions{userDB: throttleSevenInTen}, userServiceThrottled},
		"poison in the event store, by hand":         {servicesOptions{hurry: true}, poisonByHand},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
				t.Parallel()
				scenario.run(t, newServices(t, db, programs, scenario.options))
			})
		})
	}
}

// buildServices builds the Lambda binaries, once for all scenarios.
func buildServices(t *testing.T) map[string]string {
	t.Helper()
	enginetest.LambdaRIE(t) // or skip, before the work
	programs := map[string]string{}
	for _, name := range []string{"userservice", "relay", "messaging"} {
		dir := t.TempDir()
		program, err := rie.Build(t.Context(), "../../../examples", "./"+name+"/lambda", dir)
		require.NoError(t, err)
		programs[name] = program
	}
	return programs
}

// servicesOptions say what goes wrong.
type servicesOptions struct {
	// bus and userDB break the wires from the relay to the bus and from the user
	// service to DynamoDB.
	bus, userDB func(*services) wirefault.Script
	// deliverTwice gives each batch of messages to two functions at once.
	deliverTwice bool
	// hurry makes a failed message visible at once.
	hurry bool
	// timeout of the functions and visibility of the queue; zero means long
	// ones, which no scenario waits for. Visibility is the longer one, as on AWS.
	timeout, visibility time.Duration
}

const (
	longTimeout, longVisibility   = 20 * time.Second, 30 * time.Second
	shortTimeout, shortVisibility = 3 * time.Second, 4 * time.Second
	maxReceiveCount               = 5
)

// services is the architecture with everything of its own.
type services struct {
	db                                *engine.Engine
	timeout                           time.Duration
	users, events, letters, messaging enginetest.Table
	bus                               enginetest.Bus
	toBus, toDB                       *wirefault.Proxy
	mail                              *smtptest.Server
	relay, messenger                  *rie.Function
	api                               *httptest.Server // the user service, behind an HTTP API
	stream                            *lambdapoller.Poller
	queue                             *sqspoller.Poller
	log                               *output // of all functions
}

func newServices(t *testing.T, db *engine.Engine, programs map[string]string, opts servicesOptions) *services {
	t.Helper()
	if opts.timeout == 0 {
		opts.timeout, opts.visibility = longTimeout, longVisibility
	}
	moto := enginetest.Moto(t)
	keys := func(o *enginetest.TableOptions) { o.SK, o.SKType = "sk", types.ScalarAttributeTypeS }
	s := &services{
		db: db, timeout: opts.timeout, log: &output{},
		users: enginetest.BusinessTable(t, db), events: enginetest.EventStore(t, db),
		letters: enginetest.BusinessTable(t, db, keys), messaging: enginetest.BusinessTable(t, db, keys),
		bus: enginetest.NewBus(t, moto, func(o *enginetest.BusOptions) {
			o.Pattern = `{"source":["userService"],"detail-type":["User.Created"]}`
		}),
	}
	_, err := moto.SQS().SetQueueAttributes(t.Context(), &sqs.SetQueueAttributesInput{
		QueueUrl: &s.bus.Queue.URL, Attributes: map[string]string{
			"VisibilityTimeout": fmt.Sprint(opts.visibility.Seconds()),
			"RedrivePolicy":     fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`, s.bus.DLQ.ARN, maxReceiveCount),
		},
	})
	require.NoError(t, err)
	s.toBus, s.toDB = s.proxy(t, moto.URL, opts.bus), s.proxy(t, db.URL, opts.userDB)
	s.mail, err = smtptest.Start()
	require.NoError(t, err)
	t.Cleanup(s.mail.Close)

	user := s.start(t, programs["userservice"], "USERS_TABLE="+s.users.Name, "EVENT_STORE_TABLE="+s.events.Name,
		"AWS_ENDPOINT_URL_DYNAMODB="+s.toDB.URL, "AWS_MAX_ATTEMPTS=2")
	s.relay = s.start(t, programs["relay"], "EVENT_BUS_NAME="+s.bus.Name, "DEAD_LETTER_TABLE="+s.letters.Name,
		"AWS_ENDPOINT_URL_DYNAMODB="+db.URL, "AWS_ENDPOINT_URL_EVENTBRIDGE="+s.toBus.URL)
	messaging := []string{"MESSAGING_TABLE=" + s.messaging.Name, "EVENT_STORE_TABLE=" + s.events.Name,
		"AWS_ENDPOINT_URL_DYNAMODB=" + db.URL, "MAIL_FROM=hello@example.com", "MAILER=smtp", "SMTP_ADDR=" + s.mail.Addr}
	s.messenger = s.start(t, programs["messaging"], messaging...)
	s.api = httptest.NewServer(httpapi.New(user))
	t.Cleanup(s.api.Close)

	s.stream, err = lambdapoller.New(db.Streams(), s.events.StreamARN, s.relay, func(o *lambdapoller.Options) {
		o.ReportBatchItemFailures, o.Bisect = true, true
	})
	require.NoError(t, err)
	var consumer lambda.Handler = s.messenger
	if opts.deliverTwice {
		consumer = twice(s.messenger, s.start(t, programs["messaging"], messaging...))
	}
	s.queue, err = sqspoller.New(moto.SQS(), s.bus.Queue.URL, consumer, func(o *sqspoller.Options) {
		o.ReportBatchItemFailures, o.Hurry = true, opts.hurry
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the functions wrote:\n%s", s.log)
		}
	})
	return s
}

func (s *services) proxy(t *testing.T, url string, script func(*services) wirefault.Script) *wirefault.Proxy {
	t.Helper()
	var breaks wirefault.Script
	if script != nil {
		breaks = script(s)
	}
	p, err := wirefault.NewProxy(url, breaks, nil)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func (s *services) start(t *testing.T, program string, env ...string) *rie.Function {
	t.Helper()
	keys, err := rie.AWSEnv(t.Context(), s.db.Config())
	require.NoError(t, err)
	f, err := rie.Start(t.Context(), program, func(o *rie.Options) {
		o.Env, o.Timeout, o.Log = append(append(keys, "OTEL_TRACES_EXPORTER=console"), env...), s.timeout, s.log
	})
	require.NoError(t, err)
	t.Cleanup(f.Stop)
	return f
}

// settle lets everything that is on its way arrive.
func (s *services) settle(t *testing.T) {
	t.Helper()
	require.NoError(t, s.stream.Drain(t.Context()))
	require.NoError(t, s.queue.Drain(t.Context()))
	require.NoError(t, s.stream.Drain(t.Context()), "what the messaging service told")
}

// response is an answer of the user service.
type response struct {
	*http.Response
	Body string
}

// post signs a user up; headers come as name, value, name, value.
func (s *services) post(t *testing.T, email string, headers ...string) response {
	t.Helper()
	body := fmt.Sprintf(`{"email":%q,"name":"Ann"}`, email)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.api.URL+"/users", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return response{resp, string(raw)}
}

// signUp signs n users up and returns their addresses.
func (s *services) signUp(t *testing.T, n int) []string {
	t.Helper()
	addresses := make([]string, n)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("user%d@example.com", i)
		r := s.post(t, addresses[i])
		require.Equal(t, http.StatusCreated, r.StatusCode, r.Body)
	}
	return addresses
}

// ledger is what became of everything. Lost and Phantom must always be 0.
type ledger struct {
	Users     int // in the users table
	Committed int // events in the event store
	Published int // of them, accepted by the bus
	Letters   int // of them, dead letters of the relay
	Lost      int // committed, and neither
	Phantom   int // on the bus, and never committed
	Receipts  int // of the messaging service
	Told      int // Email.Sent and Email.Bounced
	Emails    int // different e-mails, by Message-ID
	Copies    int // e-mails beyond those
	Poison    int // messages in the queue's dead-letter queue
}

// duplicates is how often the bus was given an event that it had already.
func (s *services) duplicates() int {
	n := 0
	for _, times := range s.toBus.EventIDs() {
		n += times - 1
	}
	return n
}

func (s *services) ledger(t *testing.T) ledger {
	t.Helper()
	var l ledger
	for _, item := range s.users.Items(t, s.db) {
		if strings.HasPrefix(str(item["pk"]), "USER#") {
			l.Users++
		}
	}
	published, buried := s.toBus.EventIDs(), map[string]bool{}
	for _, letter := range s.letters.Items(t, s.db) {
		var keys struct{ PK struct{ S string } }
		require.NoError(t, json.Unmarshal([]byte(str(letter["keys"])), &keys))
		buried[keys.PK.S] = true
		l.Letters++
	}
	committed := map[string]bool{}
	for _, item := range s.events.Items(t, s.db) {
		id := str(item["pk"])
		committed[id] = true
		l.Committed++
		switch {
		case published[id] > 0:
			l.Published++
		case !buried[id]:
			l.Lost++
		}
		if name := eventName(item); name == "Email.Sent" || name == "Email.Bounced" {
			l.Told++
		}
	}
	for id := range published {
		if !committed[id] {
			l.Phantom++
		}
	}
	for _, item := range s.messaging.Items(t, s.db) {
		if str(item["sk"]) == "messagingService" {
			l.Receipts++
		}
	}
	recipients := map[string]string{} // of each Message-ID
	for _, m := range s.mail.Mails() {
		if to, again := recipients[m.MessageID]; again {
			require.Equal(t, to, m.To)
			l.Copies++
		}
		recipients[m.MessageID] = m.To
	}
	l.Emails = len(recipients)
	l.Poison = len(s.bus.DLQ.Drain(t))
	return l
}

// str is the text of a string attribute, "" for any other.
func str(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

func eventName(item map[string]types.AttributeValue) string {
	event, _ := item["event"].(*types.AttributeValueMemberM)
	if event == nil {
		return ""
	}
	headers, _ := event.Value["headers"].(*types.AttributeValueMemberM)
	if headers == nil {
		return ""
	}
	return str(headers.Value["eventName"])
}

// mailsTo counts the e-mails to each address.
func (s *services) mailsTo() map[string]int {
	n := map[string]int{}
	for _, m := range s.mail.Mails() {
		n[m.To]++
	}
	return n
}

// output is what the functions write.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
