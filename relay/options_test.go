package relay_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

func TestNewHandlerRefusesBadArguments(t *testing.T) {
	client := eventbridge.New(eventbridge.Options{Region: "eu-west-1"})
	good := relay.NewEventBridge(client, "orders")
	bus := func(f func(*relay.EventBridgeOptions)) *relay.EventBridge {
		return relay.NewEventBridge(client, "orders", f)
	}
	for _, tt := range []struct {
		name string
		p    relay.Publisher
		dl   relay.DeadLetterSink
		opt  func(*relay.Options)
		want string
	}{
		{name: "nil publisher", dl: relay.Block, want: "publisher is nil"},
		{name: "typed nil publisher", p: (*relay.EventBridge)(nil), dl: relay.Block, want: "publisher is nil"},
		{name: "nil sink", p: good, want: "relay.Block"},
		{name: "nil sink func", p: good, dl: relay.DeadLetterFunc(nil), want: "relay.Block"},
		{name: "typed nil sink", p: good, dl: (*recordingSink)(nil), want: "relay.Block"},
		{name: "nil client", p: relay.NewEventBridge(nil, "orders"), dl: relay.Block, want: "eventbridge client is nil"},
		{name: "typed nil client", p: relay.NewEventBridge((*eventbridge.Client)(nil), "orders"), dl: relay.Block, want: "eventbridge client is nil"},
		{name: "no bus", p: relay.NewEventBridge(client, ""), dl: relay.Block, want: "event bus name is empty"},
		{name: "bus name too long", p: relay.NewEventBridge(client, string(make([]byte, 1601))), dl: relay.Block, want: "at most 1600"},
		{name: "v2 bus", p: relay.NewEventBridge(client, "arn:aws:events:eu-west-1:1:event-busv2/x/abc"), dl: relay.Block, want: "not a classic event bus"},
		{name: "EndpointID", p: bus(func(o *relay.EventBridgeOptions) { o.EndpointID = "https://abcde.veo" }), dl: relay.Block, want: "EventBridgeOptions.EndpointID"},
		{name: "MaxEntries above", p: bus(func(o *relay.EventBridgeOptions) { o.MaxEntries = 11 }), dl: relay.Block, want: "EventBridgeOptions.MaxEntries"},
		{name: "MaxEntries below", p: bus(func(o *relay.EventBridgeOptions) { o.MaxEntries = -1 }), dl: relay.Block, want: "EventBridgeOptions.MaxEntries"},
		{name: "MaxCallBytes in KB", p: bus(func(o *relay.EventBridgeOptions) { o.MaxCallBytes = 256 }), dl: relay.Block, want: "EventBridgeOptions.MaxCallBytes"},
		{name: "MaxCallBytes above", p: bus(func(o *relay.EventBridgeOptions) { o.MaxCallBytes = 2 << 20 }), dl: relay.Block, want: "EventBridgeOptions.MaxCallBytes"},
		{name: "limits of nothing", p: &scriptedBus{limits: relay.Limits{Entries: 10}}, dl: relay.Block, want: "publisher limits"},
		{name: "Layout", p: good, dl: relay.Block, opt: func(o *relay.Options) { o.Layout = envelope.Layout{PK: "x", SK: "x"} }, want: "Options.Layout"},
		{name: "Concurrency", p: good, dl: relay.Block, opt: func(o *relay.Options) { o.Concurrency = 65 }, want: "Options.Concurrency"},
		{name: "Concurrency below", p: good, dl: relay.Block, opt: func(o *relay.Options) { o.Concurrency = -1 }, want: "Options.Concurrency"},
		{name: "MaxAttempts", p: good, dl: relay.Block, opt: func(o *relay.Options) { o.MaxAttempts = 21 }, want: "Options.MaxAttempts"},
		{name: "Margin", p: good, dl: relay.Block, opt: func(o *relay.Options) { o.Margin = -time.Second }, want: "Options.Margin"},
		{name: "Margin without a unit", p: good, dl: relay.Block, opt: func(o *relay.Options) { o.Margin = 5 }, want: "Options.Margin"},
		{name: "CallTimeout", p: good, dl: relay.Block, opt: func(o *relay.Options) { o.CallTimeout = time.Hour }, want: "Options.CallTimeout"},
		{name: "MaxAge", p: good, dl: relay.Block, opt: func(o *relay.Options) { o.MaxAge = -1 }, want: "Options.MaxAge"},
		{name: "Memory", p: good, dl: relay.Block, opt: func(o *relay.Options) { o.Memory = 1_000_001 }, want: "Options.Memory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := relay.NewHandler(tt.p, tt.dl, tt.opt)
			require.Nil(t, h)
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, "relay: ")
		})
	}
}

func TestNewHandlerNamesEveryFault(t *testing.T) {
	_, err := relay.NewHandler(nil, nil, func(o *relay.Options) { o.Concurrency, o.MaxAttempts = -1, -1 })
	for _, want := range []string{"publisher is nil", "dead-letter sink is nil", "Options.Concurrency", "Options.MaxAttempts"} {
		require.ErrorContains(t, err, want)
	}
}

// The zero value of every option is the safe one.
func TestZeroOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var flying, most int
		bus := &scriptedBus{answer: func(ctx context.Context, n int, entries []relay.Entry) ([]relay.Result, error) {
			deadline, ok := ctx.Deadline()
			require.True(t, ok)
			require.Equal(t, relay.DefaultCallTimeout, time.Until(deadline))
			flying++
			most = max(most, flying)
			<-time.After(10 * time.Millisecond)
			flying--
			return refuse(unlucky, "event-11")(ctx, n, entries)
		}}
		sink := &recordingSink{}
		h := newHandler(t, bus, sink)
		rs := records(1, 31)
		for i := range rs {
			rs[i].age, rs[i].region = 19*time.Hour, "us-east-1"
		}
		_, err := h.Invoke(t.Context(), batch(rs...))
		require.Equal(t, 12, unpublishedIn(t, err).Unpublished, "an error is the safe answer: event-11, and what was not begun behind it")
		require.Len(t, bus.accepted, 19, "Region")
		require.Equal(t, 1, most, "Concurrency")
		require.Len(t, bus.calls, 1+relay.DefaultMaxAttempts, "MaxAttempts")
		require.Empty(t, sink.dead, "MaxAge")
		bus.answer = nil
		invoke(t, h, events(1, 31))
		require.Len(t, bus.accepted, 31, "Memory")
	})
}
