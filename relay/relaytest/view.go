package relaytest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/sequence"
)

// view is what Lambda reads of a stream record.
type view struct {
	raw      json.RawMessage
	sequence string
	created  time.Time // zero if the record does not say
	keys     map[string]json.RawMessage
	arn      string
}

func viewOf(raw json.RawMessage) (view, error) {
	var r struct {
		Change struct {
			Created        any `json:"ApproximateCreationDateTime"` // a number, or one in quotes
			SequenceNumber string
			Keys           map[string]json.RawMessage
		} `json:"dynamodb"`
		ARN string `json:"eventSourceARN"`
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return view{}, fmt.Errorf("not a stream record: %w", err)
	}
	v := view{raw: raw, sequence: r.Change.SequenceNumber, keys: r.Change.Keys, arn: r.ARN}
	if !sequence.Valid(v.sequence) {
		return view{}, fmt.Errorf("dynamodb.SequenceNumber is %q, not a number", v.sequence)
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(fmt.Sprint(r.Change.Created)), 64)
	if err == nil {
		v.created = time.UnixMilli(int64(seconds * 1000)).UTC()
	}
	return v, nil
}
