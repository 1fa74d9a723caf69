package lambdapoller

import (
	"encoding/json"
	"time"
)

// Discard is a batch that was given up: what Lambda tells the on-failure
// destination, and the records, which it does not tell (except to S3).
type Discard struct {
	ShardID   string
	Records   []Record
	streamARN string
}

func (p *Poller) discard(shardID string, records []Record) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.discarded = append(p.discarded, Discard{ShardID: shardID, Records: records, streamARN: p.streamARN})
}

// requestContext and batchInfo are parts of an on-failure record, in the shape of
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html.
type requestContext struct {
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type batchInfo struct {
	ShardID             string    `json:"shardId"`
	StartSequenceNumber string    `json:"startSequenceNumber"`
	EndSequenceNumber   string    `json:"endSequenceNumber"`
	FirstArrival        time.Time `json:"approximateArrivalOfFirstRecord,omitzero"`
	LastArrival         time.Time `json:"approximateArrivalOfLastRecord,omitzero"`
	BatchSize           int       `json:"batchSize"`
	StreamARN           string    `json:"streamArn"`
}

// onFailure is what Lambda tells of a batch that it gave up. Payload is the
// invocation's event, as text, which only S3 gets.
type onFailure struct {
	RequestContext requestContext `json:"requestContext"`
	Version        string         `json:"version"`
	BatchInfo      batchInfo      `json:"DDBStreamBatchInfo"`
	Payload        string         `json:"payload,omitempty"`
}

func (d Discard) onFailure() onFailure {
	first, last := d.Records[0], d.Records[len(d.Records)-1]
	return onFailure{
		RequestContext: requestContext{"RetryAttemptsExhausted", 1}, Version: "1.0",
		BatchInfo: batchInfo{d.ShardID, first.SequenceNumber, last.SequenceNumber, first.Arrival, last.Arrival, len(d.Records), d.streamARN},
	}
}

// JSON is the message that Lambda sends to an SQS or SNS on-failure destination,
// as far as a stream reader needs it. Its records must be read from the stream
// or the table again.
func (d Discard) JSON() ([]byte, error) { return json.Marshal(d.onFailure()) }

// S3 is the object that Lambda writes into an S3 on-failure destination: the
// same, and the invocation's event.
func (d Discard) S3() ([]byte, error) {
	record := d.onFailure()
	record.Payload = string(payload(d.Records))
	return json.Marshal(record)
}
