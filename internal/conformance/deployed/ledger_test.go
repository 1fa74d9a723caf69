package deployed

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
)

// tap is a queue of the test's own behind a rule of its own: another consumer of
// the bus, which hears everything.
const tap = "tap"

// ledger is what each part of a deployment says about the events.
type ledger struct {
	t *testing.T
	d *deployment

	since     time.Time       // when it began
	signedUp  map[string]bool // events that the API has told of
	refused   int             // sign-ups that it refused
	strangers []string        // keys of items that the test has put into the event store, and that are no event
	heard     map[string]int  // what the tap has heard, and how often
	details   map[string]any  // what it said
}

// newLedger listens to the bus, and lets the deployment send e-mail.
func newLedger(t *testing.T, d *deployment) *ledger {
	t.Helper()
	d.allowMail(t)
	_, err := d.queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(tap)})
	require.NoError(t, err)
	_, err = d.events.PutRule(t.Context(), &eventbridge.PutRuleInput{
		Name: aws.String(tap), EventBusName: aws.String(bus), EventPattern: aws.String(`{"source":[{"prefix":""}]}`), State: ebtypes.RuleStateEnabled,
	})
	require.NoError(t, err)
	_, err = d.events.PutTargets(t.Context(), &eventbridge.PutTargetsInput{
		Rule: aws.String(tap), EventBusName: aws.String(bus),
		Targets: []ebtypes.Target{{Id: aws.String(tap), Arn: aws.String(queueARN(tap))}},
	})
	require.NoError(t, err)
	return &ledger{t: t, d: d, since: time.Now(), signedUp: map[string]bool{}, heard: map[string]int{}, details: map[string]any{}}
}

// listen reads what the tap has got.
func (l *ledger) listen() {
	l.t.Helper()
	url := l.d.queueURL(l.t, tap)
	for {
		out, err := l.d.queues.ReceiveMessage(l.t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10})
		require.NoError(l.t, err)
		if len(out.Messages) == 0 {
			return
		}
		var read []sqstypes.DeleteMessageBatchRequestEntry
		for i, m := range out.Messages {
			ev, err := envelope.FromSQS([]byte(*m.Body))
			require.NoError(l.t, err)
			var body struct{ Detail any }
			require.NoError(l.t, json.Unmarshal([]byte(*m.Body), &body))
			l.heard[ev.Headers.EventID]++
			l.details[ev.Headers.EventID] = body.Detail
			read = append(read, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
		}
		_, err = l.d.queues.DeleteMessageBatch(l.t.Context(), &sqs.DeleteMessageBatchInput{QueueUrl: url, Entries: read})
		require.NoError(l.t, err)
	}
}

// account is the ledger at one moment.
type account struct {
	stored      map[string]map[string]any // events of the event store: headers and payload
	created     map[string]bool           // those that are a User.Created
	strangers   []string                  // keys of its items that are no event
	receipts    map[string]bool
	journal     map[string]bool
	mails       map[string]int // by address
	deadLetters []map[string]any
	waiting     map[string]int // messages by queue
}

// scan reads a table.
func scan(t *testing.T, d *deployment, table string) []map[string]any {
	t.Helper()
	var all []map[string]any
	pages := dynamodb.NewScanPaginator(d.tables, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		require.NoError(t, err)
		for _, item := range page.Items {
			var m map[string]any
			require.NoError(t, attributevalue.UnmarshalMap(item, &m))
			all = append(all, m)
		}
	}
	return all
}

// account reads everything.
func (l *ledger) account() account {
	l.t.Helper()
	a := account{stored: map[string]map[string]any{}, created: map[string]bool{}, receipts: map[string]bool{}, journal: map[string]bool{}, mails: l.mails(), waiting: map[string]int{}}
	for _, item := range scan(l.t, l.d, receiptsTable) {
		if item["sk"] == "messagingService" {
			a.receipts[item["pk"].(string)] = true
		}
	}
	a.deadLetters = scan(l.t, l.d, deadLetterTable)
	for done, err := range journal.New(l.d.tables, journalTable).Accepted(l.t.Context(), l.since, time.Now()) {
		require.NoError(l.t, err)
		a.journal[done.EventID] = true
	}
	for _, queue := range []string{messagingQueue, messagingDLQ, stack + "-rule-dlq", stack + "-relay-failures"} {
		a.waiting[queue] = l.d.waiting(l.t, queue)
	}
	l.listen()
	// The store last: what it lacks and another part has, was invented.
	for _, item := range scan(l.t, l.d, eventStore) {
		event, ok := item["event"].(map[string]any)
		if !ok {
			a.strangers = append(a.strangers, item["pk"].(string))
			continue
		}
		id := item["pk"].(string)
		a.stored[id] = event
		a.created[id] = event["headers"].(map[string]any)["eventName"] == "User.Created"
	}
	return a
}

