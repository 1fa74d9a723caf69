package relaytest

import (
	"encoding/json"
	"fmt"
	"time"
)

// Why records are given up. The first two are AWS's names in the message, of which
// its documentation shows the first.
const (
	RetryAttemptsExhausted = "RetryAttemptsExhausted" // Mapping.MaximumRetryAttempts
	RecordAgeExceeded      = "RecordAgeExceeded"      // Mapping.MaximumRecordAge
	StreamExpired          = "StreamExpired"          // the stream has forgotten them; a name of this package
)

// GivenUp is a batch that Lambda has given up: the function will not see it again.
type GivenUp struct {
	Condition   string // why
	Invocations int    // how often it was tried, or what it was cut from
	Shard       int
	Records     []json.RawMessage

	from, to view
}

// Message returns what the on-failure queue is told. Of records that the stream
// has forgotten, AWS does not say that it is told.
func (g GivenUp) Message() []byte {
	return marshal(map[string]any{
		"requestContext": map[string]any{"condition": g.Condition, "approximateInvokeCount": g.Invocations},
		"version":        "1.0",
		"timestamp":      time.Now().UTC(),
		"DDBStreamBatchInfo": map[string]any{
			"shardId": fmt.Sprintf("shardId-%020d", g.Shard), "streamArn": g.from.arn, "batchSize": len(g.Records),
			"startSequenceNumber": g.from.sequence, "endSequenceNumber": g.to.sequence,
			"approximateArrivalOfFirstRecord": g.from.created, "approximateArrivalOfLastRecord": g.to.created,
		},
	})
}
