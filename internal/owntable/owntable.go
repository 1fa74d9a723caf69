// Package owntable is what the tables that the relay keeps for itself have in
// common: the names of the key and of the time to live.
package owntable

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/isnil"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/tablename"
)

// Options are those of such a table; its package documents them.
type Options struct {
	PK, SK       string
	TTL          time.Duration
	TTLAttribute string
}

// WithDefaults returns the options with every name.
func (o Options) WithDefaults() Options {
	o.PK, o.SK, o.TTLAttribute = cmp.Or(o.PK, "pk"), cmp.Or(o.SK, "sk"), cmp.Or(o.TTLAttribute, "ttl")
	return o
}

// Validate returns an error, in the name of a package, that says what is wrong
// with a client, the name of a table and the options. others are the attributes
// that the table has besides.
func (o Options) Validate(pkg string, client any, table string, others ...string) error {
	var errs []error
	if isnil.Value(client) {
		errs = append(errs, errors.New(pkg+": dynamodb client is nil"))
	}
	if table == "" {
		errs = append(errs, errors.New(pkg+": table name is empty"))
	}
	if o.TTL < 0 || o.TTL > 0 && o.TTL < time.Second {
		errs = append(errs, fmt.Errorf("%s: Options.TTL: %v; at least 1s, zero keeps an item until it is deleted", pkg, o.TTL))
	}
	used := map[string]bool{}
	for _, name := range append([]string{o.PK, o.SK, o.TTLAttribute}, others...) {
		if used[name] {
			errs = append(errs, fmt.Errorf("%s: Options: two attributes are named %q", pkg, name))
		}
		used[name] = true
	}
	return errors.Join(errs...)
}

// CreateTableInput returns the request that makes the table of that name or ARN,
// with billing per request.
func (o Options) CreateTableInput(table string) *dynamodb.CreateTableInput {
	table = tablename.Of(table)
	in := &dynamodb.CreateTableInput{TableName: &table, BillingMode: types.BillingModePayPerRequest}
	for _, key := range []struct {
		name string
		kind types.KeyType
	}{{o.PK, types.KeyTypeHash}, {o.SK, types.KeyTypeRange}} {
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &key.name, KeyType: key.kind})
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: &key.name, AttributeType: types.ScalarAttributeTypeS})
	}
	return in
}
