package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/wirefault"
)

// books reads the facts again and again and keeps the last balance. The taps and
// services are not asked: what the ledger says is what the parts hold.
type books struct {
	cloud *cloud
	bus   *wirefault.Proxy     // between relay and bus
	poll  *lambdapoller.Poller // of the event store's stream
	mails func() map[string]int
	saw   func(parked string) // told of each event in the dead-letter queue, once
	bell  *bell
	naive *naive

	// What cannot be forgotten again is not read twice.
	reading     sync.Mutex // held by refresh; guards what follows
	passed      map[string]bool
	invocations int
	parked      map[string]string // message id → event

	mu   sync.Mutex // guards last
	last ledger
}

func newBooks(s *stage, poll *lambdapoller.Poller) *books {
	return &books{
		cloud: s.cloud, bus: s.busWire, poll: poll, mails: s.mailsByAddress, saw: s.sawParked, bell: s.bell, naive: s.naive,
		passed: map[string]bool{}, parked: map[string]string{},
	}
}

// sheet returns the last balance.
func (b *books) sheet() ledger {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
}

// run keeps the balance up to date until ctx ends. It reads when something has
// happened, and once a second, and never uses more than a quarter of the time.
func (b *books) run(ctx context.Context, trouble func(error)) {
	for {
		rung := b.bell.listen()
		start := time.Now()
		if err := b.refresh(ctx); err != nil && ctx.Err() == nil {
			trouble(err)
		}
		if !pause(ctx, max(2*breath, 3*time.Since(start)), nil) || !pause(ctx, time.Second, rung) {
			return
		}
	}
}

// refresh strikes a new balance.
func (b *books) refresh(ctx context.Context) error {
	b.reading.Lock()
	defer b.reading.Unlock()
	f, err := b.read(ctx)
	if err != nil {
		return fmt.Errorf("local: read the facts: %w", err)
	}
	now := balance(f)
	b.mu.Lock()
	changed := now != b.last
	b.last = now
	b.mu.Unlock()
	if changed {
		b.bell.ring()
	}
	return nil
}

// read reads the facts against the stream: an event is committed before it is
// published, and published or dead-lettered before the stream is past it. So
// what moves on between two reads is never seen as lost or invented.
func (b *books) read(ctx context.Context) (f facts, err error) {
	b.readPassed()
	f.passed = maps.Clone(b.passed)
	if f.dead, err = b.readDead(ctx); err != nil {
		return f, err
	}
	if err = b.readParked(ctx); err != nil {
		return f, err
	}
	f.parked = map[string]bool{}
	for _, id := range b.parked {
		f.parked[id] = true
	}
	if f.receipts, err = b.readReceipts(ctx); err != nil {
		return f, err
	}
	f.mails = b.mails()
	f.accepted, f.wanted = map[string]int{}, map[string]bool{}
	for _, a := range b.bus.Accepted() {
		f.accepted[a.EventID]++
		if asked(a.Source, a.DetailType) {
			f.wanted[a.EventID] = true
		}
	}
	f.naiveOver = b.naive.done()
	f.naiveTold = b.naive.wire.EventIDs()
	f.naiveSaved = map[string]bool{}
	if err := b.scan(ctx, b.cloud.naiveUsers, "pk", func(item map[string]types.AttributeValue) {
		f.naiveSaved[text(item["pk"])] = true
	}); err != nil {
		return f, err
	}
	f.committed = map[string]bool{}
	err = b.scan(ctx, b.cloud.events, "pk", func(item map[string]types.AttributeValue) {
		f.committed[text(item["pk"])] = true
	})
	return f, err
}

// readPassed asks the stream's poller which records are done.
func (b *books) readPassed() {
	all := b.poll.Invocations()
	for _, i := range all[b.invocations:] {
		var event struct{ Records []streamRecord }
		if json.Unmarshal(i.Payload, &event) != nil {
			continue // ours, and well-formed
		}
		for _, r := range event.Records[:i.Done] {
			b.passed[r.DynamoDB.Keys["pk"].S] = true
		}
	}
	b.invocations = len(all)
}

// streamRecord is what is needed of a record of a Lambda event.
type streamRecord struct {
	DynamoDB struct {
		Keys map[string]stringAttribute
	} `json:"dynamodb"`
}

// stringAttribute is an attribute of type S in DynamoDB JSON.
type stringAttribute struct{ S string }

// readDead reads the relay's dead letters. Each holds the keys of its item.
func (b *books) readDead(ctx context.Context) (map[string]bool, error) {
	dead := map[string]bool{}
	err := b.scan(ctx, b.cloud.letters, "#keys", func(item map[string]types.AttributeValue) {
		var keys map[string]stringAttribute
		_ = json.Unmarshal([]byte(text(item["keys"])), &keys) // one without keys stands for no event
		dead[keys["pk"].S] = true
	})
	return dead, err
}

// readReceipts reads what the consumer has done.
func (b *books) readReceipts(ctx context.Context) (map[string]bool, error) {
	receipts := map[string]bool{}
	err := b.scan(ctx, b.cloud.messaging, "pk, sk", func(item map[string]types.AttributeValue) {
		if text(item["sk"]) == messagingServiceName { // beside it lies the record of the e-mail
			receipts[text(item["pk"])] = true
		}
	})
	return receipts, err
}

// readParked looks into the dead-letter queue, if it holds more than is known.
// The messages stay there.
func (b *books) readParked(ctx context.Context) error {
	queues := b.cloud.moto.SQS()
	const visible = sqstypes.QueueAttributeNameApproximateNumberOfMessages
	got, err := queues.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &b.cloud.route.DLQ.URL, AttributeNames: []sqstypes.QueueAttributeName{visible}})
	if err != nil || got.Attributes[string(visible)] == "0" || got.Attributes[string(visible)] == fmt.Sprint(len(b.parked)) {
		return err
	}
	for {
		page, err := queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &b.cloud.route.DLQ.URL, MaxNumberOfMessages: 10, VisibilityTimeout: 1})
		if err != nil {
			return err
		}
		known := len(b.parked)
		for _, m := range page.Messages {
			message, event := aws.ToString(m.MessageId), eventID(aws.ToString(m.Body))
			if _, ok := b.parked[message]; !ok {
				b.parked[message] = event
				b.saw(event)
			}
		}
		if len(b.parked) == known {
			return nil
		}
	}
}

// eventID returns headers.eventId of a queue message, "" if it has none.
func eventID(body string) string {
	ev, err := envelope.FromSQS([]byte(body))
	if err != nil {
		return ""
	}
	return ev.Headers.EventID
}

// scan reads some attributes of a whole table.
func (b *books) scan(ctx context.Context, table, attributes string, each func(map[string]types.AttributeValue)) error {
	in := &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true), ProjectionExpression: &attributes}
	if strings.HasPrefix(attributes, "#") {
		in.ExpressionAttributeNames = map[string]string{attributes: attributes[1:]} // a reserved word
	}
	pages := dynamodb.NewScanPaginator(b.cloud.db.DynamoDB(), in)
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			each(item)
		}
	}
	return nil
}

// text returns a string attribute, "" if it is none.
func text(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}
