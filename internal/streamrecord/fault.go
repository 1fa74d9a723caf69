package streamrecord

import "fmt"

// Codes of a [Fault].
const (
	BadRecord       = "BadRecord"       // the record's own structure: not an object, damaged JSON, no known eventName
	MissingNewImage = "MissingNewImage" // an INSERT without an image
	MissingEvent    = "MissingEvent"    // the image lacks the event attribute
	UnknownFormat   = "UnknownFormat"   // the marker attribute has an unknown value
	UnsupportedType = "UnsupportedType" // an attribute value that is not one of the ten DynamoDB types, or not the one needed
	BadNumber       = "BadNumber"       // an N that is no number
	BadString       = "BadString"       // invalid UTF-8, a lone surrogate, a control character or an unknown escape
	BadBinary       = "BadBinary"       // a B that is not base64
	TooDeep         = "TooDeep"         // nested deeper than encoding/json reads
	MissingHeader   = "MissingHeader"   // no headers, or a required header is absent
	BadHeader       = "BadHeader"       // a required header has the wrong type or an impossible value
	MissingPayload  = "MissingPayload"  // no payload
	BadPayload      = "BadPayload"      // a payload of type S that is not JSON text
)

// Fault says why a record is Undecodable.
type Fault struct {
	// Code is one of the constants of this package. It is stable.
	Code string
	// Message says what is wrong and where, for a person. It names attributes
	// and headers and never holds a value of the item.
	Message string
}

func (f *Fault) String() string { return f.Code + ": " + f.Message }

// FormatError is the error for a payload that cannot be divided into records.
type FormatError struct {
	// Offset is the position in the payload, in bytes.
	Offset int
	// Problem says what is wrong there.
	Problem string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("not a DynamoDB stream event: %s at byte %d of the invocation payload", e.Problem, e.Offset)
}

// StreamViewError is the error for a stream that does not carry new images.
// The table must get a stream of another view type, which is a new stream with
// a new ARN
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
type StreamViewError struct {
	// ViewType is the stream's: KEYS_ONLY or OLD_IMAGE.
	ViewType string
	// StreamARN and SequenceNumber are those of the record that showed it, ""
	// if absent.
	StreamARN, SequenceNumber string
}

func (e *StreamViewError) Error() string {
	return fmt.Sprintf("stream %s has view type %s and carries no new images: switch the table's stream to NEW_IMAGE and point the event source mapping at the new stream (record %s)",
		orUnknown(e.StreamARN), e.ViewType, orUnknown(e.SequenceNumber))
}

func orUnknown(s string) string {
	if s == "" {
		return "(unknown)"
	}
	return s
}
