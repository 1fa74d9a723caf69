package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox/outboxtest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// Tables of the story.
const (
	usersTable      = "users"
	eventStoreTable = "event-store"
	sentTable       = "sent"
	inboxTable      = "inbox"
)

// story is the quickstart's plot and its bookkeeping.
type story struct {
	out    io.Writer
	db     outboxtest.Client // DynamoDB
	tap    outboxtest.Tap    // in front of it: keeps what the stream would bring
	bus    relaytest.Bus     // EventBridge, with a rule that sends every event to one queue
	relay  *relay.Handler
	users  *userService
	queue  *outbox.Consumer
	wrong  error           // what the consumer's work showed
	refuse int             // calls of the bus in which every second event is refused
	often  map[string]bool // eventIds that are refused again

	committed                        map[string]bool // eventIds
	consumed                         map[string]int  // eventId → deliveries
	delivered, received, invocations int             // records, messages, and calls of the relay
}

func newStory(ctx context.Context, out io.Writer) (*story, error) {
	writer, err := outbox.NewWriter(eventStoreTable, func(o *outbox.Options) { o.Source, o.Region = "userService", "eu-west-1" })
	if err != nil {
		return nil, err
	}
	inbox, err := outbox.NewInbox(inboxTable, "messagingService")
	if err != nil {
		return nil, err
	}
	s := &story{out: out, often: map[string]bool{}, committed: map[string]bool{}, consumed: map[string]int{}}
	s.tap.Client, s.bus.Script = &s.db, s.refused
	for _, in := range []*dynamodb.CreateTableInput{writer.CreateTableInput(), inbox.CreateTableInput(), keyedByUser(usersTable), keyedByUser(sentTable)} {
		if _, err := s.db.CreateTable(ctx, in); err != nil {
			return nil, err
		}
	}
	// Once for a process: it remembers what it has published. Two attempts, for
	// the story is about what comes after them.
	s.relay, err = relay.NewHandler(relay.NewEventBridge(&s.bus, "default"), relay.Block, func(o *relay.Options) { o.MaxAttempts = 2 })
	if err != nil {
		return nil, err
	}
	s.users = &userService{&s.tap, usersTable, writer}
	mails := &messagingService{&s.tap, sentTable, inbox}
	s.queue, err = outbox.NewConsumer(func(ctx context.Context, ev envelope.CustomEvent) error {
		return s.check(ev.Headers.EventID, mails.handle(ctx, ev))
	})
	return s, err
}

// keyedByUser describes a table of the services' own.
func keyedByUser(table string) *dynamodb.CreateTableInput {
	return &dynamodb.CreateTableInput{
		TableName: &table, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("userId"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("userId"), KeyType: types.KeyTypeHash}},
	}
}

// refused is the script of the bus: it refuses every second event for as many
// calls as it is told to, and those again, so that a second try meets the same
// answer.
func (s *story) refused(_ int, entries []relaytest.Entry) (a relaytest.Answer) {
	if s.refuse == 0 {
		return a
	}
	s.refuse--
	a.Codes = map[int]string{}
	for i, e := range entries {
		if i%2 == 1 || s.often[e.EventID] {
			s.often[e.EventID], a.Codes[i] = true, "InternalFailure"
		}
	}
	return a
}

