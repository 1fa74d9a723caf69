package streamrecord

import (
	"fmt"
	"strings"
)

// Codes of a [Fault].
const (
	BadRecord       = "BadRecord"       // the record's own structure: not an object, damaged JSON, no known eventName
	DuplicateMember = "DuplicateMember" // a member that is read comes twice
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
	// Offset is the position in the payload, in bytes; in an on-failure record,
	// the position in the payload that it holds.
	Offset int
	// Problem says what is wrong there.
	Problem string
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("not a DynamoDB stream event: %s at byte %d of the invocation payload", e.Problem, e.Offset)
}

// SourceError is the error for a batch that comes from another event source
// than a DynamoDB stream, such as a queue.
type SourceError struct {
	// Source is the eventSource of the first record that shows it: aws:sqs,
	// aws:kinesis, …
	Source string
	// ARN is the record's eventSourceARN, "" if absent.
	ARN string
}

func (e *SourceError) Error() string {
	return fmt.Sprintf("the batch comes from %q (%s) and not from a DynamoDB stream: nothing of it was read; remove that event source from this function",
		shown(e.Source), shown(e.ARN))
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
		shown(e.StreamARN), shown(e.ViewType), shown(e.SequenceNumber))
}

// shown is a text of the batch as an error shows it: it may be of any length.
func shown(s string) string {
	const limit = 200
	switch {
	case s == "":
		return "(unknown)"
	case len(s) > limit:
		return strings.ToValidUTF8(s[:limit], "") + "…"
	default:
		return s
	}
}

// problem is what is wrong at one place of an item.
type problem uint8

const (
	none        problem = iota
	malformed           // not JSON
	unsupported         // not the DynamoDB JSON of a value
	notMap              // another value than an M
	badNumber
	badString
	badBinary
	badText
	tooDeep
	badHeader
	badTimestamp
	duplicate // of a known member; the record is at fault
	noHeader
	noPayload
)

// problems has the code of each problem, and its words.
var problems = [...]struct{ code, text string }{
	malformed:    {BadRecord, "damaged JSON"},
	unsupported:  {UnsupportedType, "not a value of one DynamoDB type"},
	notMap:       {UnsupportedType, "not an M"},
	badNumber:    {BadNumber, "an N that is no number"},
	badString:    {BadString, "a string with invalid UTF-8, half a surrogate pair, a control character or an unknown escape"},
	badBinary:    {BadBinary, "a B that is not base64"},
	badText:      {BadPayload, "a payload of type S must be JSON text, and this is not"},
	tooDeep:      {TooDeep, "nested too deep"},
	badHeader:    {BadHeader, "not an S, or empty"},
	badTimestamp: {BadHeader, "not an integer of Unix milliseconds between the years 2000 and 2100, in an N or S"},
	duplicate:    {DuplicateMember, "a member is there twice"},
	noHeader:     {MissingHeader, "missing"},
	noPayload:    {MissingPayload, "missing"},
}

// unexpected is the problem of a byte that begins another kind of JSON value
// than DynamoDB JSON has here.
func unexpected(src []byte, p int) problem {
	if p >= len(src) {
		return malformed
	}
	return unsupported
}
