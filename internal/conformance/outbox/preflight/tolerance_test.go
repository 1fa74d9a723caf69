package preflight

import (
	"errors"
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// fault is a part of the library's refusal: of what it is about and of what it
// says.
type fault struct{ path, problem string }

// tolerance is where an engine may say otherwise than the library in
// TestPreflightIsTheEnginesVerdict: what it takes, and what is in its refusals of
// what the library takes.
type tolerance struct {
	takes   []fault
	refuses []string
}

// tolerated says it by engine. Each of them is a row of this package, too, which
// fails when the engine no longer deviates (enginetest.Deviation).
var tolerated = map[engine.Name]tolerance{
	engine.Dynoxide: {
		takes: []fault{
			{"", "an attribute without a name"},
			{"", "the name"}, // of 65,536 bytes
			{"ExpressionAttributeNames", "empty; without names"},
			{"ExpressionAttributeValues", "empty; without values"},
			{"ExpressionAttributeValues", "an empty set"},
			{"ExpressionAttributeValues", "a member that the set has already"},
			{"ExpressionAttribute", "the placeholder"}, // of 256 bytes
			{"Expression", "is not defined"},
			{"UpdateExpression", "empty"},
			{"", "2 operations"},
			{"", "nested too deep"}, // with an empty map or list innermost
			{"", "a zero with an exponent"},
		},
	},
	engine.MiniStack: {
		takes: []fault{
			{"", "an attribute without a name"},
			{"", "the name"}, // of 65,536 bytes
			{"ExpressionAttributeNames", ""},
			{"ExpressionAttributeValues", ""}, // placeholders, empty maps, sets, nulls, binaries
			{"", "2 operations"},
			{"", "nested too deep"}, // with an empty map or list innermost
			{"Key", ""},             // of all but Puts
			{"", ".Key"},            // none at all
			{"Item", "key"},         // an item without it
		},
		refuses: []string{
			"exceeds the 4MB transaction size limit", // counts the request's JSON
			"Item size has exceeded",                 // numbers
		},
	},
	engine.DynamoDBLocal: {
		takes:   []fault{{"", "a zero with an exponent"}},
		refuses: []string{"Item size has exceeded"}, // numbers
	},
}

// tolerates reports whether the engine is known to differ here.
func (w world) tolerates(ours, theirs error) bool {
	known := tolerated[w.engine.Name]
	if theirs != nil {
		for _, part := range known.refuses {
			if strings.Contains(theirs.Error(), part) {
				return true
			}
		}
		return false
	}
	var refusal *outbox.PreflightError
	if !errors.As(ours, &refusal) {
		return false
	}
	for _, f := range known.takes {
		if strings.Contains(refusal.Path, f.path) && strings.Contains(refusal.Problem, f.problem) {
			return true
		}
	}
	return false
}
