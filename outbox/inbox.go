package outbox

import (
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
)

// Attributes of a receipt besides its keys.
const (
	receiptConsumer  = "consumer"
	receiptEventID   = "eventId"
	receiptEventName = "eventName"
)

// InboxOptions configure an [Inbox].
type InboxOptions struct {
	// PK, SK and TTL name the attributes; empty means "pk", "sk" and "ttl".
	PK, SK, TTL string

	// Keys returns the key values of a receipt, both strings (S). Nil means
	// pk = eventId and sk = consumer. An empty sk means a table without a sort
	// key. Two consumers, or two events, must never get the same key. A pk has
	// 1 to 2,048 bytes of UTF-8, an sk at most 1,024.
	Keys func(consumer, eventID string) (pk, sk string)

	// Lifetime is how long a receipt is kept, from the moment it is
	// appended; at least [MinTTL]. Zero means without end. A duplicate that comes
	// later than this is not recognised, so it must be longer than the queue's
	// retention plus the time back to which you replay.
	//
	// It is the one thing here that reads the clock: with a Lifetime, a receipt
	// that is appended again in a later second differs.
	Lifetime time.Duration
}

// Inbox makes a consumer's work idempotent: it adds a receipt to the
// transaction in which the consumer does its work, so the work and the receipt
// are there together or not at all, and a second delivery of the event is
// refused. Make one with [NewInbox]; it is safe for concurrent use.
type Inbox struct {
	table, consumer string
	opts            InboxOptions
}

// NewInbox returns the Inbox of a consumer, in the table with this name or ARN.
// The name of the consumer, 1 to 1,024 bytes of UTF-8, is part of each receipt's
// key: give each consumer that works on the same events its own, and never change
// it.
func NewInbox(table, consumer string, optFns ...func(*InboxOptions)) (*Inbox, error) {
	if err := validateTable(table); err != nil {
		return nil, err
	}
	if consumer == "" || len(consumer) > itemsize.MaxSortKey || !utf8.ValidString(consumer) {
		return nil, fmt.Errorf("outbox: inbox: the name of the consumer is part of a sort key: 1 to %d bytes of UTF-8, not %d",
			itemsize.MaxSortKey, len(consumer))
	}
	var o InboxOptions
	for _, fn := range optFns {
		if fn != nil {
			fn(&o)
		}
	}
	if o.Lifetime < 0 || o.Lifetime > 0 && o.Lifetime < MinTTL {
		return nil, fmt.Errorf("outbox: inbox option Lifetime: %s is under %s", o.Lifetime, MinTTL)
	}
	names := envelope.Layout{PK: o.PK, SK: o.SK, TTL: o.TTL, Attributes: map[string]string{
		receiptConsumer: "", receiptEventID: "", receiptEventName: "",
	}}
	if err := names.Validate(); err != nil {
		return nil, fmt.Errorf("outbox: inbox option PK, SK or TTL: %w", err)
	}
	names = names.WithDefaults()
	o.PK, o.SK, o.TTL = names.PK, names.SK, names.TTL
	if o.Keys == nil {
		o.Keys = func(consumer, eventID string) (string, string) { return eventID, consumer }
	}
	return &Inbox{table: table, consumer: consumer, opts: o}, nil
}

// Append adds the receipt of the event to the consumer's transaction, and checks
// the transaction as [Writer.Append] does. On an error, a [*PreflightError] unless
// in is nil, the transaction is as it was; the caller's array is never written to.
//
// Append new events that follow from this one to the same transaction: consumed,
// changed and announced is then one step.
//
// It is for work that is in DynamoDB. Where the work is elsewhere, an e-mail or
// a call to another service, no receipt can make it exactly once: between the
// work and the receipt there is always a moment in which the consumer can stop.
// Append the receipt with a record of the work after it is done, and give the
// other service the eventId as its own idempotency key if it takes one.
func (b *Inbox) Append(in *dynamodb.TransactWriteItemsInput, ev envelope.CustomEvent) error {
	if in == nil {
		return errNilTransaction
	}
	put, fault := b.receipt(ev.Headers)
	if fault != nil {
		fault.Index, fault.Table, fault.ours = len(in.TransactItems), b.table, true
		fault.EventID, fault.EventName = ev.Headers.EventID, ev.Headers.EventName
		return fault
	}
	puts := []eventPut{put}
	p := preflight{own: tableIDOf(b.table), layout: envelope.Layout{PK: b.opts.PK, SK: b.opts.SK}, actions: read(in.TransactItems, puts)}
	if err := p.check(in.ClientRequestToken); err != nil {
		return err
	}
	in.TransactItems = extended(in.TransactItems, puts)
	return nil
}

