package outboxtest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox/outboxtest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// place is a service: it saves an order and announces it, in one transaction.
func place(ctx context.Context, db outbox.TransactWriteItemsAPIClient, w *outbox.Writer, id string) error {
	ev, err := envelope.New(ctx, "Order.Placed", map[string]string{"order": id})
	if err != nil {
		return err
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{
		TableName:           aws.String("orders"),
		Item:                map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: id}},
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	}}}}
	if err := w.Append(in, ev); err != nil {
		return err
	}
	return outbox.Commit(ctx, db, in, w)
}

// My service, my relay and my consumer in one process. The t is that of your test.
func Example() {
	w, _ := outbox.NewWriter("event-store", func(o *outbox.Options) { o.Source = "orders" })
	db, bus := outboxtest.Tap{Client: &outboxtest.Client{}}, relaytest.Bus{}
	fmt.Println(place(context.Background(), &db, w, "1"))
	fmt.Println(place(context.Background(), &db, w, "1") != nil, "is refused")

	h, _ := relay.NewHandler(relay.NewEventBridge(&bus, "default"), relay.Block)
	relaytest.Deliver(t, h, db.Records(), relaytest.Mapping{})

	consumer, _ := outbox.NewConsumer(func(_ context.Context, ev envelope.CustomEvent) error {
		fmt.Println(ev.Headers.EventName, string(ev.Payload))
		return nil
	})
	_, err := consumer.Invoke(context.Background(), relaytest.SQSEvent(bus.Entries()...))
	fmt.Println(err)
	// Output:
	// <nil>
	// true is refused
	// Order.Placed {"order":"1"}
	// <nil>
}

// Everything goes wrong, and each order is announced, and worked on once: orders
// that are placed twice, a conflict, lost answers, a bus that refuses a fifth, a
// relay that dies between the bus and its answer, and messages that come twice.
func TestTheWholeStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const orders = 200
		w := writer(t)
		engine := &outboxtest.Client{}
		db := outboxtest.Tap{Client: engine}
		for i := range orders {
			switch i % 10 {
			case 3:
				engine.Conflict()
			case 5:
				engine.LoseAnswer()
			case 7:
				engine.Throttle(2)
			}
			require.NoError(t, place(t.Context(), &db, w, fmt.Sprint(i)))
			require.Error(t, place(t.Context(), &db, w, fmt.Sprint(i)), "it is there already")
		}

		bus := relaytest.Bus{Script: relaytest.RefuseShare(1, 0.2, "ThrottlingException")}
		start := func() relaytest.Handler {
			h, err := relay.NewHandler(relay.NewEventBridge(&bus, "default"), relay.Block)
			require.NoError(t, err)
			return h
		}
		got := relaytest.Deliver(t, start(), db.Records(), relaytest.Mapping{BatchSize: 25, CrashEvery: 3, ColdStart: start})
		require.Empty(t, got.GivenUp)

		inbox, err := outbox.NewInbox("receipts", "mailer")
		require.NoError(t, err)
		mails := map[string]int{}
		consumer, err := outbox.NewConsumer(func(ctx context.Context, ev envelope.CustomEvent) error {
			order, err := envelope.Payload[map[string]string](ev)
			if err != nil {
				return err
			}
			in := &dynamodb.TransactWriteItemsInput{}
			if err := inbox.Append(in, ev); err != nil {
				return err
			}
			if err := outbox.Commit(ctx, engine, in, inbox); err != nil {
				return err // a duplicate is done: the consumer lets it go
			}
			mails[order["order"]]++
			return nil
		})
		require.NoError(t, err)
		entries := bus.Entries()
		require.Greater(t, len(entries), orders, "some were published twice")
		_, err = consumer.Invoke(t.Context(), relaytest.SQSEvent(append(entries, entries[0], entries[1])...))
		require.NoError(t, err)
		require.Len(t, mails, orders)
		for order, n := range mails {
			require.Equal(t, 1, n, order)
		}
	})
}
