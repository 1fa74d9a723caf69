package commit_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// order is the payload of the benchmarks.
type order struct {
	OrderID  string    `json:"orderId" dynamodbav:"orderId"`
	Customer customer  `json:"customer" dynamodbav:"customer"`
	Total    float64   `json:"total" dynamodbav:"total"`
	Currency string    `json:"currency" dynamodbav:"currency"`
	Express  bool      `json:"express" dynamodbav:"express"`
	Lines    []orderLn `json:"lines" dynamodbav:"lines"`
}

type customer struct {
	ID    string `json:"id" dynamodbav:"id"`
	Email string `json:"email" dynamodbav:"email"`
	Name  string `json:"name" dynamodbav:"name"`
}

type orderLn struct {
	SKU      string  `json:"sku" dynamodbav:"sku"`
	Title    string  `json:"title" dynamodbav:"title"`
	Quantity int     `json:"quantity" dynamodbav:"quantity"`
	Price    float64 `json:"price" dynamodbav:"price"`
}

// newOrder makes an order of about size bytes of JSON.
func newOrder(size int) order {
	o := order{
		OrderID:  "01JCQ5Z0000000000000000000",
		Customer: customer{ID: "01JCQ5Z0000000000000000001", Email: "ada.lovelace@example.com", Name: "Ada Lovelace"},
		Total:    1234.5, Currency: "EUR", Express: true, Lines: []orderLn{},
	}
	const line = 93 // bytes of one, about
	for i := 0; i < (size-205)/line; i++ {
		o.Lines = append(o.Lines, orderLn{SKU: fmt.Sprintf("SKU-%06d", i), Title: "Analytical Engine, brass, used", Quantity: i%9 + 1, Price: 12.25})
	}
	return o
}

// record is the event's item as a user would write it by hand.
type record struct {
	PK    string      `dynamodbav:"pk"`
	SK    int64       `dynamodbav:"sk"`
	Event recordEvent `dynamodbav:"event"`
}

type recordEvent struct {
	Headers recordHeaders `dynamodbav:"headers"`
	Payload order         `dynamodbav:"payload"`
}

type recordHeaders struct {
	EventID       string `dynamodbav:"eventId"`
	CorrelationID string `dynamodbav:"correlationId"`
	EventName     string `dynamodbav:"eventName"`
	CreatedBy     string `dynamodbav:"createdBy"`
	Source        string `dynamodbav:"source"`
	Region        string `dynamodbav:"region"`
	Timestamp     int64  `dynamodbav:"timestamp"`
	AggregateID   string `dynamodbav:"aggregateId,omitempty"`
	Sequence      int64  `dynamodbav:"sequence,omitempty"`
	TraceParent   string `dynamodbav:"traceparent,omitempty"`
}

// byHand builds the event's Put without the library, and checks nothing.
func byHand(h envelope.Headers, payload order) (types.TransactWriteItem, error) {
	ms := h.Timestamp.UnixMilli()
	attrs, err := attributevalue.MarshalMap(record{PK: h.EventID, SK: ms, Event: recordEvent{
		Headers: recordHeaders{
			EventID: h.EventID, CorrelationID: h.CorrelationID, EventName: h.EventName, CreatedBy: h.CreatedBy,
			Source: h.Source, Region: h.Region, Timestamp: ms,
			AggregateID: h.AggregateID, Sequence: h.Sequence, TraceParent: h.TraceParent,
		},
		Payload: payload,
	}})
	return types.TransactWriteItem{Put: &types.Put{
		TableName: aws.String("event-store"), Item: attrs,
		ConditionExpression:                 aws.String("attribute_not_exists(pk)"),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}, err
}

// benchSizes are bytes of payload.
var benchSizes = []struct {
	name  string
	bytes int
}{{"300B", 300}, {"2KB", 2000}, {"20KB", 20000}}

func benchHeaders(h *envelope.Headers) {
	h.EventID, h.Timestamp = "01JCQ5Z0000000000000000002", time.UnixMilli(1795521600123)
	h.CorrelationID, h.CreatedBy, h.Source, h.Region = "01JCQ5Z0000000000000000003", "ada", "orderService", "eu-west-1"
	h.AggregateID, h.Sequence = "01JCQ5Z0000000000000000000", 7
	h.TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
}

func benchWriter(t testing.TB, optFns ...func(*outbox.Options)) *outbox.Writer {
	t.Helper()
	w, err := outbox.NewWriter("event-store", optFns...)
	require.NoError(t, err)
	return w
}

// The benchmarks compare like with like: both ways make the same Put.
func TestByHandIsTheSame(t *testing.T) {
	for _, size := range benchSizes {
		payload := newOrder(size.bytes)
		text, err := json.Marshal(payload)
		require.NoError(t, err)
		require.InEpsilon(t, size.bytes, len(text), 0.1)

		ev := newEvent(t, "Order.Placed", payload, benchHeaders)
		items, err := benchWriter(t).Items(ev)
		require.NoError(t, err)
		hand, err := byHand(ev.Headers, payload)
		require.NoError(t, err)
		require.Equal(t, hand, items[0])
	}
}
