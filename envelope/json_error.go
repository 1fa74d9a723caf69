package envelope

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// Errors of encoding/json quote values, and those of a type's own UnmarshalJSON
// or MarshalJSON can hold anything. Errors are logged, and payloads must not
// be: the text of our errors says which field, which type and where, and the
// cause is reached by errors.As only.

// maxDepth is how deep JSON may nest: as deep as encoding/json reads.
const maxDepth = 10000

// notJSON says why encoding/json refuses a text.
func notJSON(text []byte) string {
	at := jsonlex.Space(text, 0)
	if at == len(text) {
		return "empty"
	}
	if at, bad := jsonlex.Value(text, at, maxDepth); bad != jsonlex.None {
		return fmt.Sprintf("%s at byte %d", bad, at)
	} else if at = jsonlex.Space(text, at); at < len(text) {
		return fmt.Sprintf("%s at byte %d", jsonlex.Syntax, at)
	}
	return jsonlex.Syntax.String() // it never comes to this
}

// kindOf names the kind of a JSON value for a person.
func kindOf(value []byte) string {
	switch jsonlex.At(value, jsonlex.Space(value, 0)) {
	case '{':
		return "a JSON object"
	case '[':
		return "a JSON array"
	case '"':
		return "a JSON string"
	case 't', 'f':
		return "a JSON boolean"
	case 'n':
		return "null"
	}
	return "a JSON number"
}

// decodeError is the error of json.Unmarshal for the payload of an event, which
// was to become a T.
func (ev CustomEvent) decodeError(err error, t string) error {
	field := &FieldError{EventID: ev.Headers.EventID, EventName: ev.Headers.EventName, Field: "payload", Err: err}
	var mismatch *json.UnmarshalTypeError
	switch {
	case !json.Valid(ev.Payload):
		field.Problem = notJSON(ev.Payload)
	case errors.As(err, &mismatch):
		path := jsonlex.AppendPathTo([]byte(field.Field), string(ev.Payload), int(mismatch.Offset)-1)
		field.Field = jsonlex.Path(path)
		kind, _, _ := strings.Cut(mismatch.Value, " ") // the rest of it is the value
		field.Problem = fmt.Sprintf("a JSON %s does not become a Go %s, at byte %d", kind, mismatch.Type, mismatch.Offset)
	default:
		field.Problem = fmt.Sprintf("does not become a Go %s (%T)", t, err)
	}
	return field
}

// encodeError is the error of json.Marshal for the payload of an event called
// name.
func encodeError(err error, name string) error {
	field := &FieldError{EventName: name, Field: "payload", Err: err}
	var (
		kind   *json.UnsupportedTypeError
		value  *json.UnsupportedValueError
		method *json.MarshalerError
	)
	switch {
	case errors.As(err, &kind):
		field.Problem = fmt.Sprintf("has a Go %s, which JSON does not have", kind.Type)
	case errors.As(err, &value):
		field.Problem = "has a value that JSON does not have: an infinity, NaN, or one that contains itself"
	case errors.As(err, &method):
		field.Problem = fmt.Sprintf("a Go %s in it does not become JSON (%T)", method.Type, method.Err)
	default:
		field.Problem = fmt.Sprintf("does not become JSON (%T)", err)
	}
	return field
}
