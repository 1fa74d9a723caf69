// Package transcode holds the library's reading of stream events against the
// way a Go function does it without the library: aws-lambda-go's types, the
// SDK's attribute values and encoding/json. The tests compare results, the
// benchmarks compare costs.
package transcode

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

// Batch returns the JSON that Lambda hands to a function for records inserts,
// with payloads of about size bytes as JSON. It is what Lambda sends: without
// white space, and in its order. asText makes each payload one JSON string
// instead of a map.
func Batch(records, size int, asText bool) []byte {
	form := eventitem.Map
	if asText {
		form = eventitem.JSONText
	}
	list := make([][]byte, records)
	for i := range list {
		var err error
		if list[i], err = record(i, size, form); err != nil {
			panic(err) // an order can be an event
		}
	}
	return append(append([]byte(`{"Records":[`), bytes.Join(list, []byte(","))...), "]}"...)
}

// record returns the record of the i-th order, as the writer stores its event.
func record(i, size int, form eventitem.Form) ([]byte, error) {
	at := time.UnixMilli(1764000000123)
	ev, err := envelope.New(context.Background(), "Order.Placed", order(i, size), func(h *envelope.Headers) {
		h.EventID, h.CorrelationID, h.CausationID = fmt.Sprintf("01JDF8Z3%018X", 7919*i), fmt.Sprintf("01JDF8Z2%018X", 31*i), fmt.Sprintf("01JDF8Z1%018X", 17*i)
		h.CreatedBy, h.Source, h.Region, h.Timestamp = "user-4711", "orderService", "eu-west-1", at
		h.AggregateID, h.Sequence, h.TraceParent = "order-"+strconv.Itoa(i), 1, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	})
	if err != nil {
		return nil, err
	}
	item, err := eventitem.Encode(ev, envelope.Layout{}, form, 0)
	if err != nil {
		return nil, err
	}
	image, err := attributevalue.MarshalMapJSON(item.Attrs)
	if err != nil {
		return nil, err
	}
	var members any
	if err := json.Unmarshal(image, &members); err != nil {
		return nil, err
	}
	if image, err = json.Marshal(members); err != nil { // sorted: each run has the same bytes
		return nil, err
	}
	return fmt.Appendf(nil, `{"eventID":"%032x","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1",`+
		`"dynamodb":{"ApproximateCreationDateTime":%d,"Keys":{"pk":{"S":%q},"sk":{"N":"%d"}},"NewImage":%s,"SequenceNumber":"%025d","SizeBytes":%d,"StreamViewType":"NEW_IMAGE"},`+
		`"eventSourceARN":"arn:aws:dynamodb:eu-west-1:123456789012:table/event-store/stream/2026-01-01T00:00:00.000"}`,
		i, at.Unix(), ev.Headers.EventID, at.UnixMilli(), image, 400000000000001+i, 1000), nil
}

// order returns an order of about size bytes of JSON: ids, numbers, flags and
// text, some of it not English.
func order(i, size int) map[string]any {
	o := map[string]any{
		"orderId": fmt.Sprintf("order-%08d", i), "customerId": fmt.Sprintf("c-%d", 100000+i), "currency": "EUR",
		"total": json.Number("129.95"), "express": true, "coupon": nil,
		"shipTo": map[string]any{"name": "Zoë Müller", "street": "Long Street 12", "city": "Cape Town", "zip": "8001"},
	}
	var lines []any
	for n := 0; ; n++ {
		o["lines"] = lines
		text, _ := json.Marshal(o)
		if len(text) >= size {
			return o
		}
		line := map[string]any{
			"sku": fmt.Sprintf("SKU-%06d", 37*n), "quantity": json.Number(strconv.Itoa(1 + n%5)),
			"price": json.Number(fmt.Sprintf("%d.%02d", 3*n+1, n%100)), "gift": n%3 == 0,
		}
		if size-len(text) > 100 {
			line["title"] = "A 15\" stand for laptops, foldable, aluminium"
			line["tags"] = []any{"office", "aluminium", "new"}
		}
		lines = append(lines, line)
	}
}
