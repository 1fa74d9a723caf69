package custombus

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/encoding/cbor"
)

// maxAnswer is how much of an answer is read, in bytes; the rest is cut off. One of 100 entries whose
// members all have their greatest length has less than a tenth of it
// (https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_PutEventsResultEntry.html).
const maxAnswer = 4 << 20

var errNoMap = errors.New("the answer is not a map")

// decodeAnswer reads the body of an answer. An empty one is a map of nothing, as
// for the AWS SDKs. An error that the service has returned is a
// *smithy.GenericAPIError, also with the status 200.
func decodeAnswer(status int, body []byte) (cbor.Map, error) {
	answer, err := decodeMap(body)
	failed := status < 200 || status > 299
	if code := errorCode(text(answer, "__type")); code != "" || failed {
		if code == "" {
			code = "UnknownError" // what the SDK calls it; the HTTP status says more
		}
		message := text(answer, "message")
		if message == "" {
			message = text(answer, "Message")
		}
		return nil, &smithy.GenericAPIError{Code: code, Message: message}
	}
	if err != nil {
		return nil, &smithy.DeserializationError{Err: err}
	}
	return answer, nil
}

func decodeMap(body []byte) (cbor.Map, error) {
	if len(body) == 0 {
		return cbor.Map{}, nil
	}
	value, err := cbor.Decode(body)
	if err != nil {
		return nil, err
	}
	m, ok := value.(cbor.Map)
	if !ok {
		return nil, errNoMap
	}
	return m, nil
}

// errorCode returns the name in the id of an error's shape: "Name" of
// "namespace#Name".
func errorCode(shape string) string {
	if _, name, ok := strings.Cut(shape, "#"); ok {
		shape = name
	}
	name, _, _ := strings.Cut(shape, ":")
	return name
}

// text returns a member of a map, "" if it is absent or no text.
func text(m cbor.Map, member string) string {
	s, _ := m[member].(cbor.String)
	return string(s)
}

// answerEntry is what PutEvents says of one entry.
type answerEntry struct{ eventID, successCode, errorCode, errorMessage string }

// answerEntries reads the answer of PutEvents. What has not the type that it
// should have is taken as absent; FailedEntryCount is not looked at.
func answerEntries(answer cbor.Map) ([]answerEntry, error) {
	list, ok := answer["Entries"].(cbor.List)
	if !ok && answer["Entries"] != nil {
		return nil, &smithy.DeserializationError{Err: fmt.Errorf("the member Entries is a %T", answer["Entries"])}
	}
	entries := make([]answerEntry, len(list))
	for i := range list {
		m, _ := list[i].(cbor.Map)
		entries[i] = answerEntry{text(m, "EventId"), text(m, "SuccessCode"), text(m, "ErrorCode"), text(m, "ErrorMessage")}
	}
	return entries, nil
}
