package eventitem_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

var layoutOfBenchmarks = envelope.Layout{}

// order is a payload as a service has it.
type order struct {
	OrderID  string            `json:"orderId" dynamodbav:"orderId"`
	Customer string            `json:"customer" dynamodbav:"customer"`
	Total    float64           `json:"total" dynamodbav:"total"`
	Paid     bool              `json:"paid" dynamodbav:"paid"`
	Note     *string           `json:"note" dynamodbav:"note"`
	Labels   map[string]string `json:"labels" dynamodbav:"labels"`
	Lines    []orderLine       `json:"lines" dynamodbav:"lines"`
}

type orderLine struct {
	SKU      string  `json:"sku" dynamodbav:"sku"`
	Title    string  `json:"title" dynamodbav:"title"`
	Quantity int     `json:"quantity" dynamodbav:"quantity"`
	Price    float64 `json:"price" dynamodbav:"price"`
}

func newOrder(lines int) order {
	o := order{
		OrderID: "01JDORDER00000000000000000", Customer: "customer-4711", Total: 1234.5, Paid: true,
		Labels: map[string]string{"channel": "web", "country": "DE"},
	}
	for i := range lines {
		o.Lines = append(o.Lines, orderLine{
			SKU: fmt.Sprintf("SKU-%06d", i), Title: "Coffee & cake, for the whole afternoon", Quantity: 1 + i%7, Price: 19.95 + float64(i),
		})
	}
	return o
}

type payloadSize struct {
	name  string
	lines int
}

var payloadSizes = []payloadSize{{"300B", 1}, {"2KB", 17}, {"20KB", 190}}

func (s payloadSize) payload(tb testing.TB) []byte {
	raw, err := json.Marshal(newOrder(s.lines))
	require.NoError(tb, err)
	return raw
}

// byHand is the item as a service without this library would build it.
type byHand struct {
	PK    string `dynamodbav:"pk"`
	SK    int64  `dynamodbav:"sk"`
	Event struct {
		Headers struct {
			EventID       string `dynamodbav:"eventId"`
			CorrelationID string `dynamodbav:"correlationId"`
			EventName     string `dynamodbav:"eventName"`
			CreatedBy     string `dynamodbav:"createdBy"`
			Source        string `dynamodbav:"source"`
			Region        string `dynamodbav:"region"`
			Timestamp     int64  `dynamodbav:"timestamp"`
		} `dynamodbav:"headers"`
		Payload order `dynamodbav:"payload"`
	} `dynamodbav:"event"`
}

func newByHand(ev envelope.CustomEvent, o order) byHand {
	var item byHand
	h := ev.Headers
	item.PK, item.SK = h.EventID, h.Timestamp.UnixMilli()
	to := &item.Event.Headers
	to.EventID, to.CorrelationID, to.EventName, to.CreatedBy = h.EventID, h.CorrelationID, h.EventName, h.CreatedBy
	to.Source, to.Region, to.Timestamp = h.Source, h.Region, h.Timestamp.UnixMilli()
	item.Event.Payload = o
	return item
}

// The two ways must make the same item for their times to be comparable.
func TestByHandIsTheSameItem(t *testing.T) {
	for _, size := range payloadSizes {
		o := newOrder(size.lines)
		ev := newEvent(string(size.payload(t)))
		hand, err := attributevalue.MarshalMap(newByHand(ev, o))
		require.NoError(t, err)
		it, err := eventitem.Encode(ev, layoutOfBenchmarks, eventitem.Map, 0)
		require.NoError(t, err)
		require.True(t, eventitem.Equal(object(hand), object(it.Attrs)))
		t.Logf("%s: payload %d bytes, item %d bytes", size.name, len(ev.Payload), it.Size)
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, size := range payloadSizes {
		ev := newEvent(string(size.payload(b)))
		hand := newByHand(ev, newOrder(size.lines))
		b.Run(size.name+"/MarshalMap", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = attributevalue.MarshalMap(hand)
			}
		})
		for name, form := range map[string]eventitem.Form{"Map": eventitem.Map, "JSONText": eventitem.JSONText} {
			b.Run(size.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					_, _ = eventitem.Encode(ev, layoutOfBenchmarks, form, 0)
				}
			})
		}
	}
}

// BenchmarkEncodeBesideMarshalMap runs Encode and attributevalue.MarshalMap of
// an equal item in turns, so that other load of the machine hits both, and
// reports what part of MarshalMap's time Encode takes.
func BenchmarkEncodeBesideMarshalMap(b *testing.B) {
	for _, size := range payloadSizes {
		ev := newEvent(string(size.payload(b)))
		hand := newByHand(ev, newOrder(size.lines))
		for name, form := range map[string]eventitem.Form{"Map": eventitem.Map, "JSONText": eventitem.JSONText} {
			b.Run(size.name+"/"+name, func(b *testing.B) {
				var marshal, encode time.Duration
				for b.Loop() {
					start := time.Now()
					_, _ = attributevalue.MarshalMap(hand)
					middle := time.Now()
					_, _ = eventitem.Encode(ev, layoutOfBenchmarks, form, 0)
					marshal += middle.Sub(start)
					encode += time.Since(middle)
				}
				b.ReportMetric(float64(encode)/float64(marshal), "x-of-MarshalMap")
			})
		}
	}
}
