package relaytest

import (
	"encoding/json"
	"slices"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/sequence"
)

// done returns how many records from the start of a batch an answer makes done.
// Of several sequence numbers the lowest counts
// (https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html).
// What AWS leaves open, a number that is not in the batch, is here a failure of
// the whole batch.
func done(batch []view, answer []byte, err error, partial bool) int {
	if err != nil {
		return 0
	}
	if !partial {
		return len(batch)
	}
	numbers, ok := failures(answer)
	if !ok {
		return 0
	}
	if len(numbers) == 0 {
		return len(batch)
	}
	lowest := numbers[0]
	for _, n := range numbers {
		if sequence.Less(n, lowest) {
			lowest = n
		}
	}
	return max(0, slices.IndexFunc(batch, func(v view) bool { return sameNumber(v.sequence, lowest) }))
}

func sameNumber(a, b string) bool { return !sequence.Less(a, b) && !sequence.Less(b, a) }

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
