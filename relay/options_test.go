package relay

import (
	"log/slog"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

func TestNewHandlerRefusesBadArguments(t *testing.T) {
	client := eventbridge.New(eventbridge.Options{Region: "eu-west-1"})
	good := NewEventBridge(client, "orders")
	bus := func(f func(*EventBridgeOptions)) *EventBridge { return NewEventBridge(client, "orders", f) }
	for _, tt := range []struct {
		name string
		p    Publisher
		dl   DeadLetter
		opt  func(*Options)
		want string
	}{
		{name: "nil publisher", dl: Block, want: "publisher is nil"},
		{name: "typed nil publisher", p: (*EventBridge)(nil), dl: Block, want: "publisher is nil"},
		{name: "nil sink", p: good, want: "relay.Block"},
		{name: "nil sink func", p: good, dl: DeadLetterFunc(nil), want: "relay.Block"},
		{name: "typed nil sink", p: good, dl: (*DynamoDBDeadLetters)(nil), want: "relay.Block"},
		{name: "nil client", p: NewEventBridge(nil, "orders"), dl: Block, want: "eventbridge client is nil"},
		{name: "typed nil client", p: NewEventBridge((*eventbridge.Client)(nil), "orders"), dl: Block, want: "eventbridge client is nil"},
		{name: "no bus", p: NewEventBridge(client, ""), dl: Block, want: "event bus name is empty"},
		{name: "bus name too long", p: NewEventBridge(client, string(make([]byte, 1601))), dl: Block, want: "at most 1600"},
		{name: "v2 bus", p: NewEventBridge(client, "arn:aws:events:eu-west-1:1:event-busv2/x/abc"), dl: Block, want: "not a classic event bus"},
		{name: "EndpointID", p: bus(func(o *EventBridgeOptions) { o.EndpointID = "https://abcde.veo" }), dl: Block, want: "EventBridgeOptions.EndpointID"},
		{name: "MaxEntries above", p: bus(func(o *EventBridgeOptions) { o.MaxEntries = 11 }), dl: Block, want: "EventBridgeOptions.MaxEntries"},
		{name: "MaxEntries below", p: bus(func(o *EventBridgeOptions) { o.MaxEntries = -1 }), dl: Block, want: "EventBridgeOptions.MaxEntries"},
		{name: "MaxCallBytes in KB", p: bus(func(o *EventBridgeOptions) { o.MaxCallBytes = 256 }), dl: Block, want: "EventBridgeOptions.MaxCallBytes"},
		{name: "MaxCallBytes above", p: bus(func(o *EventBridgeOptions) { o.MaxCallBytes = 2 << 20 }), dl: Block, want: "EventBridgeOptions.MaxCallBytes"},
		{name: "limits of nothing", p: &scriptBus{limits: Limits{Entries: 10}}, dl: Block, want: "publisher limits"},
		{name: "Layout", p: good, dl: Block, opt: func(o *Options) { o.Layout = envelope.Layout{PK: "x", SK: "x"} }, want: "Options.Layout"},
		{name: "Concurrency", p: good, dl: Block, opt: func(o *Options) { o.Concurrency = 65 }, want: "Options.Concurrency"},
		{name: "Concurrency below", p: good, dl: Block, opt: func(o *Options) { o.Concurrency = -1 }, want: "Options.Concurrency"},
		{name: "MaxAttempts", p: good, dl: Block, opt: func(o *Options) { o.MaxAttempts = 21 }, want: "Options.MaxAttempts"},
		{name: "Margin", p: good, dl: Block, opt: func(o *Options) { o.Margin = -time.Second }, want: "Options.Margin"},
		{name: "Margin without a unit", p: good, dl: Block, opt: func(o *Options) { o.Margin = 5 }, want: "Options.Margin"},
		{name: "CallTimeout", p: good, dl: Block, opt: func(o *Options) { o.CallTimeout = time.Hour }, want: "Options.CallTimeout"},
		{name: "MaxAge", p: good, dl: Block, opt: func(o *Options) { o.MaxAge = -1 }, want: "Options.MaxAge"},
		{name: "Memory", p: good, dl: Block, opt: func(o *Options) { o.Memory = 1_000_001 }, want: "Options.Memory"},
		{name: "table sink without a client", p: good, dl: NewDynamoDBDeadLetters(nil, "dead"), want: "dynamodb client is nil"},
		{name: "table sink without a table", p: good, dl: NewDynamoDBDeadLetters(dynamodb.New(dynamodb.Options{}), ""), want: "table name is empty"},
		{name: "table sink TTL", p: good, dl: NewDynamoDBDeadLetters(dynamodb.New(dynamodb.Options{}), "dead", func(o *DynamoDBDeadLettersOptions) { o.TTL = 7 }), want: "DynamoDBDeadLettersOptions.TTL"},
		{name: "table sink names", p: good, dl: NewDynamoDBDeadLetters(dynamodb.New(dynamodb.Options{}), "dead", func(o *DynamoDBDeadLettersOptions) { o.PK = "eventId" }), want: `two attributes are named "eventId"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h, err := NewHandler(tt.p, tt.dl, tt.opt)
			require.Nil(t, h)
			require.ErrorContains(t, err, tt.want)
			require.ErrorContains(t, err, "relay: ")
		})
	}
}

func TestNewHandlerNamesEveryFault(t *testing.T) {
	_, err := NewHandler(nil, nil, func(o *Options) { o.Concurrency, o.MaxAttempts = -1, -1 })
	for _, want := range []string{"publisher is nil", "dead-letter sink is nil", "Options.Concurrency", "Options.MaxAttempts"} {
		require.ErrorContains(t, err, want)
	}
}

func TestZeroOptions(t *testing.T) {
	o, err := Options{}.withDefaults()
	require.NoError(t, err)
	require.False(t, o.PartialBatchResponse, "an error is the safe answer")
	require.Equal(t, 1, o.Concurrency)
	require.Equal(t, DefaultMaxAttempts, o.MaxAttempts)
	require.Equal(t, DefaultMargin, o.Margin)
	require.Equal(t, DefaultCallTimeout, o.CallTimeout)
	require.Zero(t, o.MaxAge)
	require.Equal(t, DefaultMemory, o.Memory)
	require.Equal(t, "event", o.Layout.Event)
	require.False(t, o.Logger.Enabled(t.Context(), slog.LevelError), "nil is silent")
	off, err := Options{Memory: -5}.withDefaults()
	require.NoError(t, err)
	require.Nil(t, newMemory(off.Memory))
}

// The zero value of what a Publisher returns must never count as published.
func TestZeroValuesAreUnpublished(t *testing.T) {
	require.False(t, Class(0).done())
	require.False(t, Result{}.Class.done())
	require.False(t, outcome(0).done())
	for _, n := range []int{1, 3} {
		results, whole := reconcile(n, make([]Result, n), nil)
		require.Nil(t, whole)
		require.Len(t, results, n)
		for _, r := range results {
			require.Equal(t, Result{Class: Transient, Code: "NoResult"}, r)
		}
	}
}

func TestClassNames(t *testing.T) {
	require.Equal(t, []string{"Transient", "Accepted", "Deduplicated", "EventFault", "ConfigFault", "Class(9)"},
		[]string{Transient.String(), Accepted.String(), Deduplicated.String(), EventFault.String(), ConfigFault.String(), Class(9).String()})
}
