package sqsdeadletters_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/sqsdeadletters"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// fakeQueue is a queue that behaves as a condition says.
type fakeQueue struct {
	condition relaytest.Condition

	mu     sync.Mutex // guards bodies
	bodies []string
}

func (q *fakeQueue) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if q.condition == relaytest.Hanging {
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if q.condition == relaytest.Failing {
		return nil, errors.New("no such queue")
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bodies = append(q.bodies, *in.MessageBody)
	return &sqs.SendMessageOutput{}, nil
}

func (q *fakeQueue) letters() (letters []relay.DeadLetter) {
	for _, body := range q.bodies {
		var l sqsdeadletters.Letter
		if json.Unmarshal([]byte(body), &l) == nil {
			letters = append(letters, relay.DeadLetter{
				EventID: l.EventID, Record: l.Record, Code: l.Code, StreamARN: l.StreamARN, SequenceNumber: l.SequenceNumber,
			})
		}
	}
	return letters
}

// The sink keeps the contract that the relay relies on.
func TestTheContractOfSinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		relaytest.TestSink(t, func(c relaytest.Condition) (relay.DeadLetterSink, func() []relay.DeadLetter) {
			queue := &fakeQueue{condition: c}
			sink, err := sqsdeadletters.New(queue, "http://queue")
			if err != nil {
				t.Fatal(err)
			}
			return sink, queue.letters
		})
	})
}
