package relay

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

const (
	testARN    = "arn:aws:dynamodb:eu-west-1:123456789012:table/event-store/stream/2026-11-24T00:00:00.000"
	testSecret = "s3cr3t-0f-th3-p4yl04d"
)

var testTime = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// testRecord is a stream record of a test. The zero value of each field is
// replaced by something sound.
type testRecord struct {
	id, name, source, region, aggregate, trace string
	sequence                                   int    // of the stream
	seq                                        string // of the stream, as it is; overrides sequence
	created                                    time.Time
	payload                                    string // DynamoDB JSON
	raw                                        string // the whole record, as it is
}

func (r testRecord) String() string {
	if r.raw != "" {
		return r.raw
	}
	or := func(s, def string) string {
		if s == "" {
			return def
		}
		return s
	}
	seq := or(r.seq, fmt.Sprintf("%021d", r.sequence))
	id := or(r.id, eventID(r.sequence))
	created := r.created
	if created.IsZero() {
		created = testTime
	}
	optional := ""
	if r.region != "" {
		optional += fmt.Sprintf(`,"region":{"S":%q}`, r.region)
	}
	if r.aggregate != "" {
		optional += fmt.Sprintf(`,"aggregateId":{"S":%q}`, r.aggregate)
	}
	if r.trace != "" {
		optional += fmt.Sprintf(`,"traceparent":{"S":%q}`, r.trace)
	}
	return fmt.Sprintf(`{"eventID":"e%s","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1",`+
		`"dynamodb":{"ApproximateCreationDateTime":%d,"Keys":{"pk":{"S":%[3]q},"sk":{"N":"%[4]d"}},`+
		`"NewImage":{"pk":{"S":%[3]q},"sk":{"N":"%[4]d"},"event":{"M":{"headers":{"M":{"eventId":{"S":%[3]q},`+
		`"eventName":{"S":%[5]q},"source":{"S":%[6]q},"timestamp":{"N":"%[4]d"}%[7]s}},"payload":%[8]s}}},`+
		`"SequenceNumber":%[1]q,"SizeBytes":100,"StreamViewType":"NEW_IMAGE"},"eventSourceARN":%[9]q}`,
		seq, created.Unix(), id, testTime.UnixMilli(), or(r.name, "User.Created"), or(r.source, "userService"),
		optional, or(r.payload, fmt.Sprintf(`{"M":{"secret":{"S":%q}}}`, testSecret)), testARN)
}

func eventID(sequence int) string { return fmt.Sprintf("event-%d", sequence) }

// batch is the payload of an invocation.
func batch(records ...testRecord) []byte {
	parts := make([]string, len(records))
	for i, r := range records {
		parts[i] = r.String()
	}
	return []byte(`{"Records":[` + strings.Join(parts, ",") + `]}`)
}

// events is a batch of n events with the sequence numbers first, first+1, ….
func events(first, n int) []byte {
	rs := make([]testRecord, n)
	for i := range rs {
		rs[i].sequence = first + i
	}
	return batch(rs...)
}

// failure is the sequence number in an answer, "" if the list is empty.
func failure(out []byte) string {
	var a struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(out, &a); err != nil {
		return "not JSON: " + err.Error()
	}
	if len(a.BatchItemFailures) == 0 {
		return ""
	}
	return strings.TrimLeft(a.BatchItemFailures[0].ItemIdentifier, "0")
}
