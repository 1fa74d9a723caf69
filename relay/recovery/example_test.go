package recovery_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/journal"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// After an outage of 30 hours: what was committed meanwhile and never accepted.
func ExampleEventStore() {
	publishMissing := func(ctx context.Context, db *dynamodb.Client, h *relay.Handler, from, to time.Time) error {
		source := recovery.EventStore(db, "event-store", envelope.Layout{}, from, to, func(o *recovery.ScanOptions) {
			o.Segments, o.ReadUnits = 8, 2000
		})
		report, err := relay.Replay(ctx, source, h, func(o *relay.ReplayOptions) {
			o.To, o.MissingFrom = relay.ToSameBus(), journal.New(db, "journal")
		})
		fmt.Printf("%d published, %d were there already, %d failed\n", report.Published, report.Filtered, report.Failed)
		return err
	}
	_ = publishMissing
}

// What is still in the stream, from ten minutes ago on.
func ExampleStreamFrom() {
	publishAgain := func(ctx context.Context, streams *dynamodbstreams.Client, streamARN string, h *relay.Handler) error {
		source := recovery.StreamFrom(streams, streamARN, time.Now().Add(-10*time.Minute))
		report, err := relay.Replay(ctx, source, h, func(o *relay.ReplayOptions) { o.To = relay.ToBus("recovery") })
		for _, m := range report.Missing {
			fmt.Println("the stream does not have", m.From, "to", m.To, "of", m.ShardID)
		}
		return err
	}
	_ = publishAgain
}

// The body of a message in the on-failure queue of the relay, or the object in its
// bucket.
func ExampleOnFailure() {
	publishBatch := func(ctx context.Context, db *dynamodb.Client, streams *dynamodbstreams.Client, record []byte, h *relay.Handler) error {
		source := recovery.OnFailure(streams, db, "event-store", envelope.Layout{}, record)
		_, err := relay.Replay(ctx, source, h, func(o *relay.ReplayOptions) {
			o.To, o.MissingFrom = relay.ToSameBus(), journal.New(db, "journal")
		})
		return err
	}
	_ = publishBatch
}

// All events of one user, in order, to another bus.
func ExampleAggregate() {
	publishUser := func(ctx context.Context, db *dynamodb.Client, h *relay.Handler, userID string) error {
		source := recovery.Aggregate(db, "event-store", envelope.AggregateLayout(), userID)
		_, err := relay.Replay(ctx, source, h, func(o *relay.ReplayOptions) { o.To, o.Mark = relay.ToBus("analytics"), "first load" })
		return err
	}
	_ = publishUser
}
