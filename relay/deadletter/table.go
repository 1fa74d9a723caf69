package deadletter

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/owntable"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// PutItemAPIClient is the operation that [Table] needs of a client.
type PutItemAPIClient interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

var (
	_ PutItemAPIClient     = (*dynamodb.Client)(nil)
	_ relay.DeadLetterSink = (*Table)(nil)
)

// Options of [New].
type Options struct {
	// PK and SK name the key attributes of the table, both of type S. Zero
	// means "pk" and "sk". They must be none of the attributes of a dead
	// letter; see [Table].
	PK, SK string

	// TTL is how long a dead letter is kept: the attribute TTLAttribute gets
	// the time of the dead letter plus TTL, in epoch seconds, and the table's
	// time to live must be switched on for it. Zero means until it is deleted.
	TTL time.Duration

	// TTLAttribute names that attribute. Zero means "ttl".
	TTLAttribute string
}

// Table is a [relay.DeadLetterSink] that keeps dead letters in a DynamoDB table.
// Make one with [New]. It is safe for concurrent use if its client is; the SDK's is.
//
// The key is the stream's ARN and the sequence number, padded with zeros to 40
// digits, with a short hash of the event id (of the record, where that cannot be
// read) behind it. So a record that is put again replaces itself, and no other,
// also where an engine gives a number twice; and the letters of a stream stand
// in its order. A record without a sequence number has only the hash.
//
// The other attributes: streamArn, sequenceNumber, table (of the event store),
// keys (of the event's item, DynamoDB JSON), eventId, bus, code, message,
// attempts (N), deadAt (N, Unix ms), headers (JSON), record (the stream record;
// S, or B if it is not UTF-8) and recordTruncated (BOOL). What is empty is left
// out. The record is cut off where the item would grow too large, 400 KB, and
// so are the others; so a dead letter is never refused for its size, and
// [Table.Redrive] reads the event's item where the record is not whole.
type Table struct {
	client PutItemAPIClient
	name   string
	opts   Options
	err    error // what Validate returns
}

// New returns a sink into the table of that name or ARN. The permission it needs
// is dynamodb:PutItem. What is wrong with the arguments is returned by
// [Table.Validate], and so by [relay.NewHandler].
func New(client PutItemAPIClient, table string, optFns ...func(*Options)) *Table {
	t := &Table{client: client, name: table}
	for _, fn := range optFns {
		if fn != nil {
			fn(&t.opts)
		}
	}
	opts := owntable.Options(t.opts).WithDefaults()
	t.opts, t.err = Options(opts), opts.Validate("deadletter", client, table, attributes...)
	return t
}

// Validate returns an error that names what is wrong with the arguments of
// [New], nil if nothing is.
func (t *Table) Validate() error { return t.err }

// CreateTableInput returns the request that makes the table, with billing per
// request. It is for tests and for tools. Time to live is switched on by
// UpdateTimeToLive, on the attribute TTLAttribute.
func (t *Table) CreateTableInput() *dynamodb.CreateTableInput {
	return owntable.Options(t.opts).CreateTableInput(t.name)
}

// Put puts the record into the table. It replaces what it put there for the
// same record of the stream.
func (t *Table) Put(ctx context.Context, rec relay.DeadLetter) error {
	if t.err != nil {
		return t.err
	}
	_, err := t.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &t.name, Item: t.item(rec)})
	if err != nil {
		return fmt.Errorf("deadletter: put dead letter of event %q into table %s: %w", rec.EventID, t.name, err)
	}
	return nil
}
