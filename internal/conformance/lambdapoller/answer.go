package lambdapoller

import (
	"encoding/json"
	"math/big"
)

// done returns how many records of the batch, from its start, the handler's
// answer makes done: all of them for success, none for a failure of the whole
// batch.
//
// AWS does not say what it does with a sequence number that is not in the
// batch. Here that is a failure of the whole batch, as it is for SQS.
func done(batch []Record, response []byte, err error, reportBatchItemFailures bool) int {
	if err != nil {
		return 0
	}
	if !reportBatchItemFailures {
		return len(batch)
	}
	identifiers, ok := failures(response)
	if !ok {
		return 0
	}
	if len(identifiers) == 0 {
		return len(batch)
	}
	var lowest *big.Int
	for _, id := range identifiers {
		n, ok := sequenceNumber(id)
		if !ok {
			return 0
		}
		if lowest == nil || n.Cmp(lowest) < 0 {
			lowest = n
		}
	}
	for i, r := range batch {
		if n, ok := sequenceNumber(r.SequenceNumber); ok && n.Cmp(lowest) == 0 {
			return i
		}
	}
	return 0
}

// failures reads the identifiers of batchItemFailures; ok is false if the
// answer fails the whole batch. Names are matched exactly, which encoding/json
// does for maps and not for structs: "ItemIdentifier" is a wrong name to Lambda.
func failures(response []byte) (identifiers []string, ok bool) {
	if len(response) == 0 {
		return nil, true
	}
	var answer map[string]json.RawMessage // nil after null
	if err := json.Unmarshal(response, &answer); err != nil {
		return nil, false
	}
	list, ok := answer["batchItemFailures"]
	if !ok {
		return nil, true
	}
	var items []map[string]json.RawMessage // nil after null
	if err := json.Unmarshal(list, &items); err != nil {
		return nil, false
	}
	for _, item := range items {
		var id *string
		if err := json.Unmarshal(item["itemIdentifier"], &id); err != nil || id == nil || *id == "" {
			return nil, false
		}
		identifiers = append(identifiers, *id)
	}
	return identifiers, true
}
