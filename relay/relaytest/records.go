package relaytest

import (
	"cmp"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// The functions here return new records and leave the given ones as they are.
// They panic for what is no stream record.

// Shuffle returns the records in another order: as if their items had been
// written in that order, so the sequence numbers still rise. Equal seeds give
// equal orders.
//
// With a key of its own for each event, which is what the zero Layout has,
// DynamoDB promises no order at all between events
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html).
func Shuffle(seed uint64, records []json.RawMessage) []json.RawMessage {
	out := slices.Clone(records)
	random(seed).Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return renumbered(out)
}

// Interleave returns the records of several lists of one stream as one, each list
// in its own order: as the stream brings the records of several transactions
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis.html).
// The sequence numbers rise. Equal seeds give equal orders.
func Interleave(seed uint64, lists ...[]json.RawMessage) []json.RawMessage {
	rng := random(seed)
	var turns []int // the list that each record comes from
	for i, list := range lists {
		turns = append(turns, slices.Repeat([]int{i}, len(list))...)
	}
	rng.Shuffle(len(turns), func(i, j int) { turns[i], turns[j] = turns[j], turns[i] })
	out := make([]json.RawMessage, len(turns))
	next := make([]int, len(lists))
	for i, list := range turns {
		out[i] = lists[list][next[list]]
		next[list]++
	}
	return renumbered(out)
}

// Duplicate returns the records with about a third of them twice in a row, under
// the same sequence number: a function must not mind. Equal seeds give equal
// choices; the first record is always one of them.
func Duplicate(seed uint64, records []json.RawMessage) []json.RawMessage {
	rng := random(seed)
	var out []json.RawMessage
	for i, r := range records {
		if out = append(out, r); rng.IntN(3) == 0 || i == 0 {
			out = append(out, slices.Clone(r))
		}
	}
	return out
}

// Age returns the records as they are when the stream has had them for that long.
func Age(age time.Duration, records []json.RawMessage) []json.RawMessage {
	created := marshal(time.Now().Add(-age).Unix())
	return edited(records, func(_, change map[string]json.RawMessage) {
		change["ApproximateCreationDateTime"] = created
	})
}

// Replica returns the records as the stream of a global table's replica in that
// region brings them, which has both images, and the writes of all regions. Where
// an event was written is in headers.region, which stays as it is. Which items were
// deleted by their time to live, the stream of a replica does not say
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ttl-expired-items.html).
func Replica(region string, records []json.RawMessage) []json.RawMessage {
	return edited(records, func(record, change map[string]json.RawMessage) {
		var arn string
		must(json.Unmarshal(record["eventSourceARN"], &arn))
		if parts := strings.Split(arn, ":"); len(parts) > 3 {
			parts[3] = region
			arn = strings.Join(parts, ":")
		}
		record["eventSourceARN"], record["awsRegion"] = marshal(arn), marshal(region)
		change["StreamViewType"] = marshal(bothImages)
		delete(record, "userIdentity")
	})
}

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0)) }

// renumbered gives the records their own sequence numbers in rising order.
func renumbered(records []json.RawMessage) []json.RawMessage {
	numbers := make([]string, len(records))
	for i, r := range records {
		v, err := viewOf(r)
		must(err)
		numbers[i] = v.sequence
	}
	slices.SortFunc(numbers, func(a, b string) int { // those of a stream are all padded, or none
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	i := -1
	return edited(records, func(_, change map[string]json.RawMessage) {
		i++
		change["SequenceNumber"] = marshal(numbers[i])
	})
}

// edited returns the records as edit changes them. All else stays as it is, also
// members that are not known here.
func edited(records []json.RawMessage, edit func(record, change map[string]json.RawMessage)) []json.RawMessage {
	out := make([]json.RawMessage, len(records))
	for i, raw := range records {
		var record, change map[string]json.RawMessage
		must(json.Unmarshal(raw, &record))
		must(json.Unmarshal(record["dynamodb"], &change))
		edit(record, change)
		record["dynamodb"] = marshal(change)
		out[i] = marshal(record)
	}
	return out
}