// deliver hands what is new in the event store to the relay, as Lambda does: in
// order, and the whole batch again for as long as the relay answers with an error.
func (s *story) deliver(ctx context.Context) error {
	records := s.tap.Records()[s.delivered:]
	for len(records) > 0 {
		s.invocations++
		answer, err := s.relay.Invoke(ctx, relaytest.StreamEvent(records...))
		if err == nil {
			s.say("   relay → %s: every record of the batch is published", answer)
			s.delivered += len(records)
			return nil
		}
		s.say("   relay → error, so Lambda sends the whole batch again: %v", err)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

// receive takes what is new out of the queue.
func (s *story) receive() []relaytest.Entry {
	messages := s.bus.Entries()[s.received:]
	s.received += len(messages)
	return messages
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

func (s *story) signUp(ctx context.Context) error {
	s.say("The transactional outbox: DynamoDB in this process, bus in this process.\n")
	s.say("1. A sign-up: user and event in one transaction")
	ev, err := s.users.signUp(ctx, "ada")
	if err != nil {
		return err
	}
	s.committed[ev.Headers.EventID] = true
	s.say("   TransactWriteItems[ Put users ada, Put event-store User.Created ] → committed")
	items := s.db.Items(eventStoreTable)
	if len(items) != 1 {
		return fmt.Errorf("the event store holds %d items, not 1", len(items))
	}
	var item map[string]any
	if err := attributevalue.UnmarshalMap(items[0], &item); err != nil {
		return err
	}
	shown, err := json.MarshalIndent(item, "   ", "  ")
	if err != nil {
		return err
	}
	s.say("   the event store holds:\n   %s", shown)
	return nil
}

func (s *story) publish(ctx context.Context) error {
	s.say("\n2. The relay publishes what the stream brings")
	s.say("   (this DynamoDB has no streams: committed event items are handed over as the records they would be)")
	return s.deliver(ctx)
}

func (s *story) consume(ctx context.Context) error {
	s.say("\n3. The bus routes the event to the consumer's queue")
	messages := s.receive()
	if len(messages) != 1 {
		return fmt.Errorf("the queue holds %d messages, not 1", len(messages))
	}
	var detail any
	numbers := json.NewDecoder(bytes.NewReader(messages[0].Detail))
	numbers.UseNumber()
	if err := numbers.Decode(&detail); err != nil {
		return err
	}
	shown, err := json.MarshalIndent(detail, "   ", "  ")
	if err != nil {
		return err
	}
	s.say("   %s from %s, with the detail:\n   %s", messages[0].DetailType, messages[0].Source, shown)
	if err := s.work(ctx, messages); err != nil {
		return err
	}
	s.say("   and the same message once more:")
	return s.work(ctx, messages)
}

// work gives messages to the consumer, as Lambda does.
func (s *story) work(ctx context.Context, messages []relaytest.Entry) error {
	if _, err := s.queue.Invoke(ctx, relaytest.SQSEvent(messages...)); err != nil {
		return errors.Join(err, s.wrong)
	}
	return nil
}

// check looks at what came of an event, and shows it.
func (s *story) check(id string, err error) error {
	s.consumed[id]++
	duplicate := errors.Is(err, outbox.ErrDuplicate)
	switch {
	case !s.committed[id]:
		s.wrong = fmt.Errorf("phantom event: %s was published and never committed", id)
	case err != nil && !duplicate:
		s.wrong = err
	case duplicate != (s.consumed[id] > 1):
		s.wrong = fmt.Errorf("event %s, delivery %d: duplicate is %t", id, s.consumed[id], duplicate)
	case duplicate:
		s.say("   %s: the receipt is there already: duplicate, nothing done", id)
	default:
		s.say("   %s: work and receipt committed in one transaction", id)
	}
	return s.wrong
}

func (s *story) refusedSignUp(ctx context.Context) error {
	s.say("\n4. A sign-up that is refused leaves no event (no phantom)")
	_, err := s.users.signUp(ctx, "ada")
	var refused *outbox.CommitError
	if !errors.As(err, &refused) || refused.Outcome != outbox.NotCommitted {
		return fmt.Errorf("the second sign-up of ada: %w, not refused as it should be", err)
	}
	s.say("   %v", err)
	items := s.db.Items(eventStoreTable)
	if len(items) != len(s.committed) {
		return fmt.Errorf("phantom event: %d events in the store, %d committed", len(items), len(s.committed))
	}
	before := s.invocations
	if err := s.deliver(ctx); err != nil {
		return err
	}
	if s.invocations != before {
		return errors.New("phantom event: the relay was invoked")
	}
	s.say("   the event store holds what it held, and the relay has nothing to do")
	return nil
}

func (s *story) refusingBus(ctx context.Context) error {
	s.say("\n5. A bus that refuses half of a batch loses no event")
	for _, id := range []string{"bob", "cyd", "dee", "eve"} {
		ev, err := s.users.signUp(ctx, id)
		if err != nil {
			return err
		}
		s.committed[ev.Headers.EventID] = true
	}
	s.say("   four more sign-ups, and the bus refuses two of their events, twice")
	s.refuse = 2
	if err := s.deliver(ctx); err != nil {
		return err
	}
	messages := s.receive()
	s.say("   the relay knew which ones it had published, so the queue got %d messages for 4 events:", len(messages))
	if len(messages) != 4 {
		return fmt.Errorf("the queue got %d messages, not 4", len(messages))
	}
	if err := s.work(ctx, messages); err != nil {
		return err
	}
	if len(s.consumed) != len(s.committed) {
		return fmt.Errorf("lost events: %d committed, %d consumed", len(s.committed), len(s.consumed))
	}
	return nil
}
