package relay_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/deadletter"
)

// The relay of a production service.
func ExampleNewHandler() {
	bus := relay.NewEventBridge(eventbridge.New(eventbridge.Options{Region: "eu-west-1"}), "orders")
	dead := deadletter.New(dynamodb.New(dynamodb.Options{Region: "eu-west-1"}), "dead-letters",
		func(o *deadletter.Options) { o.TTL = 90 * 24 * time.Hour })
	h, err := relay.NewHandler(bus, dead, func(o *relay.Options) {
		o.PartialBatchResponse = true // only with ReportBatchItemFailures on the mapping
		o.Logger = slog.Default()
		o.Metrics = relay.EMF(os.Stdout, func(o *relay.EMFOptions) { o.Dimensions = map[string]string{"Service": "orders"} })
	})
	fmt.Println(h != nil, err) // lambda.Start(h)
	// Output: true <nil>
}

// Events that go to another bus by their name.
func ExampleOptions_route() {
	_, err := relay.NewHandler(printBus{}, relay.Block, func(o *relay.Options) {
		o.Route = func(e *relay.Entry) error {
			if strings.HasPrefix(e.DetailType, "Billing.") {
				e.Bus = "billing"
			}
			return nil
		}
	})
	fmt.Println(err)
	// Output: <nil>
}

// A batch with an event, and what becomes of it.
func ExampleHandler_Invoke() {
	h, err := relay.NewHandler(printBus{}, relay.Block)
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := h.Invoke(context.Background(), []byte(`{"Records":[{
		"eventName": "INSERT",
		"eventSourceARN": "arn:aws:dynamodb:eu-west-1:123456789012:table/event-store/stream/2026-11-24T00:00:00.000",
		"dynamodb": {
			"SequenceNumber": "400000000000000000001",
			"StreamViewType": "NEW_IMAGE",
			"NewImage": {
				"pk": {"S": "01JDF3Q2V8"}, "sk": {"N": "1795521600000"},
				"event": {"M": {
					"headers": {"M": {
						"eventId": {"S": "01JDF3Q2V8"}, "eventName": {"S": "User.Created"},
						"source": {"S": "userService"}, "timestamp": {"N": "1795521600000"}
					}},
					"payload": {"M": {"userId": {"S": "u-1"}}}
				}}
			}
		}
	}]}`))
	fmt.Println(string(answer), err)
	// Output:
	// userService User.Created {"headers":{"eventId":"01JDF3Q2V8","eventName":"User.Created","source":"userService","timestamp":1795521600000},"payload":{"userId":"u-1"}}
	// {"batchItemFailures":[]} <nil>
}

// printBus is a Publisher that prints what it is sent and accepts it.
type printBus struct{}

func (printBus) Limits() relay.Limits { return relay.Limits{Entries: 10, Bytes: 1_000_000} }

func (printBus) Size(e relay.Entry) int { return len(e.Source) + len(e.DetailType) + len(e.Detail) }

func (printBus) Publish(_ context.Context, entries []relay.Entry) ([]relay.Result, error) {
	results := make([]relay.Result, len(entries))
	for i, e := range entries {
		fmt.Printf("%s %s %s\n", e.Source, e.DetailType, e.Detail)
		results[i].Class = relay.Accepted
	}
	return results, nil
}
