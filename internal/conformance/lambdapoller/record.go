package lambdapoller

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// Record is a stream record in the form in which Lambda hands it over.
type Record struct {
	SequenceNumber string
	// Arrival is when the change was written to the stream, to the second; zero if
	// the engine does not say it.
	Arrival time.Time
	// JSON is the record as an element of the Lambda event's Records.
	JSON []byte
}

// lambdaRecord is the shape of
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html, in the order in
// which Lambda writes it.
type lambdaRecord struct {
	EventID        string        `json:"eventID"`
	EventName      string        `json:"eventName"`
	EventVersion   string        `json:"eventVersion"`
	EventSource    string        `json:"eventSource"`
	AWSRegion      string        `json:"awsRegion"`
	DynamoDB       *streamRecord `json:"dynamodb,omitempty"`
	UserIdentity   *userIdentity `json:"userIdentity,omitempty"`
	EventSourceARN string        `json:"eventSourceARN"`
}

type streamRecord struct {
	ApproximateCreationDateTime *int64 `json:"ApproximateCreationDateTime,omitempty"` // epoch seconds
	Keys                        image  `json:"Keys,omitempty"`
	NewImage                    image  `json:"NewImage,omitempty"`
	OldImage                    image  `json:"OldImage,omitempty"`
	SequenceNumber              string `json:"SequenceNumber"`
	SizeBytes                   int64  `json:"SizeBytes"`
	StreamViewType              string `json:"StreamViewType"`
}

type userIdentity struct {
	PrincipalID string `json:"principalId"`
	Type        string `json:"type"`
}

// newRecord writes a record of the stream as Lambda does.
func newRecord(r types.Record, streamARN string) (Record, error) {
	out := lambdaRecord{
		EventID:        aws.ToString(r.EventID),
		EventName:      string(r.EventName),
		EventVersion:   aws.ToString(r.EventVersion),
		EventSource:    aws.ToString(r.EventSource),
		AWSRegion:      aws.ToString(r.AwsRegion),
		EventSourceARN: streamARN,
	}
	if r.UserIdentity != nil {
		out.UserIdentity = &userIdentity{PrincipalID: aws.ToString(r.UserIdentity.PrincipalId), Type: aws.ToString(r.UserIdentity.Type)}
	}
	d := r.Dynamodb
	if d == nil || d.SequenceNumber == nil {
		return Record{}, fmt.Errorf("lambdapoller: record %s has no sequence number", out.EventID)
	}
	out.DynamoDB = &streamRecord{
		Keys:           image(d.Keys),
		NewImage:       image(d.NewImage),
		OldImage:       image(d.OldImage),
		SequenceNumber: *d.SequenceNumber,
		SizeBytes:      aws.ToInt64(d.SizeBytes),
		StreamViewType: string(d.StreamViewType),
	}
	var arrival time.Time
	if t := d.ApproximateCreationDateTime; t != nil {
		out.DynamoDB.ApproximateCreationDateTime, arrival = aws.Int64(t.Unix()), t.UTC().Truncate(time.Second)
	}
	text, err := marshal(out)
	if err != nil {
		return Record{}, fmt.Errorf("lambdapoller: record %s: %w", out.DynamoDB.SequenceNumber, err)
	}
	return Record{SequenceNumber: out.DynamoDB.SequenceNumber, Arrival: arrival, JSON: text}, nil
}

// payload is the event for a batch.
func payload(batch []Record) []byte {
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	for i, r := range batch {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(r.JSON)
	}
	b.WriteString("]}")
	return b.Bytes()
}

// image is an item in DynamoDB JSON.
type image map[string]types.AttributeValue

// MarshalJSON writes the item's attributes, in no order.
func (m image) MarshalJSON() ([]byte, error) {
	item, err := attributevalue.FromDynamoDBStreamsMap(m)
	if err != nil {
		return nil, err
	}
	return attributevalue.MarshalMapJSON(item)
}

// marshal is json.Marshal without the escapes for HTML, which Lambda does not
// write.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
