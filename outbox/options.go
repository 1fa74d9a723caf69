package outbox

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslimits"
)

// MinTTL is the shortest lifetime of an event item: the stream keeps a record
// for 24 hours (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html),
// and an item should not be gone before its record is.
const MinTTL = 24 * time.Hour

// Options configure a [Writer]. The zero value of each field is the safe one.
type Options struct {
	// Source is the name of this service, for events that have no Source of
	// their own. EventBridge knows the event by it. 1 to 256 characters, not
	// beginning with "aws.". Empty means that each event must have one.
	Source string

	// Region is stamped on events that have no Region of their own. With global
	// tables, a relay in each region publishes only the events stamped with
	// its own. Empty stamps nothing.
	Region string

	// Layout says how an event becomes an item. The relay must be given the
	// same. The zero value is a table of its own with pk = eventId (S) and
	// sk = timestamp (N).
	Layout envelope.Layout

	// TTL is how long an item lives, counted from the event's timestamp, in
	// whole seconds rounded up; at least [MinTTL]. Zero means for ever.
	//
	// An expired item is a free deletion by DynamoDB, typically within two
	// days. What it costs: replay, redrive and Explain's recognition of an
	// event that has committed before reach back only as far as items live.
	// Give it at least the retention of your dead letters.
	TTL time.Duration

	// PayloadAsText stores the payload as one string of JSON text instead of
	// a map. The same Detail comes out, byte for byte, and what a DynamoDB map
	// cannot hold is no obstacle: numbers of more than 38 digits, empty
	// member names, nesting beyond 32 levels. Such a payload cannot be
	// read or queried attribute by attribute. The relay reads both forms.
	PayloadAsText bool

	// MaxEntryBytes is the size limit of one event on the bus, by
	// EventBridge's own formula: Source, DetailType, Detail and 14 bytes for
	// the time. Zero means 1,000,000, the safe reading of "1 MB"
	// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html).
	// Give a smaller one where a queue behind the bus takes less, or where the
	// relay's Route function adds resources.
	MaxEntryBytes int
}

func (o Options) validate() error {
	probe := envelope.Headers{
		EventID: "-", CorrelationID: "-", EventName: "-", Timestamp: envelope.MinTimestamp,
		Source: o.Source, Region: o.Region,
	}
	switch {
	case o.TTL < 0 || o.TTL > 0 && o.TTL < MinTTL:
		return fmt.Errorf("outbox: option TTL: %s is under %s, for which the stream keeps a record", o.TTL, MinTTL)
	case o.MaxEntryBytes < 0:
		return fmt.Errorf("outbox: option MaxEntryBytes: %d is negative", o.MaxEntryBytes)
	case o.MaxEntryBytes > buslimits.MaxEntrySize:
		return fmt.Errorf("outbox: option MaxEntryBytes: %d is over the bus's own %d", o.MaxEntryBytes, buslimits.MaxEntrySize)
	}
	var field *envelope.FieldError
	if err := probe.Validate(); errors.As(err, &field) {
		return fmt.Errorf("outbox: option Source or Region: %s: %s", field.Field, field.Problem)
	}
	if err := o.Layout.Validate(); err != nil {
		return fmt.Errorf("outbox: option Layout: %w", err)
	}
	return nil
}

// validateTable reports whether a table is named as DynamoDB takes it: a name of
// 3 to 255 characters a-z, A-Z, 0-9, '_', '-' and '.', or the ARN of a table
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Put.html),
// which the ARN of its stream or of an index is not.
func validateTable(table string) error {
	name := table
	if strings.HasPrefix(table, "arn:") {
		parts := strings.SplitN(table, ":", 6) // arn:aws:dynamodb:region:account:table/name
		if len(parts) < 6 || parts[2] != "dynamodb" || !strings.HasPrefix(parts[5], "table/") || strings.Count(parts[5], "/") > 1 {
			return fmt.Errorf("outbox: table %q is an ARN, but not of a table", shortened(table))
		}
		name = strings.TrimPrefix(parts[5], "table/")
	}
	if !isTableName(name) {
		return fmt.Errorf("outbox: table %q: a name has 3 to 255 characters a-z, A-Z, 0-9, '_', '-' and '.'", shortened(table))
	}
	return nil
}

// tableName returns the name of a table that is given by name or by ARN. Within
// one transaction, tables are of one account and region, so names tell them
// apart.
func tableName(table string) string {
	if strings.HasPrefix(table, "arn:") {
		if _, name, ok := strings.Cut(table, ":table/"); ok {
			name, _, _ = strings.Cut(name, "/")
			return name
		}
	}
	return table
}

// isTableName reports whether a table can have this name
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html).
func isTableName(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '-', c == '.':
		default:
			return false
		}
	}
	return len(name) >= 3 && len(name) <= 255
}
