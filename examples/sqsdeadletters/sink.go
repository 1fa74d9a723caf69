// Package sqsdeadletters is a dead-letter sink of the relay that sends to an SQS
// queue, for teams whose operations look at queues. The table sink of package
// relay keeps a dead letter until somebody deletes it and redrives it by itself;
// a queue forgets after 14 days at most.
package sqsdeadletters

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// MaxMessageBytes is the size of a message that is sent, in bytes. SQS takes up
// to 1,048,576 bytes, or less by the queue's MaximumMessageSize
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html);
// this fits queues that still have the older limit of 262,144.
const MaxMessageBytes = 256 << 10

// SendMessageAPIClient is the operation that a Sink needs.
type SendMessageAPIClient interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

var _ relay.DeadLetterSink = (*Sink)(nil)

// Sink sends dead letters to a standard SQS queue. It is safe for concurrent
// use. A record that is put twice is sent twice: dedupe on the sequence number.
type Sink struct {
	client SendMessageAPIClient
	queue  string
}

// New returns a sink for the queue with that URL.
func New(client SendMessageAPIClient, queueURL string) (*Sink, error) {
	if client == nil || queueURL == "" {
		return nil, errors.New("sqsdeadletters: a client and a queue's URL are needed")
	}
	return &Sink{client, queueURL}, nil
}

// Letter is the body of a message, as JSON.
type Letter struct {
	EventID        string          `json:"eventId,omitempty"`
	Code           string          `json:"code"`
	Message        string          `json:"message,omitempty"`
	Attempts       int             `json:"attempts"`
	StreamARN      string          `json:"streamArn,omitempty"`
	SequenceNumber string          `json:"sequenceNumber,omitempty"`
	Time           time.Time       `json:"time"`
	Bus            string          `json:"bus,omitempty"`
	Keys           json.RawMessage `json:"keys,omitempty"`    // of the event's item, as DynamoDB JSON
	Headers        json.RawMessage `json:"headers,omitempty"` // of the event

	// Record is the stream record. It is left out, and RecordBytes says how
	// long it was, where the message would be too large: Keys then lead to the
	// event, for as long as its item is there.
	Record      []byte `json:"record,omitempty"` // base64
	RecordBytes int    `json:"recordBytes"`
}

// Put sends the record. What makes a message too large is left out, the record
// first, so a letter is never refused for its size.
func (s *Sink) Put(ctx context.Context, r relay.DeadLetter) error {
	body, err := letter(r)
	if err != nil {
		return err
	}
	if _, err = s.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &s.queue, MessageBody: &body}); err != nil {
		return fmt.Errorf("sqsdeadletters: event %q, sequence number %q: %w", r.EventID, r.SequenceNumber, err)
	}
	return nil
}

// letter returns the message's body: as much of the record as fits.
func letter(r relay.DeadLetter) (string, error) {
	l := Letter{
		EventID: cut(r.EventID, 2048), Code: cut(r.Code, 256), Message: cut(r.Message, 2048), Attempts: r.Attempts,
		StreamARN: cut(r.StreamARN, 2048), SequenceNumber: cut(r.SequenceNumber, 256), Time: r.Time, Bus: cut(r.Bus, 2048),
		Record: r.Record, RecordBytes: len(r.Record),
	}
	if json.Valid(r.Keys) {
		l.Keys = r.Keys
	}
	if json.Valid(r.Headers) {
		l.Headers = r.Headers
	}
	for _, leaveOut := range []func(){func() {}, func() { l.Record = nil }, func() { l.Headers = nil }, func() { l.Keys = nil }} {
		leaveOut()
		body, err := json.Marshal(l)
		if err != nil {
			return "", fmt.Errorf("sqsdeadletters: event %q: %w", r.EventID, err)
		}
		if text := permitted.Replace(string(body)); len(text) <= MaxMessageBytes {
			return text, nil
		}
	}
	return "", fmt.Errorf("sqsdeadletters: event %q does not fit a message", r.EventID)
}

// permitted escapes the two characters that JSON takes in a string and SQS
// refuses in a message
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html).
var permitted = strings.NewReplacer("\uFFFE", `\ufffe`, "\uFFFF", `\uffff`)

// cut shortens a text that comes from outside.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}
