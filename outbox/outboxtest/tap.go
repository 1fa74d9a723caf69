package outboxtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/tablename"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// Tap is a client that passes every request on to another one and keeps the
// events that were committed, as the records of the event store's stream. It is
// safe for concurrent use once its fields are set.
type Tap struct {
	// Client is the client behind it: a [Client], an engine's, a fake of yours.
	// To be asked for PutItem or GetItem it must have them.
	Client outbox.TransactWriteItemsAPIClient

	// Layout is that of the writer. Zero means the zero envelope.Layout.
	Layout envelope.Layout

	// Table, if it is set, is the table whose stream this is: every Put into it
	// is a record. Zero means that every item with the layout's event attribute
	// is one, whatever its table. So set it if items of your own have an
	// attribute of that name, which is "event" in the zero Layout: the relay
	// would make them dead letters.
	Table string

	// ARN of the stream. Zero means that of a table "event-store" in eu-west-1.
	ARN string

	mu      sync.Mutex // guards what follows
	records []json.RawMessage
	tokens  map[string]bool // transactions that are in records
	fault   error
}

// TransactWriteItems passes the transaction on. One that has committed is kept
// once, however often it is sent with one token. When an answer is lost, the tap
// asks whether it has committed, if the field Client is a *[Client]. Any other
// client cannot be asked: then the transaction is kept when it is sent again with
// its token and succeeds, as outbox.Commit does, and is missing if it is not.
func (t *Tap) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, optFns ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if t.Client == nil {
		return nil, errNoClient
	}
	out, err := t.Client.TransactWriteItems(ctx, in, optFns...)
	token := ""
	if in != nil && in.ClientRequestToken != nil {
		token = *in.ClientRequestToken
	}
	committed := err == nil
	if c, ok := t.Client.(*Client); ok && token != "" {
		committed = c.Committed(token)
	}
	if !committed {
		return out, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if token != "" && t.tokens[token] {
		return out, err
	}
	if t.tokens == nil {
		t.tokens = map[string]bool{}
	}
	t.tokens[token] = true
	for _, action := range in.TransactItems {
		if action.Put != nil {
			t.keep(action.Put.TableName, action.Put.Item)
		}
	}
	return out, err
}

// PutItem passes the request on and keeps the item if the answer is success.
func (t *Tap) PutItem(ctx context.Context, in *dynamodb.PutItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	client, ok := t.Client.(interface {
		PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	})
	if !ok {
		return nil, fmt.Errorf("outboxtest: the client behind the tap has no PutItem")
	}
	out, err := client.PutItem(ctx, in, optFns...)
	if err == nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.keep(in.TableName, in.Item)
	}
	return out, err
}

// GetItem passes the request on.
func (t *Tap) GetItem(ctx context.Context, in *dynamodb.GetItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	client, ok := t.Client.(interface {
		GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	})
	if !ok {
		return nil, fmt.Errorf("outboxtest: the client behind the tap has no GetItem")
	}
	return client.GetItem(ctx, in, optFns...)
}

var errNoClient = errors.New("outboxtest: Tap.Client is nil; give it the client that the service would have")

// keep adds the record of an item. It wants mu held.
func (t *Tap) keep(table *string, item map[string]types.AttributeValue) {
	name := tablename.Of(aws.ToString(table))
	if _, event := item[t.Layout.WithDefaults().Event]; t.Table != "" && name != tablename.Of(t.Table) || t.Table == "" && !event {
		return
	}
	arn := t.ARN
	if arn == "" {
		arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/event-store/stream/2000-01-01T00:00:00.000"
	}
	record, err := recordOf(stored(item), t.Layout, arn, fmt.Sprintf("%021d", len(t.records)+1))
	if err != nil {
		t.fault = errors.Join(t.fault, fmt.Errorf("outboxtest: an item of table %s: %w", name, err))
		return
	}
	t.records = append(t.records, record)
}

// Records returns the records of all that was committed so far, in the order of
// the commits: one member of "Records" each, as Lambda delivers it. It panics if
// an item could not be made a record, which the client behind it should have
// refused.
func (t *Tap) Records() []json.RawMessage {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fault != nil {
		panic(t.fault)
	}
	return append([]json.RawMessage(nil), t.records...)
}
