package relaytest_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox/outboxtest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// My service, my relay and my consumer in one process.
func Example() {
	ctx := context.Background() // in a test: t.Context()
	var db outboxtest.Client
	tap := outboxtest.Tap{Client: &db}
	fmt.Println("service:", placeOrder(ctx, &tap, "order-7"))

	var bus relaytest.Bus
	h, err := relay.NewHandler(relay.NewEventBridge(&bus, "orders"), relay.Block)
	got := relaytest.Deliver(t, h, tap.Records(), relaytest.Mapping{})
	fmt.Println("relay:", err, len(got.Invocations), len(bus.Entries()))

	consumer, err := outbox.NewConsumer(sendMail)
	answer, failed := consumer.Invoke(ctx, relaytest.SQSEvent(bus.Entries()...))
	fmt.Println("consumer:", err, failed, string(answer))
	// Output:
	// service: <nil>
	// relay: <nil> 1 1
	// a mail about Order.Placed: {"order":"order-7"}
	// consumer: <nil> <nil> {"batchItemFailures":[]}
}

// placeOrder is the service: an order and its event in one transaction.
func placeOrder(ctx context.Context, db outbox.TransactWriteItemsAPIClient, id string) error {
	w, err := outbox.NewWriter("event-store", func(o *outbox.Options) { o.Source = "orderService" })
	if err != nil {
		return err
	}
	ev, err := envelope.New(ctx, "Order.Placed", map[string]string{"order": id})
	if err != nil {
		return err
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{
		TableName: aws.String("orders"), Item: map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: id}},
	}}}}
	if err := w.Append(in, ev); err != nil {
		return err
	}
	return outbox.Commit(ctx, db, in, w)
}

// sendMail is what the consumer does with an event.
func sendMail(_ context.Context, ev envelope.CustomEvent) error {
	fmt.Printf("a mail about %s: %s\n", ev.Headers.EventName, ev.Payload)
	return nil
}
