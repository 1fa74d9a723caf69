package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// story is the quickstart's plot and its bookkeeping.
type story struct {
	out   io.Writer
	db    *store
	bus   *bus
	fault *refusingBus
	relay *relay.Handler
	users *userService
	queue *outbox.Consumer
	wrong error // what the consumer's work showed

	committed   map[string]bool // eventIds
	consumed    map[string]int  // eventId → deliveries
	invocations int
}

func newStory(ctx context.Context, out io.Writer, db *store, bus *bus) (*story, error) {
	writer, err := outbox.NewWriter(db.events, func(o *outbox.Options) { o.Source, o.Region = "userService", "eu-west-1" })
	if err != nil {
		return nil, err
	}
	inbox, err := outbox.NewInbox(db.inbox, "messagingService")
	if err != nil {
		return nil, err
	}
	if err := db.createTables(ctx, writer.CreateTableInput(), inbox.CreateTableInput(), keyedByUser(db.users), keyedByUser(db.sent)); err != nil {
		return nil, fmt.Errorf("make the tables: %w", err)
	}
	fault := &refusingBus{next: bus, refused: map[string]bool{}}
	// Once for a process: it remembers what it has published. Two attempts, for
	// the story is about what comes after them.
	handler, err := relay.NewHandler(relay.NewEventBridge(fault, bus.name), relay.Block, func(o *relay.Options) { o.MaxAttempts = 2 })
	if err != nil {
		return nil, err
	}
	s := &story{
		out: out, db: db, bus: bus, fault: fault, relay: handler,
		users:     &userService{db, db.users, writer},
		committed: map[string]bool{}, consumed: map[string]int{},
	}
	mails := &messagingService{db, db.sent, inbox}
	s.queue, err = outbox.NewConsumer(func(ctx context.Context, ev envelope.CustomEvent) error {
		return s.check(ev.Headers.EventID, mails.handle(ctx, ev))
	})
	return s, err
}

func (s *story) say(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }

// Invoke is the relay's Lambda, with a line about what it answers.
func (s *story) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	s.invocations++
	answer, err := s.relay.Invoke(ctx, event)
	if err != nil {
		s.say("   relay → error, so Lambda sends the whole batch again: %v", err)
		return nil, err
	}
	s.say("   relay → %s: every record of the batch is published", answer)
	return answer, nil
}

func (s *story) signUp(ctx context.Context) error {
	s.say("The transactional outbox: %s, %s.\n", s.db.name, s.bus.text)
	s.say("1. A sign-up: user and event in one transaction")
	ev, err := s.users.signUp(ctx, "ada")
	if err != nil {
		return err
	}
	s.committed[ev.Headers.EventID] = true
	s.say("   TransactWriteItems[ Put users ada, Put event-store User.Created ] → committed")
	items, err := s.db.items(ctx, s.db.events)
	if err != nil {
		return err
	}
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
	if _, ok := s.db.database.(*localDB); ok {
		s.say("   (this DynamoDB has no streams: committed event items are handed over as the records they would be)")
	}
	return s.db.deliver(ctx, s)
}

func (s *story) consume(ctx context.Context) error {
	s.say("\n3. The bus routes the event to the consumer's queue")
	messages, err := s.bus.receive(ctx, 1)
	if err != nil {
		return err
	}
	if len(messages) != 1 {
		return fmt.Errorf("the queue holds %d messages, not 1", len(messages))
	}
	var event struct {
		Source     string `json:"source"`
		DetailType string `json:"detail-type"`
		Detail     any    `json:"detail"`
	}
	numbers := json.NewDecoder(strings.NewReader(messages[0].Body))
	numbers.UseNumber()
	if err := numbers.Decode(&event); err != nil {
		return err
	}
	shown, err := json.MarshalIndent(event.Detail, "   ", "  ")
	if err != nil {
		return err
	}
	s.say("   %s from %s, with the detail:\n   %s", event.DetailType, event.Source, shown)
	if err := s.work(ctx, messages); err != nil {
		return err
	}
	s.say("   and the same message once more:")
	return s.work(ctx, messages)
}

// work gives messages to the consumer, as Lambda does.
func (s *story) work(ctx context.Context, messages []message) error {
	batch, err := json.Marshal(map[string]any{"Records": messages})
	if err != nil {
		return err
	}
	if _, err := s.queue.Invoke(ctx, batch); err != nil {
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
	items, err := s.db.items(ctx, s.db.events)
	if err != nil {
		return err
	}
	if len(items) != len(s.committed) {
		return fmt.Errorf("phantom event: %d events in the store, %d committed", len(items), len(s.committed))
	}
	before := s.invocations
	if err := s.db.deliver(ctx, s); err != nil {
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
	s.fault.calls = 2
	if err := s.db.deliver(ctx, s); err != nil {
		return err
	}
	messages, err := s.bus.receive(ctx, 4)
	if err != nil {
		return err
	}
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
