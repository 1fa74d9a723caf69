package relay_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

func TestLimitsOfACall(t *testing.T) {
	client := eventbridge.New(eventbridge.Options{Region: "eu-west-1"})
	require.Equal(t, relay.Limits{Entries: 10, Bytes: 1_000_000}, relay.NewEventBridge(client, "orders").Limits())
	require.Equal(t, relay.Limits{Entries: 3, Bytes: 65_536}, relay.NewEventBridge(client, "orders", func(o *relay.EventBridgeOptions) {
		o.MaxEntries, o.MaxCallBytes = 3, 65_536
	}).Limits())
}

// The formula of the documentation: 14 for the time, and the bytes of what is
// text. The bus's name, the trace header and our own fields are not counted.
func TestSizeOfAnEntry(t *testing.T) {
	bus := relay.NewEventBridge(eventbridge.New(eventbridge.Options{Region: "eu-west-1"}), "orders")
	for _, tt := range []struct {
		name  string
		entry relay.Entry
		want  int
	}{
		{"nothing", relay.Entry{}, 0},
		{"time", relay.Entry{Time: time.Now()}, 14},
		{"source", relay.Entry{Source: "Größe"}, 7},
		{"detail-type", relay.Entry{DetailType: "User.Created"}, 12},
		{"detail", relay.Entry{Detail: []byte(`{"a":1}`)}, 7},
		{"resources", relay.Entry{Resources: []string{"arn:one", "", "arn:three"}}, 7 + 9},
		{"what is not counted", relay.Entry{EventID: "e", Group: "g", Bus: "other", TraceHeader: "Root=1"}, 0},
		{"all of it", relay.Entry{Time: time.Now(), Source: "svc", DetailType: "T", Detail: []byte("{}"), Resources: []string{"arn"}}, 14 + 3 + 1 + 2 + 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, bus.Size(tt.entry))
		})
	}
}

// sized returns n events whose entries have that size together by the formula.
// The first n-1 of them are small.
func sized(n, size int, resources []string) []byte {
	rs := make([]testRecord, n)
	for i := range rs {
		text := "small"
		detail := strings.Replace(goodHeadersOf(i+1), `"timestamp":0`, `"timestamp":1795521600000`, 1) + `,"payload":"` + text + `"}`
		size -= 14 + len("userService") + len("User.Created") + len(detail) + len(strings.Join(resources, ""))
		if i == n-1 {
			text += strings.Repeat("x", size)
		}
		rs[i] = testRecord{sequence: i + 1, payload: fmt.Sprintf(`{"S":"\"%s\""}`, text)}
	}
	return batch(rs...)
}

// A call is filled to the limit, and not by a byte more.
func TestWireCallsAreFilledToTheByte(t *testing.T) {
	for _, tt := range []struct {
		name      string
		size      int
		events    int
		resources []string
		want      []int
		dead      string // the code of a dead letter
	}{
		{name: "two, at the limit", size: 1_000_000, events: 2, want: []int{2}},
		{name: "two, above it", size: 1_000_001, events: 2, want: []int{1, 1}},
		{name: "ten, at the limit", size: 1_000_000, events: 10, want: []int{10}},
		{name: "ten, above it", size: 1_000_001, events: 10, want: []int{9, 1}},
		{name: "with resources, at the limit", size: 1_000_000, events: 3, resources: []string{"arn:one", "arn:two"}, want: []int{3}},
		{name: "with resources, above it", size: 1_000_001, events: 3, resources: []string{"arn:one", "arn:two"}, want: []int{2, 1}},
		{name: "alone, at the limit", size: 1_000_000, events: 1, want: []int{1}},
		{name: "alone, above it", size: 1_000_001, events: 1, dead: "TooLarge"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, sink := newWireBus(t), &recordingSink{}
			var m relay.Metrics
			h := newHandler(t, relay.NewEventBridge(b.client(), "orders"), sink, func(o *relay.Options) {
				o.Metrics = func(_ context.Context, got relay.Metrics) { m = got }
				if tt.resources != nil {
					o.Route = func(e *relay.Entry) error { e.Resources = tt.resources; return nil }
				}
			})
			_, err := h.Invoke(t.Context(), sized(tt.events, tt.size, tt.resources))
			require.NoError(t, err)
			require.Equal(t, tt.want, b.sizes())
			if tt.dead != "" {
				require.Len(t, sink.dead, 1)
				require.Equal(t, tt.dead, sink.dead[0].Code)
				return
			}
			sum := 0
			for _, r := range b.requests {
				for _, e := range r.Entries {
					require.NotZero(t, e.Time)
					sum += 14 + len(e.Source) + len(e.DetailType) + len(e.Detail) + len(strings.Join(e.Resources, ""))
				}
			}
			require.Equal(t, tt.size, sum, "the events are as large as the row says")
			require.EqualValues(t, tt.size, m.Bytes)
			require.Len(t, b.accepted, tt.events)
		})
	}
}
