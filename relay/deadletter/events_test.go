package deadletter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/faketable"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

const (
	storeARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/event-store/stream/2026-11-24T00:00:00.000"
	secret   = "s3cr3t-0f-th3-3v3nt"
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
		payload = fmt.Sprintf(`{"M":{"secret":{"S":%q}}}`, secret)
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
func (e storedEvent) letter() relay.DeadLetter {
	l := relay.DeadLetter{
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
func lettersOf(t *testing.T, events ...storedEvent) (*faketable.Tables, *deadletter.Table) {
	t.Helper()
	db := &faketable.Tables{}
	sink := deadletter.New(db, "dead")
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

// records are what the stream brings of these events.
func records(events ...storedEvent) (all []json.RawMessage) {
	for _, e := range events {
		all = append(all, json.RawMessage(e.inserted()))
	}
	return all
}

// putItem puts an item of DynamoDB JSON into the event store.
func putItem(t *testing.T, db *faketable.Tables, itemJSON string) {
	t.Helper()
	item, err := attributevalue.UnmarshalMapJSON([]byte(itemJSON))
	require.NoError(t, err)
	_, err = db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: aws.String("event-store"), Item: item})
	require.NoError(t, err)
}

// broken is a table of which nothing can be read or deleted.
func broken(err error) func(context.Context, string) error {
	return func(_ context.Context, operation string) error {
		if operation == "PutItem" {
			return nil
		}
		return err
	}
}

// refusing is a bus that refuses these events for good.
func refusing(ids ...string) *relaytest.Bus {
	return &relaytest.Bus{Script: relaytest.RefuseEvents("InvalidArgument", ids...)}
}

// accepted are the ids of what a bus has accepted, and details the texts by them.
func accepted(bus *relaytest.Bus) (ids []string) {
	for _, e := range bus.Entries() {
		ids = append(ids, e.EventID)
	}
	return ids
}

func details(bus *relaytest.Bus) map[string]string {
	all := map[string]string{}
	for _, e := range bus.Entries() {
		all[e.EventID] = string(e.Detail)
	}
	return all
}

func letterHandler(t *testing.T, bus relay.PutEventsAPIClient, sink *deadletter.Table, optFns ...func(*relay.Options)) *relay.Handler {
	t.Helper()
	h, err := relay.NewHandler(relay.NewEventBridge(bus, "orders"), sink, optFns...)
	require.NoError(t, err)
	return h
}
