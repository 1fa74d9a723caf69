// Package checkpoint reads what a function answers to a batch of a stream, as
// Lambda's event source mapping does. The test kit and the conformance suites
// share it.
package checkpoint

import (
	"encoding/json"
	"slices"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/sequence"
)

// Done returns how many records from the start of a batch an answer makes done: all
// of them if partial answers are not read, and none after an error. numbers are the
// batch's sequence numbers. Of several sequence numbers the lowest counts
// (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
// What AWS leaves open, a number that is not in the batch, is here a failure of
// the whole batch.
func Done(numbers []string, answer []byte, err error, partial bool) int {
	if err != nil {
		return 0
	}
	if !partial {
		return len(numbers)
	}
	failed, ok := failures(answer)
	if !ok {
		return 0
	}
	if len(failed) == 0 {
		return len(numbers)
	}
	lowest := failed[0]
	for _, n := range failed {
		if sequence.Less(n, lowest) {
			lowest = n
		}
	}
	return max(0, slices.IndexFunc(numbers, func(n string) bool { return same(n, lowest) }))
}

func same(a, b string) bool { return !sequence.Less(a, b) && !sequence.Less(b, a) }

// failures returns the sequence numbers of an answer, false if it fails the whole
// batch. No answer, null and an object without batchItemFailures are success.
// Names are matched exactly, as a map does and a struct does not: any other name
// is a wrong one to Lambda.
func failures(answer []byte) (numbers []string, ok bool) {
	if len(answer) == 0 {
		return nil, true
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(answer, &members) != nil {
		return nil, false
	}
	list, ok := members["batchItemFailures"]
	if !ok {
		return nil, true
	}
	var items []map[string]json.RawMessage
	if json.Unmarshal(list, &items) != nil {
		return nil, false
	}
	for _, item := range items {
		var number string
		if json.Unmarshal(item["itemIdentifier"], &number) != nil || !sequence.Valid(number) {
			return nil, false
		}
		numbers = append(numbers, number)
	}
	return numbers, true
}
