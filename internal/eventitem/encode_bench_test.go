package eventitem

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
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

// byHand is the item as somebody without this library would build it.
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
		it, err := Encode(ev, layoutOfBenchmarks, Map, 0)
		require.NoError(t, err)
		require.True(t, Equal(object(hand), object(it.Attrs)))
		t.Logf("%s: payload %d bytes, item %d bytes", size.name, len(ev.Payload), it.Size)
	}
}

// BenchmarkEncode times Encode and, in turn with it, attributevalue.MarshalMap
// of an equal item; the ratio of the two is reported as x-of-MarshalMap.
func BenchmarkEncode(b *testing.B) {
	for _, size := range payloadSizes {
		ev := newEvent(string(size.payload(b)))
		hand := newByHand(ev, newOrder(size.lines))
		encode := func(form Form) func() {
			return func() {
				if _, err := Encode(ev, layoutOfBenchmarks, form, 0); err != nil {
					b.Fatal(err)
				}
			}
		}
		marshal := func() {
			if _, err := attributevalue.MarshalMap(hand); err != nil {
				b.Fatal(err)
			}
		}
		var reference float64 // ns per MarshalMap
		for _, way := range []struct {
			name string
			run  func()
		}{{"MarshalMap", marshal}, {"Encode", encode(Map)}, {"EncodeJSONText", encode(JSONText)}} {
			b.Run(size.name+"/"+way.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					way.run()
				}
				ns := float64(b.Elapsed().Nanoseconds()) / float64(b.N)
				if way.name == "MarshalMap" {
					reference = ns
				} else if reference > 0 {
					b.ReportMetric(ns/reference, "x-of-MarshalMap")
				}
			})
		}
	}
}