func (b *Inbox) receipt(h envelope.Headers) (eventPut, *PreflightError) {
	for _, f := range []struct{ name, value string }{{"headers.eventId", h.EventID}, {"headers.eventName", h.EventName}} {
		if !utf8.ValidString(f.value) {
			return eventPut{}, &PreflightError{Rule: RuleValue, Path: f.name, Problem: "not valid UTF-8"}
		}
	}
	if h.EventID == "" {
		return eventPut{}, &PreflightError{Rule: RuleValue, Path: "headers.eventId",
			Problem: "missing; without it a duplicate cannot be recognised"}
	}
	pk, sk := b.opts.Keys(b.consumer, h.EventID)
	if pk == "" {
		return eventPut{}, &PreflightError{Rule: RuleValue, Path: joined("", b.opts.PK), Problem: "option Keys gave an empty partition key"}
	}
	for _, k := range []struct {
		name, value string
		limit       int
	}{{b.opts.PK, pk, itemsize.MaxPartitionKey}, {b.opts.SK, sk, itemsize.MaxSortKey}} {
		switch {
		case !utf8.ValidString(k.value):
			return eventPut{}, &PreflightError{Rule: RuleValue, Path: joined("", k.name), Problem: "not valid UTF-8"}
		case len(k.value) > k.limit:
			return eventPut{}, &PreflightError{Rule: RuleKeySize, Path: joined("", k.name), Actual: len(k.value), Allowed: k.limit}
		}
	}
	item := map[string]types.AttributeValue{
		b.opts.PK:        &types.AttributeValueMemberS{Value: pk},
		receiptConsumer:  &types.AttributeValueMemberS{Value: b.consumer},
		receiptEventID:   &types.AttributeValueMemberS{Value: h.EventID},
		receiptEventName: &types.AttributeValueMemberS{Value: h.EventName},
	}
	if sk != "" {
		item[b.opts.SK] = &types.AttributeValueMemberS{Value: sk}
	}
	if b.opts.Lifetime > 0 {
		expiry := time.Now().Add(b.opts.Lifetime + time.Second).Unix()
		item[b.opts.TTL] = &types.AttributeValueMemberN{Value: strconv.FormatInt(expiry, 10)}
	}
	condition, names := notExists(b.opts.PK)
	return eventPut{Put: conditionalPut(b.table, item, condition, names)}, nil
}

// Explain says what an error of TransactWriteItems means for the consumer's
// transaction. It is [ErrDuplicate], by errors.Is, when DynamoDB has shown that
// every receipt of this inbox in the transaction is there: all of its events have
// been done before, whatever else was refused, and their messages can be deleted.
// Else it is a
// [*CommitError] as from [Writer.Explain], whose Reasons say by ErrDuplicate which
// events have been done before, if some have: build the transaction again without
// them. A nil err gives nil.
//
// An item at the receipt's key that is no receipt of this event is
// [ErrEventExists]. A receipt that was refused without its old item proves
// nothing: the outcome is [Unknown].
//
// A transaction that also emits events is explained by the inbox first and then
// by the writer: w.Explain(in, inbox.Explain(in, err)).
func (b *Inbox) Explain(in *dynamodb.TransactWriteItemsInput, err error) error {
	verdict, allThere := explain(in, err, b)
	if e := (*CommitError)(nil); allThere && errors.As(verdict, &e) {
		e.duplicate = true
	}
	return verdict
}

// owns reports whether the action is the Put of a receipt of this inbox.
func (b *Inbox) owns(action types.TransactWriteItem) (eventID, eventName string, ok bool) {
	put := action.Put
	if put == nil || put.TableName == nil || tableName(*put.TableName) != tableName(b.table) ||
		text(put.Item[receiptConsumer]) != b.consumer {
		return "", "", false
	}
	eventID = text(put.Item[receiptEventID])
	if pk, _ := b.opts.Keys(b.consumer, eventID); eventID == "" || text(put.Item[b.opts.PK]) != pk {
		return "", "", false
	}
	return eventID, text(put.Item[receiptEventName]), true
}

func (b *Inbox) meets(put *types.Put, item map[string]types.AttributeValue) (finding, error) {
	if text(item[receiptConsumer]) != b.consumer || text(item[receiptEventID]) != text(put.Item[receiptEventID]) {
		return taken, ErrEventExists // not a receipt of this event, so nothing says that it has been done
	}
	return duplicate, ErrDuplicate
}

func text(v types.AttributeValue) string {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok || s == nil {
		return ""
	}
	return s.Value
}
