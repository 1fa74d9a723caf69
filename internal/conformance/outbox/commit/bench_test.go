package commit_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

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

// stub answers each transaction with success, on loopback.
func stub(b *testing.B) *dynamodb.Client {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		_, _ = io.Copy(io.Discard, req.Body) // the answer is the same either way
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, "{}")
	}))
	b.Cleanup(server.Close)
	return dynamodb.New(dynamodb.Options{
		Region: "eu-west-1", BaseEndpoint: aws.String(server.URL),
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
	})
}

// BenchmarkTransaction sends a whole transaction with one event through the SDK
// to a stub on loopback: with the event's Put made beforehand, by hand with
// MarshalMap, and by Append. The last line of each size is what making the Put is
// of the call, in percent.
func BenchmarkTransaction(b *testing.B) {
	w, ddb := benchWriter(b), stub(b)
	text := benchWriter(b, func(o *outbox.Options) { o.PayloadAsText = true })
	send := func(in *dynamodb.TransactWriteItemsInput) {
		if _, err := ddb.TransactWriteItems(b.Context(), in); err != nil {
			b.Fatal(err)
		}
	}
	for _, size := range benchSizes {
		payload := newOrder(size.bytes)
		ev := newEvent(b, "Order.Placed", payload, benchHeaders)
		ready, err := w.Items(ev)
		require.NoError(b, err)
		items := append(make([]types.TransactWriteItem, 0, 2), business())
		whole := append(append([]types.TransactWriteItem{}, items...), ready...)
		beforehand := func() { send(&dynamodb.TransactWriteItemsInput{TransactItems: whole}) }
		hand := func() *dynamodb.TransactWriteItemsInput {
			action, err := byHand(ev.Headers, payload)
			if err != nil {
				b.Fatal(err)
			}
			return &dynamodb.TransactWriteItemsInput{TransactItems: append(items, action)}
		}
		appended := func(w *outbox.Writer) *dynamodb.TransactWriteItemsInput {
			in := &dynamodb.TransactWriteItemsInput{TransactItems: items}
			if err := w.Append(in, ev); err != nil {
				b.Fatal(err)
			}
			return in
		}
		each(b, size.name+"/beforehand", beforehand)
		each(b, size.name+"/MarshalMap", func() { send(hand()) })
		each(b, size.name+"/Append", func() { send(appended(w)) })
		b.Run(size.name+"/share", func(b *testing.B) {
			median := alternate(b, beforehand, func() { hand() }, func() { appended(w) }, func() { appended(text) })
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(100*median[1]/median[0], "MarshalMap-%call")
			b.ReportMetric(100*median[2]/median[0], "Append-%call")
			b.ReportMetric(100*median[3]/median[0], "Append-text-%call")
		})
	}
}

// BenchmarkPreflight appends one small event to a large transaction of the
// caller's: what it costs to look at the caller's own actions.
func BenchmarkPreflight(b *testing.B) {
	w := benchWriter(b)
	ev := newEvent(b, "Order.Placed", newOrder(300), benchHeaders)
	for name, attributes := range map[string]int{"few-long-attributes": 4, "many-short-attributes": 80} {
		const actions, bytesPerItem = 99, 8000
		items := make([]types.TransactWriteItem, 0, actions+1)
		for i := range actions {
			attrs := item{"pk": s(fmt.Sprint("order-", i))}
			for k := range attributes {
				name := fmt.Sprintf("attribute-%03d", k)
				attrs[name] = s(strings.Repeat("x", bytesPerItem/attributes-len(name)))
			}
			items = append(items, types.TransactWriteItem{Put: &types.Put{TableName: aws.String("orders"), Item: attrs}})
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				in := dynamodb.TransactWriteItemsInput{TransactItems: items}
				if err := w.Append(&in, ev); err != nil {
					b.Fatal(err)
				}
			}
			micros := float64(b.Elapsed().Nanoseconds()) / float64(b.N) / 1000
			b.ReportMetric(micros/(actions*bytesPerItem/1024.0), "µs/KB")
		})
	}
}

// BenchmarkSameItem appends one small event to 99 actions that show their keys:
// what it costs to see that no two of them go to one item.
func BenchmarkSameItem(b *testing.B) {
	w := benchWriter(b)
	ev := newEvent(b, "Order.Placed", newOrder(300), benchHeaders)
	keys := map[string]func(i int) item{
		"ids": func(i int) item { return item{"pk": s(fmt.Sprintf("01JCQ5Z00000000000000000%03d", i))} },
		"two-parts": func(i int) item {
			return item{"pk": s("CUSTOMER#01JCQ5Z0000000000000000001"), "sk": s(fmt.Sprintf("ORDER#%05d", i))}
		},
		"numbers": func(i int) item {
			return item{"pk": s("CUSTOMER#01JCQ5Z0000000000000000001"), "sk": n(fmt.Sprint(1795521600000 + i))}
		},
	}
	for name, key := range keys {
		items := make([]types.TransactWriteItem, 0, 100)
		for i := range 99 {
			items = append(items, types.TransactWriteItem{Delete: &types.Delete{TableName: aws.String("orders"), Key: key(i)}})
		}
		each(b, name, func() {
			in := dynamodb.TransactWriteItemsInput{TransactItems: items}
			if err := w.Append(&in, ev); err != nil {
				b.Fatal(err)
			}
		})
	}
}
