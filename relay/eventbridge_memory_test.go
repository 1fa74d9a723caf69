package relay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// accepting is a handler that publishes through the SDK's client to a transport
// that accepts everything. It calls sent for each request.
func accepting(t *testing.T, sent func(calls int)) *relay.Handler {
	return newHandler(t, acceptingPublisher(sent), relay.Block)
}

func acceptingPublisher(sent func(calls int)) *relay.EventBridge {
	calls, room := 0, make([]byte, 2<<20)
	client := eventbridge.New(eventbridge.Options{
		Region: "eu-west-1",
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "AKID", SecretAccessKey: "SECRET"}, nil
		}),
		HTTPClient: doer(func(r *http.Request) (*http.Response, error) {
			n, err := io.ReadFull(r.Body, room)
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				return nil, fmt.Errorf("a body of %d bytes: %w", n, err)
			}
			entries := bytes.Count(room[:n], []byte(`"DetailType":`))
			calls++
			sent(calls)
			answer := `{"FailedEntryCount":0,"Entries":[` + strings.TrimSuffix(strings.Repeat(`{"EventId":"id"},`, entries), ",") + `]}`
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(answer))}, nil
		}),
	})
	return relay.NewEventBridge(client, "orders", noCheck)
}

// No body is held on to.
func TestBodiesAreFlatOverManyBatches(t *testing.T) {
	const batches, size = 10_000, 10
	payload := events(1, size)
	number := renumber(payload, size)
	calls := 0
	h := accepting(t, func(n int) { calls = n })
	var early int
	for i := range batches {
		number(1 + i*size)
		_, err := h.Invoke(t.Context(), payload)
		require.NoError(t, err)
		if i == batches/2 { // Options.Memory is full
			early = heap()
		}
	}
	late := heap()
	t.Logf("heap after %d batches of %d: %d KB, after %d: %d KB", batches/2, size, early/1024, batches, late/1024)
	require.Equal(t, batches, calls)
	require.Less(t, late-early, 128*1024)
	runtime.KeepAlive(h)
}

// The buffers of bodies are used again: a call can do without a new one.
func TestBodiesAreWrittenInTheSameBuffers(t *testing.T) {
	const calls, size = 100, 900_000
	p := acceptingPublisher(func(int) {})
	entries := []relay.Entry{{Source: "s", DetailType: "d", Detail: []byte(`{"text":"` + strings.Repeat("x", size) + `"}`)}}
	least := math.MaxInt // the garbage collector and the race detector empty the pool now and then
	for range calls {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := p.Publish(t.Context(), entries)
		runtime.ReadMemStats(&after)
		require.NoError(t, err)
		least = min(least, int(after.TotalAlloc-before.TotalAlloc))
	}
	t.Logf("%d KB allocated for a body of %d KB", least/1024, size/1024)
	require.Less(t, least, size/4)
}

// While a batch of Lambda's greatest size, 6 MB, is published, the heap holds no
// more than three times as much, the batch itself included. Only of records whose
// payload is next to nothing, what is kept of each counts for a little more.
func TestALargeBatchStaysWithinThreeTimesItsSize(t *testing.T) {
	const full = 6 << 20
	for _, tt := range []struct {
		payload int // of an event, in bytes
		times   float64
	}{{390_000, 3}, {20_000, 3}, {2_000, 3}, {300, 3}, {10, 3.2}} {
		t.Run(fmt.Sprint(tt.payload), func(t *testing.T) {
			before, most := 0, 0
			h := accepting(t, func(calls int) {
				if calls%64 == 1 {
					most = max(most, heap()-before)
				}
			})
			before = heap()
			in, n := fullBatch(full, tt.payload)
			_, err := h.Invoke(t.Context(), in)
			require.NoError(t, err)
			times := float64(most) / float64(len(in))
			t.Logf("%d records, %d KB: the heap grows by %d KB, %.2f times that", n, len(in)/1024, most/1024, times)
			require.Less(t, times, tt.times)
			runtime.KeepAlive(h)
		})
	}
}

// fullBatch is a batch of size bytes, of n events whose payloads have length bytes.
func fullBatch(size, length int) (in []byte, n int) {
	one := testRecord{sequence: 1, region: "eu-west-1", aggregate: "order-1", trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", payload: `{"M":{"text":{"S":"` + strings.Repeat("x", length) + `"}}}`}
	records := make([]testRecord, size/(len(one.String())+1))
	for i := range records {
		records[i] = one
		records[i].sequence = i + 1
	}
	return batch(records...), len(records)
}
