package commit_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// alternate runs the operations in turn, a few times each, and returns the
// median time of each: what else the machine does meets all of them alike.
func alternate(b *testing.B, operations ...func()) []float64 {
	const few = 8
	times := make([][]time.Duration, len(operations))
	for b.Loop() {
		for i, operation := range operations {
			start := time.Now()
			for range few {
				operation()
			}
			times[i] = append(times[i], time.Since(start))
		}
	}
	medians := make([]float64, len(operations))
	for i := range times {
		slices.Sort(times[i])
		medians[i] = float64(times[i][len(times[i])/2])
	}
	return medians
}

// business is the caller's own action in the benchmarks.
func business() types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{
		TableName: aws.String("orders"),
		Item: item{
			"pk": s("01JCQ5Z0000000000000000000"), "customer": s("01JCQ5Z0000000000000000001"), "total": n("1234.5"),
			"currency": s("EUR"), "version": n("7"), "placedAt": s("2026-11-24T12:00:00Z"),
		},
		ConditionExpression: aws.String("attribute_not_exists(pk)"),
	}}
}

// BenchmarkAppend compares Append of one event, all checks included, with
// building the same Put by hand with attributevalue.MarshalMap. New+Append has
// the marshalling of the payload to JSON in it too; text is with PayloadAsText.
// The last line of each size has the ratios.
func BenchmarkAppend(b *testing.B) {
	w, text := benchWriter(b), benchWriter(b, func(o *outbox.Options) { o.PayloadAsText = true })
	for _, size := range benchSizes {
		payload := newOrder(size.bytes)
		ev := newEvent(b, "Order.Placed", payload, benchHeaders)
		items := append(make([]types.TransactWriteItem, 0, 2), business())
		hand := func() {
			in := dynamodb.TransactWriteItemsInput{TransactItems: items}
			action, err := byHand(ev.Headers, payload)
			if err != nil {
				b.Fatal(err)
			}
			in.TransactItems = append(in.TransactItems, action)
		}
		appendTo := func(w *outbox.Writer) func() {
			return func() {
				in := dynamodb.TransactWriteItemsInput{TransactItems: items}
				if err := w.Append(&in, ev); err != nil {
					b.Fatal(err)
				}
			}
		}
		newAppended := func() {
			in := dynamodb.TransactWriteItemsInput{TransactItems: items}
			ev, err := envelope.New(b.Context(), "Order.Placed", payload, benchHeaders)
			if err != nil {
				b.Fatal(err)
			}
			if err := w.Append(&in, ev); err != nil {
				b.Fatal(err)
			}
		}
		each(b, size.name+"/MarshalMap", hand)
		each(b, size.name+"/Append", appendTo(w))
		each(b, size.name+"/Append-text", appendTo(text))
		each(b, size.name+"/New+Append", newAppended)
		b.Run(size.name+"/ratio", func(b *testing.B) {
			median := alternate(b, hand, appendTo(w), appendTo(text), newAppended)
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median[1]/median[0], "Append/MarshalMap")
			b.ReportMetric(median[2]/median[0], "Append-text/MarshalMap")
			b.ReportMetric(median[3]/median[0], "New+Append/MarshalMap")
		})
	}
}

func each(b *testing.B, name string, operation func()) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			operation()
		}
	})
}
