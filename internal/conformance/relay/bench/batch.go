package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
)

// streamARN is the ARN of the stream that batches come from.
const streamARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/event-store/stream/2026-01-01T00:00:00.000"

// newBatch returns the JSON that Lambda hands to a function for n new events
// with payloads of about size bytes.
func newBatch(n, size int) ([]byte, error) {
	records := make([][]byte, n)
	for i := range records {
		var err error
		if records[i], err = newRecord(i, streamARN, newOrder(i, size)); err != nil {
			return nil, err
		}
	}
	return batchOf(records), nil
}

func batchOf(records [][]byte) []byte {
	return fmt.Appendf(nil, `{"Records":[%s]}`, bytes.Join(records, []byte(",")))
}

// newRecord returns the i-th stream record, with an event that has the payload.
// Both are of now: a relay judges a record by its age.
func newRecord(i int, arn string, payload map[string]any) ([]byte, error) {
	now := time.Now()
	ms := now.UnixMilli()
	item, err := attributevalue.MarshalMap(map[string]any{
		"pk": eventID(i), "sk": ms,
		"event": map[string]any{
			"headers": map[string]any{
				"eventId": eventID(i), "correlationId": fmt.Sprintf("correlation-%d", i), "causationId": fmt.Sprintf("causation-%d", i),
				"eventName": "Order.Placed", "createdBy": "user-4711", "source": "orderService", "region": "eu-west-1", "timestamp": ms,
				"aggregateId": fmt.Sprintf("order-%d", i), "sequence": 1,
				"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
			},
			"payload": payload,
		},
	})
	if err != nil {
		return nil, err
	}
	image, err := attributevalue.MarshalMapJSON(item)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, `{"eventID":"%032x","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1",`+
		`"dynamodb":{"ApproximateCreationDateTime":%d,"Keys":{"pk":{"S":%q},"sk":{"N":"%d"}},"NewImage":%s,`+
		`"SequenceNumber":"%0*d","SizeBytes":%d,"StreamViewType":"NEW_IMAGE"},"eventSourceARN":%q}`,
		i, now.Unix(), eventID(i), ms, image, sequenceDigits, 400000000000001+i, len(image), arn), nil
}

// eventID looks like a ULID.
func eventID(i int) string { return fmt.Sprintf("01JDF8Z3%018X", 7919*i) }

// newOrder returns an order of about size bytes of JSON: ids, numbers, flags and
// text, some of it not English.
func newOrder(i, size int) map[string]any {
	order := map[string]any{
		"orderId": fmt.Sprintf("order-%08d", i), "customerId": fmt.Sprintf("c-%d", 100000+i), "currency": "EUR",
		"total": 129.95, "express": true, "coupon": nil,
		"shipTo": map[string]any{"name": "Zoë Müller", "street": "Long Street 12", "city": "Cape Town"},
	}
	var lines []any
	for n := 0; ; n++ {
		order["lines"] = lines
		if text, err := json.Marshal(order); err != nil || len(text) >= size {
			return order
		}
		lines = append(lines, map[string]any{
			"sku": fmt.Sprintf("SKU-%06d", 37*n), "quantity": 1 + n%5, "price": float64(3*n) + 0.99, "gift": n%3 == 0,
		})
	}
}
