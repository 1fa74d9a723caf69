// Package streamrecord reads the DynamoDB stream event that Lambda hands to a
// function, and turns the event items in it into the bytes to publish.
package streamrecord

import (
	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// Config says how event items are recognised.
type Config struct {
	// Event is the name of the attribute that holds the event. "" means
	// envelope.DefaultEvent.
	Event string
	// Marker is the name of the attribute that marks event items. "" means
	// none: every new item is an event.
	Marker string
	// MarkerValue is what an event item has under Marker, as an S. "" means
	// envelope.MarkerValue. Without a Marker it has no meaning.
	MarkerValue string
}

// Decoder decodes batches, one after the other, into buffers that it reuses.
// It is not safe for concurrent use.
type Decoder struct {
	cfg   Config
	batch Batch
}

// NewDecoder returns a decoder of event items as cfg describes them.
func NewDecoder(cfg Config) *Decoder {
	if cfg.Event == "" {
		cfg.Event = envelope.DefaultEvent
	}
	if cfg.MarkerValue == "" {
		cfg.MarkerValue = envelope.MarkerValue
	}
	return &Decoder{cfg: cfg}
}

// Decode reads the raw payload of an invocation. The batch is valid until the
// next call and as long as payload is unchanged. An error means that nothing
// in the batch can be processed: a [*FormatError] or a [*StreamViewError].
func (d *Decoder) Decode(payload []byte) (*Batch, error) {
	return d.decodePlain(payload)
}
