package deadletter_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/faketable"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// The table is a sink that keeps the contract of sinks.
func TestTheContractOfSinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		relaytest.TestSink(t, func(c relaytest.Condition) (relay.DeadLetterSink, func() []relay.DeadLetter) {
			db := &faketable.Tables{Fault: func(ctx context.Context, _ string) error {
				switch c {
				case relaytest.Hanging:
					<-ctx.Done()
				case relaytest.Failing:
					return errors.New("throttled")
				}
				return nil
			}}
			return deadletter.New(db, "dead"), func() (letters []relay.DeadLetter) {
				for _, item := range db.Items("dead") {
					letters = append(letters, relay.DeadLetter{
						EventID: faketable.Text(item["eventId"]), Record: []byte(faketable.Text(item["record"])), Code: faketable.Text(item["code"]),
						StreamARN: faketable.Text(item["streamArn"]), SequenceNumber: faketable.Text(item["sequenceNumber"]),
					})
				}
				return letters
			}
		})
	})
}
