package lambdapoller

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// Record is a stream record in the form in which Lambda hands it over.
type Record struct {
	SequenceNumber string
	EventName      string // INSERT, MODIFY or REMOVE
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
	return Record{SequenceNumber: out.DynamoDB.SequenceNumber, EventName: out.EventName, Arrival: arrival, JSON: text}, nil
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

// MarshalJSON writes the item's attributes, sorted by name.
func (m image) MarshalJSON() ([]byte, error) {
	out := make(map[string]attribute, len(m))
	for name, v := range m {
		out[name] = attribute{v}
	}
	return marshal(out)
}

// attribute is a value in DynamoDB JSON: {"S":"text"}.
type attribute struct{ value types.AttributeValue }

// MarshalJSON writes the value under its type's tag. Binary values are base64.
func (a attribute) MarshalJSON() ([]byte, error) {
	switch v := a.value.(type) {
	case *types.AttributeValueMemberS:
		return marshal(map[string]string{"S": v.Value})
	case *types.AttributeValueMemberN:
		return marshal(map[string]string{"N": v.Value})
	case *types.AttributeValueMemberBOOL:
		return marshal(map[string]bool{"BOOL": v.Value})
	case *types.AttributeValueMemberNULL:
		return marshal(map[string]bool{"NULL": v.Value})
	case *types.AttributeValueMemberB:
		return marshal(map[string]string{"B": base64.StdEncoding.EncodeToString(v.Value)})
	case *types.AttributeValueMemberSS:
		return marshal(map[string][]string{"SS": v.Value})
	case *types.AttributeValueMemberNS:
		return marshal(map[string][]string{"NS": v.Value})
	case *types.AttributeValueMemberBS:
		return marshal(map[string][][]byte{"BS": v.Value})
	case *types.AttributeValueMemberM:
		return marshal(map[string]image{"M": v.Value})
	case *types.AttributeValueMemberL:
		list := make([]attribute, len(v.Value))
		for i, e := range v.Value {
			list[i] = attribute{e}
		}
		return marshal(map[string][]attribute{"L": list})
	}
	return nil, fmt.Errorf("attribute of the unknown type %T", a.value)
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

// sequenceNumber reads a sequence number: a decimal of up to 40 digits, which
// some engines fill with zeros on the left and others do not.
func sequenceNumber(s string) (*big.Int, bool) {
	if s == "" {
		return nil, false
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return nil, false
		}
	}
	return new(big.Int).SetString(s, 10)
}
