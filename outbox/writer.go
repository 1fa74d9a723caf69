package outbox

import (
	"errors"
	"fmt"
	"maps"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslimits"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

// Writer adds events to the caller's own transactions. It does no I/O and holds
// no client: the caller sends the transaction. Make one with [NewWriter]; it is
// safe for concurrent use.
type Writer struct {
	table string
	opts  Options
	form  eventitem.Form
}

// NewWriter returns a Writer for the event store with this name or ARN. The
// error names the option that cannot be right.
func NewWriter(table string, optFns ...func(*Options)) (*Writer, error) {
	if err := validateTable(table); err != nil {
		return nil, err
	}
	var o Options
	for _, fn := range optFns {
		if fn != nil {
			fn(&o)
		}
	}
	o.Layout = o.Layout.WithDefaults()
	o.Layout.Attributes = maps.Clone(o.Layout.Attributes)
	if err := o.validate(); err != nil {
		return nil, err
	}
	if o.MaxEntryBytes == 0 {
		o.MaxEntryBytes = buslimits.MaxEntrySize
	}
	w := &Writer{table: table, opts: o, form: eventitem.Map}
	if o.PayloadAsText {
		w.form = eventitem.JSONText
	}
	return w, nil
}

// Table returns the name or ARN of the event store, as it was given.
func (w *Writer) Table() string { return w.table }

// Layout returns the layout of the event items, with every name filled in.
func (w *Writer) Layout() envelope.Layout { return w.opts.Layout }

// Append adds one Put for each event to the transaction, behind what is there. It
// refuses an event that DynamoDB or EventBridge would not take, and a transaction
// that DynamoDB cannot take, whatever the tables hold; see the package
// documentation for what that is. [Writer.Check] says more.
//
// It is all or nothing: on an error, a [*PreflightError] unless in is nil, the
// transaction is as it was. It is a pure function of writer, transaction and events: appending the
// same events to equal transactions gives equal transactions, so one that is
// built again for a second attempt may go under the same ClientRequestToken.
//
// The slice in.TransactItems becomes a new one. The caller's array is never
// written to, not even behind the end of the slice, so two transactions may begin
// as one slice. The caller's actions are read, never changed; the items share no
// memory with the events.
func (w *Writer) Append(in *dynamodb.TransactWriteItemsInput, evs ...envelope.CustomEvent) error {
	if in == nil {
		return errNilTransaction
	}
	var few [4]eventPut
	puts, err := w.puts(few[:0], len(in.TransactItems), evs)
	if err != nil {
		return err
	}
	p := preflight{own: tableIDOf(w.table), layout: w.opts.Layout, actions: read(in.TransactItems, puts)}
	if err := p.check(in.ClientRequestToken); err != nil {
		return err
	}
	in.TransactItems = extended(in.TransactItems, puts)
	return nil
}

// extended returns the actions and our Puts behind them, in an array of their
// own: the room behind the caller's slice may be that of another transaction.
func extended(actions []types.TransactWriteItem, puts []eventPut) []types.TransactWriteItem {
	if len(puts) == 0 {
		return actions
	}
	all := make([]types.TransactWriteItem, len(actions), len(actions)+len(puts))
	copy(all, actions)
	for _, put := range puts {
		all = append(all, types.TransactWriteItem{Put: put.Put})
	}
	return all
}

// Items returns the Puts that Append would add, for code whose transactions
// are built elsewhere. The events are checked, each for itself; the transaction
// they go into is not, here: see [Writer.Check]. All errors are [*PreflightError].
func (w *Writer) Items(evs ...envelope.CustomEvent) ([]types.TransactWriteItem, error) {
	puts, err := w.puts(nil, 0, evs)
	if err != nil {
		return nil, err
	}
	items := make([]types.TransactWriteItem, len(puts))
	for i, put := range puts {
		items[i].Put = put.Put
	}
	return items, nil
}

var errNilTransaction = errors.New("outbox: the transaction, a *dynamodb.TransactWriteItemsInput, is nil")

// PutItem returns the conditional put for an event that is the only thing to
// write: one item needs no transaction, which costs twice the write units. For
// what comes of it, see [Writer.ExplainPut].
func (w *Writer) PutItem(ev envelope.CustomEvent) (*dynamodb.PutItemInput, error) {
	puts, err := w.puts(nil, 0, []envelope.CustomEvent{ev})
	if err != nil {
		return nil, err
	}
	put := puts[0]
	return &dynamodb.PutItemInput{
		TableName:                           put.TableName,
		Item:                                put.Item,
		ConditionExpression:                 put.ConditionExpression,
		ExpressionAttributeNames:            put.ExpressionAttributeNames,
		ReturnValuesOnConditionCheckFailure: put.ReturnValuesOnConditionCheckFailure,
	}, nil
}

// eventPut is an event as it will be written, with what preflight knows of it.
type eventPut struct {
	*types.Put
	size int
}

// puts encodes events and appends them to dst; first is the index of the first
// one in its transaction.
func (w *Writer) puts(dst []eventPut, first int, evs []envelope.CustomEvent) ([]eventPut, error) {
	for i, ev := range evs {
		put, err := w.put(ev)
		if err != nil {
			return nil, w.eventError(first+i, ev, err)
		}
		dst = append(dst, put)
	}
	return dst, nil
}

func (w *Writer) put(ev envelope.CustomEvent) (eventPut, error) {
	h := &ev.Headers
	if h.Source == "" {
		h.Source = w.opts.Source
	}
	if h.Region == "" {
		h.Region = w.opts.Region
	}
	if h.CreatedBy == "" {
		h.CreatedBy = h.Source
	}
	if h.CorrelationID == "" {
		h.CorrelationID = h.EventID
	}
	if h.Source == "" {
		return eventPut{}, &envelope.FieldError{
			EventID: h.EventID, EventName: h.EventName, Field: "headers.source",
			Problem: "missing; set Options.Source or the event's own",
		}
	}
	if err := h.Validate(); err != nil {
		return eventPut{}, err
	}
	if w.opts.Layout.Ordered && h.AggregateID == "" {
		return eventPut{}, &envelope.FieldError{
			EventID: h.EventID, EventName: h.EventName, Field: "headers.aggregateId",
			Problem: "missing; the layout is Ordered, so every event needs aggregateId and sequence",
		}
	}
	item, err := eventitem.Encode(ev, w.opts.Layout, w.form, w.expiry(ev))
	if err != nil {
		return eventPut{}, err
	}
	if n := buslimits.EntrySize(true, h.Source, h.EventName, item.DetailSize, nil); n > w.opts.MaxEntryBytes {
		return eventPut{}, &PreflightError{Rule: RuleEntrySize, Actual: n, Allowed: w.opts.MaxEntryBytes}
	}
	condition, names := notExists(w.opts.Layout.PK)
	return eventPut{Put: conditionalPut(w.table, item.Attrs, condition, names), size: item.Size}, nil
}

// expiry returns the item's TTL value in epoch seconds, 0 for none.
func (w *Writer) expiry(ev envelope.CustomEvent) int64 {
	if w.opts.TTL == 0 {
		return 0
	}
	at := ev.Headers.Timestamp.Add(w.opts.TTL)
	seconds := at.Unix()
	if at.Nanosecond() > 0 {
		seconds++
	}
	return seconds
}

// notExists returns the condition that no item with the key exists. A name that
// could be one of DynamoDB's reserved words is given as a placeholder.
func notExists(pk string) (condition string, names map[string]string) {
	if pk == envelope.DefaultPK {
		return "attribute_not_exists(pk)", nil
	}
	return "attribute_not_exists(#pk)", map[string]string{"#pk": pk}
}

// conditionalPut makes a Put that asks for the old item when it is refused. No
// two Puts share memory, so a caller may change one.
func conditionalPut(table string, item map[string]types.AttributeValue, condition string, names map[string]string) *types.Put {
	p := &struct {
		types.Put
		table, condition string
	}{table: table, condition: condition}
	p.Put = types.Put{
		TableName:                           &p.table,
		Item:                                item,
		ConditionExpression:                 &p.condition,
		ExpressionAttributeNames:            names,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	return &p.Put
}

// eventError names the event and its place in an error about it.
func (w *Writer) eventError(index int, ev envelope.CustomEvent, err error) error {
	e := &PreflightError{
		Index: index, Table: w.table, ours: true,
		EventID: ev.Headers.EventID, EventName: ev.Headers.EventName,
		Rule: RuleValue, Err: err,
	}
	var field *envelope.FieldError
	var value *eventitem.ValueError
	var over *PreflightError
	switch {
	case errors.As(err, &field):
		e.Path, e.Problem = field.Field, field.Problem
	case errors.As(err, &value):
		e.Path, e.Problem = value.Path, value.Problem
		if value.MapOnly {
			e.Problem += "; Options.PayloadAsText stores it as text"
		}
	case errors.As(err, &over):
		e.Rule, e.Actual, e.Allowed, e.Err = over.Rule, over.Actual, over.Allowed, nil
	default:
		e.Problem = fmt.Sprint(err)
	}
	return e
}
