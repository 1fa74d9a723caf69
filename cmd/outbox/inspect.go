package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/oklog/ulid/v2"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/progress"
	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// inspectCmd says what is known of an event.
type inspectCmd struct {
	EventID   string `arg:"" help:"The event's id (headers.eventId)."`
	Aggregate string `placeholder:"ID" help:"The event's aggregate. With a layout other than default, the event is then found without reading the whole table."`
	Around    when   `placeholder:"TIME" help:"When the event was made, to look it up in the journal. Default: what its item says, or its id if that is a ULID."`
	Payload   bool   `help:"Show the payload, and the message of a dead letter, which may quote it."`

	storeNames
	journalName
	deadLettersName
	receiptsName
}

func (c *inspectCmd) Help() string {
	return `Looks the event up in the event store, the journal (when it was accepted, and under which id of the bus), the dead letters and, if --receipts is given, the receipts of the consumers. --journal none and --dead-letters none leave those out. It only reads; without --payload nothing that it prints is of the payload.

An event that no bus has accepted is looked for in the journal of the 25 hours after it was made: that takes up to a minute, and up to 24,000 read units (under 1 cent).

Examples:
  outbox inspect 01M872WT0STBQCYVHK675TM9FS
  outbox inspect 01M872WT0STBQCYVHK675TM9FS --receipts outbox-messaging
  outbox inspect order-17-paid --around 2026-11-25T08:00:00Z         an id of your own, whose item is gone

Exit status: 0 the event is known somewhere, 1 it is not, 2 the call or the configuration is wrong.`
}

// inspection is what is known. A part that is nil has nothing of the event.
type inspection struct {
	EventID  string          `json:"eventId"`
	Item     *itemFound      `json:"item"`
	Journal  *journalFound   `json:"journal"`
	Letters  []shownLetter   `json:"deadLetters"`
	Receipts []receipt       `json:"receipts,omitempty"`
	NotAsked []string        `json:"notAsked,omitempty"` // what was not looked at, and why
	Payload  json.RawMessage `json:"payload,omitempty"`
}

type itemFound struct {
	Table   string          `json:"table"`
	Items   int             `json:"items"` // how many have this eventId; more than one is a slip of the writer
	Bytes   int             `json:"bytes"` // of the Detail
	Headers json.RawMessage `json:"headers,omitempty"`
	Fault   string          `json:"fault,omitempty"` // why it cannot be published
}

type journalFound struct {
	At           time.Time `json:"at"`
	Bus          string    `json:"bus,omitempty"`
	BusID        string    `json:"busId,omitempty"`
	DeadLettered bool      `json:"deadLettered,omitempty"`
}

type receipt struct {
	Consumer  string `json:"consumer"`
	EventName string `json:"eventName,omitempty"`
}

// Run is the verb.
func (c *inspectCmd) Run(ctx context.Context, a *app) error {
	s, err := c.store()
	if err != nil {
		return err
	}
	cfg, err := a.aws(ctx)
	if err != nil {
		return err
	}
	in := &inspection{EventID: c.EventID, Letters: []shownLetter{}}
	made, err := c.item(ctx, cfg, s, in)
	if err == nil {
		err = c.accepted(ctx, cfg, made, in)
	}
	if err == nil {
		err = c.letters(ctx, cfg, in)
	}
	if err == nil && c.Receipts != "" {
		in.Receipts, err = receiptsOf(ctx, dynamodb.NewFromConfig(cfg), c.Receipts, c.EventID)
	}
	if err != nil {
		return err
	}
	err = a.write(in, func(b *strings.Builder) { in.text(b, c.Receipts != "") })
	if err == nil && in.Item == nil && in.Journal == nil && len(in.Letters) == 0 && len(in.Receipts) == 0 {
		return errSomeFailed
	}
	return err
}

// item looks the event up in the event store, and returns when it was made, as
// far as that is known.
func (c *inspectCmd) item(ctx context.Context, cfg aws.Config, s eventStore, in *inspection) (made time.Time, err error) {
	client := dynamodb.NewFromConfig(cfg)
	source := recovery.IDs(client, s.table, s.layout, c.EventID)
	if c.Aggregate != "" {
		source = recovery.Aggregate(client, s.table, s.layout, c.Aggregate)
	}
	if v, ok := source.(relay.Validator); ok {
		if err := v.Validate(); err != nil {
			return made, usageError{err}
		}
	}
	decoder := streamrecord.NewDecoder(streamrecord.Config{Event: s.layout.WithDefaults().Event, Marker: s.layout.Marker, MarkerValue: envelope.MarkerValue})
	for page, err := range source.Pages(ctx, nil) {
		if err != nil {
			return made, err
		}
		for _, again := range page.Records {
			batch, err := decoder.Decode(fmt.Appendf(nil, `{"Records":[%s]}`, again.Record))
			if err != nil || len(batch.Records) != 1 {
				return made, fmt.Errorf("the item of event %q in table %s cannot be read", c.EventID, s.table)
			}
			r := &batch.Records[0]
			if r.EventID != "" && r.EventID != c.EventID {
				continue
			}
			if in.Item == nil {
				in.Item = &itemFound{Table: s.table}
			}
			in.Item.Items++
			in.Item.Bytes, in.Item.Headers = len(r.Detail), json.RawMessage(append([]byte(nil), r.Headers...))
			if len(r.Headers) == 0 {
				in.Item.Headers = nil
			}
			if r.Fault != nil {
				in.Item.Fault = r.Fault.Code
			}
			if r.Timestamp > 0 {
				made = time.UnixMilli(r.Timestamp)
			}
			if c.Payload {
				var detail struct {
					Payload json.RawMessage `json:"payload"`
				}
				_ = json.Unmarshal(r.Detail, &detail) // an item with a fault has none
				in.Payload = detail.Payload
			}
		}
	}
	switch id, err := ulid.ParseStrict(c.EventID); {
	case c.Around.set:
		return c.Around.at(time.Now()), nil
	case made.IsZero() && err == nil:
		return ulid.Time(id.Time()), nil
	}
	return made, nil
}

