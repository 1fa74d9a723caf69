package relay_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// oddError is an error that cannot be looked at while it is nil.
type oddError struct{ code string }

func (e *oddError) Error() string { return e.code }

func (e *oddError) ErrorCode() string { return e.code }

// oddLog is a log that panics.
type oddLog struct{}

func (oddLog) Enabled(context.Context, slog.Level) bool { return true }

func (oddLog) Handle(context.Context, slog.Record) error { panic("the log") }

func (o oddLog) WithAttrs([]slog.Attr) slog.Handler { return o }

func (o oddLog) WithGroup(string) slog.Handler { return o }

// Whatever the code of others does, Invoke answers.
func TestNothingOfOthersEndsTheProcess(t *testing.T) {
	var odd *oddError
	unreadable := batch(testRecord{sequence: 1}, testRecord{sequence: 2, payload: `{"??":1}`})
	for _, tt := range []struct {
		name    string
		bus     relay.Publisher
		sink    relay.DeadLetterSink
		payload []byte
		opt     func(*relay.Options)
		failed  string
	}{
		{name: "a publisher's odd error", bus: &scriptedBus{answer: fail(odd)},
			sink: relay.Block, payload: events(1, 30), failed: "1"},
		{name: "a sink's", bus: &scriptedBus{}, sink: refusing(odd), payload: unreadable, failed: "2"},
		{name: "a bus check's", bus: relay.NewEventBridge(&refusingClient{describe: func(context.Context, string) error { return odd }}, "orders"), sink: relay.Block, payload: events(1, 30)},
		{name: "a route's", bus: &scriptedBus{}, sink: relay.Block, payload: events(1, 30), failed: "1",
			opt: func(o *relay.Options) { o.Route = func(*relay.Entry) error { return odd } }},
		{name: "a log that panics", bus: &scriptedBus{answer: refuse(malformed, "event-2")},
			sink: &recordingSink{}, payload: events(1, 30), opt: func(o *relay.Options) { o.Logger = slog.New(oddLog{}) }},
		{name: "a log that panics about a panic", bus: &scriptedBus{answer: panics("the bus")},
			sink: relay.Block, payload: events(1, 30), failed: "1", opt: func(o *relay.Options) { o.Logger = slog.New(oddLog{}) }},
	} {
		for _, n := range []int{1, 4} {
			bubble(t, tt.name, func(t *testing.T) {
				h := newHandler(t, tt.bus, tt.sink, partial, tt.opt, func(o *relay.Options) { o.Concurrency = n })
				require.Equal(t, tt.failed, invoke(t, h, tt.payload))
			})
		}
	}
}
