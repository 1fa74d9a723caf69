package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/owntable"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// APIClient has the operations that [Table] needs of a client: PutItem to write
// and Query to read.
type APIClient interface {
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
}

var (
	_ APIClient           = (*dynamodb.Client)(nil)
	_ relay.Journal       = (*Table)(nil)
	_ relay.JournalReader = (*Table)(nil)
	_ relay.Validator     = (*Table)(nil)
)

// Options of [New]. Give the relay and every reader the same ones.
type Options struct {
	// PK and SK name the key attributes of the table, both of type S. Zero means
	// "pk" and "sk". They must not be "events".
	PK, SK string

	// TTL is how long an item is kept: the attribute TTLAttribute gets the end of
	// its minute plus TTL, in epoch seconds, and the table's time to live must be
	// switched on for it. A reader refuses to ask for what is older. It should be
	// as long as anybody may ask what was published. Zero means until it is
	// deleted.
	TTL time.Duration

	// TTLAttribute names that attribute. Zero means "ttl".
	TTLAttribute string
}

// Table is a [relay.Journal] that is a DynamoDB table, and reads it. Make one
// with [New]. It is safe for concurrent use if its client is; the SDK's is.
//
// An item holds the events of one invocation that were done within one minute.
// The partition key is the minute in UTC and one of 16 numbers, "2026-11-26T06:31Z/07",
// and the sort key is the time of the first event with something random behind
// it. The attribute events (B) has the events, in a form of this package. More
// events than an item of 400 KB holds, about 10,000, are divided between several.
type Table struct {
	client APIClient
	name   string
	opts   Options
	err    error // what Validate returns
}

// New returns the journal in the table of that name or ARN. What is wrong with
// the arguments is returned by [Table.Validate], and so by [relay.NewHandler].
func New(client APIClient, table string, optFns ...func(*Options)) *Table {
	t := &Table{client: client, name: table}
	for _, fn := range optFns {
		if fn != nil {
			fn(&t.opts)
		}
	}
	opts := owntable.Options(t.opts).WithDefaults()
	t.opts, t.err = Options(opts), opts.Validate("journal", client, table, attrEvents)
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

// Record writes what is done, for [relay.Options].Journal: one item, or more
// where events of several minutes are among it or more than fits in one. It tries
// each of them and returns the errors of all. The order of done may change.
func (t *Table) Record(ctx context.Context, done []relay.Done) error {
	if t.err != nil {
		return t.err
	}
	all, err := packs(done)
	errs := []error{err}
	if err != nil {
		errs[0] = fmt.Errorf("journal: table %s: %w", t.name, err)
	}
	for _, p := range all {
		if _, err := t.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &t.name, Item: t.item(p)}); err != nil {
			errs = append(errs, fmt.Errorf("journal: put %d events into table %s: %w", p.n, t.name, err))
		}
	}
	return errors.Join(errs...)
}
