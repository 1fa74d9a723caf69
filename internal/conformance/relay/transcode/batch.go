// Package transcode holds the library's reading of stream events against the
// way a Go function does it without the library: aws-lambda-go's types, the
// SDK's attribute values and encoding/json. The tests compare results, the
// benchmarks compare costs.
package transcode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// Batch returns the JSON that Lambda hands to a function for records inserts,
// with payloads of about size bytes as JSON. It is what Lambda sends: without
// white space, and in its order. asText makes each payload one JSON string
// instead of a map.
func Batch(records, size int, asText bool) []byte {
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	for i := range records {
		if i > 0 {
			b.WriteByte(',')
		}
		var payload any = Order(i, size)
		if asText {
			text, err := json.Marshal(payload)
			if err != nil {
				panic(err) // an order is always encodable
			}
			payload = string(text)
		}
		b.Write(Record(i, payload))
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// Record returns the i-th record, with an event that has payload.
func Record(i int, payload any) []byte {
	id := fmt.Sprintf("01JDF8Z3%018X", 7919*i)
	const ms = "1764000000123"
	headers := map[string]any{
		"eventId": id, "correlationId": fmt.Sprintf("01JDF8Z2%018X", 31*i), "causationId": fmt.Sprintf("01JDF8Z1%018X", 17*i),
		"eventName": "Order.Placed", "createdBy": "user-4711", "source": "orderService", "region": "eu-west-1",
		"timestamp":   json.Number(ms),
		"aggregateId": "order-" + strconv.Itoa(i), "sequence": json.Number("1"),
		"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"eventID":"%032x","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1",`, i)
	fmt.Fprintf(&b, `"dynamodb":{"ApproximateCreationDateTime":1764000000,"Keys":{"pk":{"S":%q},"sk":{"N":%q}},"NewImage":{"pk":{"S":%q},"sk":{"N":%q},"event":`, id, ms, id, ms)
	Encode(&b, map[string]any{"headers": headers, "payload": payload})
	fmt.Fprintf(&b, `},"SequenceNumber":"%025d","SizeBytes":%d,"StreamViewType":"NEW_IMAGE"},`, 400000000000001+i, 1000)
	b.WriteString(`"eventSourceARN":"arn:aws:dynamodb:eu-west-1:123456789012:table/event-store/stream/2026-01-01T00:00:00.000"}`)
	return b.Bytes()
}

// Order returns an order of about size bytes of JSON: ids, numbers, flags and
// text, some of it not English.
func Order(i, size int) map[string]any {
	order := map[string]any{
		"orderId": fmt.Sprintf("order-%08d", i), "customerId": fmt.Sprintf("c-%d", 100000+i), "currency": "EUR",
		"total": json.Number("129.95"), "express": true, "coupon": nil,
		"shipTo": map[string]any{"name": "Zoë Müller", "street": "Long Street 12", "city": "Cape Town", "zip": "8001"},
	}
	var lines []any
	for n := 0; ; n++ {
		order["lines"] = lines
		text, _ := json.Marshal(order)
		if len(text) >= size {
			return order
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

// Encode writes the DynamoDB JSON of a JSON value: map[string]any, []any,
// string, bool, nil and json.Number.
func Encode(b *bytes.Buffer, v any) {
	switch v := v.(type) {
	case map[string]any:
		b.WriteString(`{"M":{`)
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for i, k := range keys {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(quote(k))
			b.WriteByte(':')
			Encode(b, v[k])
		}
		b.WriteString(`}}`)
	case []any:
		b.WriteString(`{"L":[`)
		for i, e := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			Encode(b, e)
		}
		b.WriteString(`]}`)
	case string:
		b.WriteString(`{"S":`)
		b.Write(quote(v))
		b.WriteByte('}')
	case json.Number:
		fmt.Fprintf(b, `{"N":"%s"}`, v)
	case bool:
		fmt.Fprintf(b, `{"BOOL":%t}`, v)
	case nil:
		b.WriteString(`{"NULL":true}`)
	default:
		panic(fmt.Sprintf("transcode: no DynamoDB JSON for a %T", v))
	}
}

// quote writes a JSON string as AWS does: without escapes for HTML.
func quote(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic(err) // a string is always encodable
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
