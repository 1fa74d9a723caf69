package outbox

import (
	"errors"
	"fmt"
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
	// whole seconds rounded up; at least [MinTTL]. Zero means that it never expires.
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
	switch {
	case o.TTL < 0 || o.TTL > 0 && o.TTL < MinTTL:
		return fmt.Errorf("outbox: option TTL: %s is under %s, for which the stream keeps a record", o.TTL, MinTTL)
	case o.MaxEntryBytes < 0:
		return fmt.Errorf("outbox: option MaxEntryBytes: %d is negative", o.MaxEntryBytes)
	case o.MaxEntryBytes > buslimits.MaxEntrySize:
		return fmt.Errorf("outbox: option MaxEntryBytes: %d is over the bus's own %d", o.MaxEntryBytes, buslimits.MaxEntrySize)
	}
	probe := envelope.Headers{EventID: "-", CorrelationID: "-", EventName: "-", Timestamp: envelope.MinTimestamp}
	var field *envelope.FieldError
	if probe.Source = o.Source; errors.As(probe.Validate(), &field) {
		return fmt.Errorf("outbox: option Source: %s", field.Problem)
	}
	if probe.Region = o.Region; errors.As(probe.Validate(), &field) {
		return fmt.Errorf("outbox: option Region: %s", field.Problem)
	}
	if err := o.Layout.Validate(); err != nil {
		return fmt.Errorf("outbox: option Layout: %w", err)
	}
	return nil
}
