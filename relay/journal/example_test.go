package journal_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/faketable"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
)

// The relay writes the journal, and a program of the operator reads it.
func Example() {
	table := func(db *dynamodb.Client) *journal.Table { // both make it in the same way
		return journal.New(db, "journal", func(o *journal.Options) { o.TTL = 90 * 24 * time.Hour })
	}
	newRelay := func(db *dynamodb.Client, bus *eventbridge.Client) (*relay.Handler, error) {
		return relay.NewHandler(relay.NewEventBridge(bus, "orders"), deadletter.New(db, "dead-letters"),
			func(o *relay.Options) { o.Journal = table(db) })
	}
	countOfHour := func(ctx context.Context, db *dynamodb.Client, hour time.Time) (accepted, dead int, err error) {
		for done, err := range table(db).Accepted(ctx, hour, hour.Add(time.Hour)) {
			switch {
			case err != nil:
				return accepted, dead, err
			case done.DeadLettered:
				dead++
			default:
				accepted++
			}
		}
		return accepted, dead, nil
	}
	_, _ = newRelay, countOfHour
}

// When was an event accepted, and what does the bus call it?
func ExampleTable_Find() {
	ctx, db := context.Background(), &faketable.Tables{} // a *dynamodb.Client
	table := journal.New(db, "journal")
	createdAt := time.Now()
	_ = table.Record(ctx, []relay.Done{{EventID: "order-42-placed", BusID: "f47ac10b-58cc-4372-a567-0e02b2c3d479", At: createdAt.Add(800 * time.Millisecond)}})

	done, err := table.Find(ctx, "order-42-placed", createdAt)
	fmt.Println(done.BusID, done.At.Sub(createdAt).Round(time.Millisecond), err)
	_, err = table.Find(ctx, "order-43-placed", createdAt)
	fmt.Println(errors.Is(err, journal.ErrNotFound))
	// Output:
	// f47ac10b-58cc-4372-a567-0e02b2c3d479 800ms <nil>
	// true
}
