package lambdapoller

import "encoding/json"

// Discard is a batch that was given up: what Lambda tells the on-failure
// destination, and the records, which it does not tell (except to S3).
type Discard struct {
	ShardID   string
	Records   []Record
	streamARN string
}

// document is in the shape of
// https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html.
func (d Discard) document() map[string]any {
	first, last := d.Records[0], d.Records[len(d.Records)-1]
	batch := map[string]any{
		"shardId": d.ShardID, "startSequenceNumber": first.SequenceNumber, "endSequenceNumber": last.SequenceNumber,
		"batchSize": len(d.Records), "streamArn": d.streamARN,
	}
	if !first.Arrival.IsZero() {
		batch["approximateArrivalOfFirstRecord"], batch["approximateArrivalOfLastRecord"] = first.Arrival, last.Arrival
	}
	return map[string]any{
		"requestContext": map[string]any{"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 1},
		"version":        "1.0", "DDBStreamBatchInfo": batch,
	}
}

// JSON is the message that Lambda sends to an SQS or SNS on-failure destination,
// as far as a stream reader needs it. Its records must be read from the stream
// or the table again.
func (d Discard) JSON() ([]byte, error) { return json.Marshal(d.document()) }

// S3 is the object that Lambda writes into an S3 on-failure destination: the
// same, and the invocation's event, as text.
func (d Discard) S3() ([]byte, error) {
	document := d.document()
	document["payload"] = string(payload(d.Records))
	return json.Marshal(document)
}
