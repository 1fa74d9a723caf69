package relay

import (
	"encoding/json"
	"fmt"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/sequence"
)

// The answer of a batch is a JSON object in every mode: a mapping that asks for
// batchItemFailures reads an empty list as success
// (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html),
// one that has a tumbling window wants its state back
// (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-windows.html), and
// every other ignores it.

// answerOf builds the answer. An empty failed means that the whole batch is done;
// otherwise it must be a sequence number.
func answerOf(failed string, window bool, state []byte) []byte {
	out := make([]byte, 0, 96+len(state))
	out = append(out, '{')
	if window {
		out = append(out, `"state":`...)
		if len(state) > 0 && state[0] == '{' && json.Valid(state) {
			out = append(out, state...)
		} else {
			out = append(out, '{', '}') // the first invocation of a window has none yet
		}
		out = append(out, ',')
	}
	out = append(out, `"batchItemFailures":[`...)
	if failed != "" {
		out = fmt.Appendf(out, `{"itemIdentifier":%q}`, failed)
	}
	return append(out, ']', '}')
}

// lowest returns the lowest of the sequence numbers, as it was given. It
// returns false if there is none, or if one of them is no sequence number: then
// nothing can be said about where the batch has to begin again.
func lowest(sequences []string) (string, bool) {
	low := ""
	for _, s := range sequences {
		if !sequence.Valid(s) {
			return "", false
		}
		if low == "" || sequence.Less(s, low) {
			low = s
		}
	}
	return low, low != ""
}
