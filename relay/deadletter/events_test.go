package deadletter_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
)

// The tests in dead_letter_*_test.go are about the table of dead letters and
// about publishing them again. They use nothing of the package's other tests.

// The names of what they test.
type (
	tableSink        = deadletter.Table
	tableSinkOptions = deadletter.Options
	redriveOptions   = deadletter.RedriveOptions
	redriveLetter    = deadletter.Letter
	redriveReport    = deadletter.Report
	tableLetter      = relay.DeadLetter
)

var newTableSink = deadletter.New

const (
	storeARN    = "arn:aws:dynamodb:eu-west-1:123456789012:table/event-store/stream/2026-11-24T00:00:00.000"
	storeSecret = "s3cr3t-0f-th3-3v3nt"
)

// storedEvent is an event of the event store. The zero value of each field but n
// is replaced by something sound.
type storedEvent struct {
	n                         int // of its id, and its sequence number in the stream
	aggregate, region         string
	payload                   string // DynamoDB JSON
	record                    string // the whole record of the stream
	withoutKeys, withoutWhole bool   // of its letter: no keys, and a record that is cut off
}

func (e storedEvent) id() string { return fmt.Sprintf("event-%d", e.n) }

func (e storedEvent) keys() string {
	return fmt.Sprintf(`{"pk":{"S":%q},"sk":{"N":"%d"}}`, e.id(), e.n)
}

// image is the event's item. It is written now.
func (e storedEvent) image() string {
	optional := ""
	if e.region != "" {
		optional += fmt.Sprintf(`,"region":{"S":%q}`, e.region)
	}
	if e.aggregate != "" {
		optional += fmt.Sprintf(`,"aggregateId":{"S":%q}`, e.aggregate)
	}
	payload := e.payload
	if payload == "" {
		payload = fmt.Sprintf(`{"M":{"secret":{"S":%q}}}`, storeSecret)
	}
	return strings.TrimSuffix(e.keys(), "}") + fmt.Sprintf(`,"event":{"M":{"headers":{"M":{"eventId":{"S":%q},"eventName":{"S":"User.Created"},`+
		`"source":{"S":"userService"},"timestamp":{"N":"%d"}%s}},"payload":%s}}}`, e.id(), time.Now().UnixMilli(), optional, payload)
}

// inserted is the record that the stream brings of it.
func (e storedEvent) inserted() string {
	if e.record != "" {
		return e.record
	}
	return fmt.Sprintf(`{"eventName":"INSERT","eventSource":"aws:dynamodb","dynamodb":{"ApproximateCreationDateTime":%d,"Keys":%s,"NewImage":%s,`+
		`"SequenceNumber":"%d","StreamViewType":"NEW_IMAGE"},"eventSourceARN":%q}`, time.Now().Unix(), e.keys(), e.image(), e.n, storeARN)
}

// letter is the event's dead letter.
func (e storedEvent) letter() tableLetter {
	l := tableLetter{
		EventID: e.id(), Record: []byte(e.inserted()), Keys: []byte(e.keys()), Code: "MalformedDetail",
		StreamARN: storeARN, SequenceNumber: fmt.Sprint(e.n), Time: time.Now(),
	}
	if e.aggregate != "" { // the names of headers are to be told apart by their case
		l.Headers = fmt.Appendf(nil, `{"eventId":%q,"aggregateId":%q,"aggregateid":"another","AggregateID":5}`, e.id(), e.aggregate)
	}
	if e.withoutKeys {
		l.Keys = nil
	}
	if e.withoutWhole {
		l.Record = []byte(strings.Repeat("x", 500_000))
	}
	return l
}

// lettersOf is a table of the events' dead letters.
func lettersOf(t *testing.T, events ...storedEvent) (*fakeTable, *tableSink) {
	t.Helper()
	db := &fakeTable{}
	sink := newTableSink(db, "dead")
	for _, e := range events {
		require.NoError(t, sink.Put(t.Context(), e.letter()))
	}
	return db, sink
}

// storedEvents are event-1 to event-n.
func storedEvents(n int) []storedEvent {
	events := make([]storedEvent, n)
	for i := range events {
		events[i].n = i + 1
	}
	return events
}

// delivery is what Lambda gives to a function for these events.
func delivery(events ...storedEvent) []byte {
	records := make([]string, len(events))
	for i, e := range events {
		records[i] = e.inserted()
	}
	return []byte(`{"Records":[` + strings.Join(records, ",") + `]}`)
}

// letterBus is a Publisher that accepts everything unless the test says
// something else.
type letterBus struct {
	says    func(relay.Entry) relay.Result // may panic
	err     error                          // of every call
	latency time.Duration                  // on the clock of testing/synctest

	mu       sync.Mutex // guards what follows
	calls    int
	accepted []string
	details  map[string]string
}

func (*letterBus) Limits() relay.Limits   { return relay.Limits{Entries: 10, Bytes: 1_000_000} }
func (*letterBus) Size(e relay.Entry) int { return len(e.Detail) }

func (b *letterBus) Publish(ctx context.Context, entries []relay.Entry) ([]relay.Result, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
	if b.latency > 0 {
		select {
		case <-time.After(b.latency):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if b.err != nil {
		return nil, b.err
	}
	out := make([]relay.Result, len(entries))
	for i, e := range entries {
		out[i].Class = relay.Accepted
		if b.says != nil {
			out[i] = b.says(e)
		}
		if out[i].Class != relay.Accepted {
			continue
		}
		b.accepted = append(b.accepted, e.EventID)
		if b.details == nil {
			b.details = make(map[string]string)
		}
		b.details[e.EventID] = string(e.Detail)
	}
	return out, nil
}

// refuses gives the named events that result.
func refuses(r relay.Result, ids ...string) func(relay.Entry) relay.Result {
	named := setOf(ids)
	return func(e relay.Entry) relay.Result {
		if named[e.EventID] {
			return r
		}
		return relay.Result{Class: relay.Accepted}
	}
}

// always gives every event that result.
func always(r relay.Result) func(relay.Entry) relay.Result {
	return func(relay.Entry) relay.Result { return r }
}

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool)
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// noBus is a client of EventBridge whose bus does not exist.
type noBus struct{ sent int }

func (c *noBus) PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error) {
	c.sent++
	return &eventbridge.PutEventsOutput{}, nil
}

func (*noBus) DescribeEventBus(context.Context, *eventbridge.DescribeEventBusInput, ...func(*eventbridge.Options)) (*eventbridge.DescribeEventBusOutput, error) {
	return nil, &types.ResourceNotFoundException{}
}

func letterHandler(t *testing.T, p relay.Publisher, sink *tableSink, optFns ...func(*relay.Options)) *relay.Handler {
	t.Helper()
	h, err := relay.NewHandler(p, sink, optFns...)
	require.NoError(t, err)
	return h
}
