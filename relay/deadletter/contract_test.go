package deadletter_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// conditionedTable is a table that behaves as a condition says.
type conditionedTable struct {
	fakeTable
	condition relaytest.Condition
}

func (c *conditionedTable) PutItem(ctx context.Context, in *dynamodb.PutItemInput, optFns ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	if c.condition == relaytest.Hanging {
		<-ctx.Done()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if c.condition == relaytest.Failing {
		return nil, errors.New("throttled")
	}
	return c.fakeTable.PutItem(ctx, in, optFns...)
}

// The table is a sink that keeps the contract of sinks.
func TestTheContractOfSinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		relaytest.TestSink(t, func(c relaytest.Condition) (relay.DeadLetterSink, func() []relay.DeadLetter) {
			db := &conditionedTable{condition: c}
			return deadletter.New(db, "dead"), func() (letters []relay.DeadLetter) {
				for _, item := range db.items("dead") {
					letters = append(letters, relay.DeadLetter{
						EventID: av(item, "eventId"), Record: []byte(av(item, "record")), Code: av(item, "code"),
						StreamARN: av(item, "streamArn"), SequenceNumber: av(item, "sequenceNumber"),
					})
				}
				return letters
			}
		})
	})
}