// accepted looks the event up in the journal.
func (c *inspectCmd) accepted(ctx context.Context, cfg aws.Config, made time.Time, in *inspection) error {
	switch {
	case c.Journal == none:
		in.NotAsked = append(in.NotAsked, "the journal: --journal none")
		return nil
	case made.IsZero():
		in.NotAsked = append(in.NotAsked, "the journal: it is kept by time, and nothing says when the event was made; give --around")
		return nil
	}
	done, err := c.table(cfg, c.Name).Find(ctx, c.EventID, made)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	in.Journal = &journalFound{At: done.At, Bus: done.Bus, BusID: done.BusID, DeadLettered: done.DeadLettered}
	return nil
}

// letters looks for dead letters of the event.
func (c *inspectCmd) letters(ctx context.Context, cfg aws.Config, in *inspection) error {
	d := c.deadLetters(cfg, c.Name)
	if d == nil {
		in.NotAsked = append(in.NotAsked, "the dead letters: --dead-letters none")
		return nil
	}
	for l, err := range d.all(ctx) {
		if err != nil {
			return err
		}
		if l.EventID != c.EventID {
			continue
		}
		s := shown(l)
		if c.Payload {
			whole, err := d.Read(ctx, d.client, l.Key)
			if err != nil {
				return err
			}
			s.Message = whole.Message
		}
		in.Letters = append(in.Letters, s)
	}
	return nil
}

// receiptsOf returns the receipts of an event, in a table of outbox.Inbox whose key
// is the event's id and the consumer.
func receiptsOf(ctx context.Context, client *dynamodb.Client, table, eventID string) ([]receipt, error) {
	found := []receipt{}
	in := &dynamodb.QueryInput{
		TableName: &table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("#pk = :id"),
		ExpressionAttributeNames:  map[string]string{"#pk": envelope.DefaultPK},
		ExpressionAttributeValues: map[string]types.AttributeValue{":id": &types.AttributeValueMemberS{Value: eventID}},
	}
	for {
		out, err := client.Query(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("read the receipts: query table %s: %w", table, err)
		}
		for _, item := range out.Items {
			if consumer := stringOf(item["consumer"]); consumer != "" { // a consumer may keep its own items beside its receipts
				found = append(found, receipt{consumer, stringOf(item["eventName"])})
			}
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(out.LastEvaluatedKey) == 0 {
			return found, nil
		}
	}
}

func stringOf(v types.AttributeValue) string {
	if s, ok := v.(*types.AttributeValueMemberS); ok {
		return s.Value
	}
	return ""
}

// asked reports whether a part was looked at.
func (in *inspection) asked(part string) bool {
	return !slices.ContainsFunc(in.NotAsked, func(n string) bool { return strings.HasPrefix(n, part+":") })
}

func (in *inspection) text(b *strings.Builder, receipts bool) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	row("event", "%s", in.EventID)
	if i := in.Item; i == nil {
		row("event store", "no item: it was never committed, or has been deleted since (TTL)")
	} else {
		row("event store", "in table %s, %s as it is published", i.Table, progress.Count(i.Bytes, "byte"))
		if i.Items > 1 {
			row("", "%d ITEMS have this eventId: the writer has given it twice", i.Items)
		}
		if i.Fault != "" {
			row("", "CANNOT BE PUBLISHED: %s", i.Fault)
		}
		if len(i.Headers) > 0 {
			row("headers", "%s", i.Headers)
		}
	}
	switch j := in.Journal; {
	case j == nil && in.asked("the journal"):
		row("journal", "nothing: no bus has accepted it within 25 hours after it was made, or there was no journal")
	case j != nil && j.DeadLettered:
		row("journal", "to the dead letters at %s", stamp(j.At))
	case j != nil:
		row("journal", "accepted at %s by %s, under the id %s", stamp(j.At), or(j.Bus, "the relay's own bus"), or(j.BusID, "(none)"))
	}
	if len(in.Letters) == 0 && in.asked("the dead letters") {
		row("dead letters", "none")
	}
	for _, l := range in.Letters {
		row("dead letter", "%s since %s, after %s", l.Code, stamp(l.DeadAt), progress.Count(l.Attempts, "attempt"))
		if l.Message != "" {
			row("", "%s", l.Message)
		}
	}
	if receipts && len(in.Receipts) == 0 {
		row("receipts", "none: no consumer that keeps receipts there has done its work for it")
	}
	for _, r := range in.Receipts {
		row("receipt", "of %s", r.Consumer)
	}
	for _, n := range in.NotAsked {
		row("not looked at", "%s", n)
	}
	if len(in.Payload) > 0 {
		row("payload", "%s", in.Payload)
	}
	t.Flush()
}