// waiting is the number of messages in a queue, those that are being worked on
// included.
func (d *deployment) waiting(t *testing.T, queue string) int {
	t.Helper()
	out, err := d.queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: d.queueURL(t, queue), AttributeNames: []sqstypes.QueueAttributeName{
		sqstypes.QueueAttributeNameApproximateNumberOfMessages, sqstypes.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	}})
	require.NoError(t, err)
	sum := 0
	for _, v := range out.Attributes {
		n := 0
		_, err := fmt.Sscan(v, &n)
		require.NoError(t, err)
		sum += n
	}
	return sum
}

// mails are the e-mails that MiniStack's SES has taken, by address.
func (l *ledger) mails() map[string]int {
	l.t.Helper()
	req, err := http.NewRequestWithContext(l.t.Context(), http.MethodGet, l.d.engine.URL+"/_ministack/ses/messages?account="+engine.AccountID, nil)
	require.NoError(l.t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(l.t, err)
	defer resp.Body.Close()
	var answer struct {
		Messages map[string][]struct {
			To []string
		}
	}
	require.NoError(l.t, json.NewDecoder(resp.Body).Decode(&answer))
	byAddress := map[string]int{}
	for _, m := range answer.Messages[engine.AccountID] {
		byAddress[strings.Join(m.To, ",")]++
	}
	return byAddress
}

// difference compares the parts: what was lost, and what was invented. Both are
// empty when all is well.
func (l *ledger) difference(a account) (lost, invented []string) {
	for id := range l.signedUp {
		if !a.created[id] {
			lost = append(lost, id+" was answered with 201 and is not in the event store")
		}
	}
	for id, event := range a.stored {
		if a.created[id] && !l.signedUp[id] {
			invented = append(invented, id+" is in the event store and nobody was told of it")
		}
		if l.heard[id] == 0 {
			lost = append(lost, id+" never came out of the bus")
		} else if !assert.ObjectsAreEqual(any(event), l.details[id]) {
			invented = append(invented, fmt.Sprintf("%s came out of the bus as %v, and is %v in the event store", id, l.details[id], event))
		}
		if !a.journal[id] {
			lost = append(lost, id+" is not in the journal")
		}
		if a.created[id] && !a.receipts[id] {
			lost = append(lost, id+" has no receipt of the consumer")
		}
	}
	for id := range l.heard {
		if a.stored[id] == nil {
			invented = append(invented, id+" came out of the bus and is not in the event store")
		}
	}
	for id := range a.journal {
		if a.stored[id] == nil {
			invented = append(invented, id+" is in the journal and not in the event store")
		}
	}
	for id := range a.receipts {
		if !a.created[id] {
			invented = append(invented, id+" has a receipt and is no User.Created of the event store")
		}
	}
	return lost, invented
}

// settle waits until nothing is on its way, and writes a line of the ledger. The
// strangers have a dead letter each, and nothing else has one.
func (l *ledger) settle(after string) {
	l.t.Helper()
	var a account
	until(l.t, after, func() string {
		a = l.account()
		lost, invented := l.difference(a)
		if len(lost)+len(invented) > 0 {
			return fmt.Sprintf("%d lost, %d invented: %s", len(lost), len(invented), strings.Join(append(lost, invented...), "; "))
		}
		for queue, n := range a.waiting {
			if n > 0 {
				return fmt.Sprintf("%d messages in %s", n, queue)
			}
		}
		if len(a.deadLetters) != len(l.strangers) {
			return fmt.Sprintf("%d dead letters of %d: %v", len(a.deadLetters), len(l.strangers), a.deadLetters)
		}
		return ""
	})
	require.ElementsMatch(l.t, l.strangers, a.strangers)
	twice := 0
	for _, n := range l.heard {
		twice += n - 1
	}
	mailed := 0
	for _, n := range a.mails {
		mailed += n
	}
	require.Len(l.t, a.mails, len(l.signedUp), "everybody who signed up has an e-mail, and nobody else")
	l.t.Logf("%-42s signed up %3d, refused %2d | event store %3d, out of the bus %3d (+%d again), journal %3d, receipts %3d, e-mails %3d, dead letters %d | 0 lost, 0 invented",
		after, len(l.signedUp), l.refused, len(a.stored), len(l.heard), twice, len(a.journal), len(a.receipts), mailed, len(a.deadLetters))
}
