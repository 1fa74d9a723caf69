package relay_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

const otherARN = "arn:aws:events:us-east-1:999999999999:event-bus/theirs"

func TestWireBusCheck(t *testing.T) {
	gone := func(string) (int, string) {
		return 400, fmt.Sprintf(`{"__type":"ResourceNotFoundException","message":"%s"}`, testSecret)
	}
	fault := func(status int, code string) func(string) (int, string) {
		return func(string) (int, string) { return status, fmt.Sprintf(`{"__type":%q}`, code) }
	}
	for _, tt := range []struct {
		name     string
		bus      string
		describe func(string) (int, string)
		skip     bool
		absent   bool
		asked    int // HTTP requests over three invocations
		warnings int
	}{
		{name: "it is there", asked: 1},
		{name: "it is not there", describe: gone, absent: true, asked: 3},
		{name: "not asked for", describe: gone, skip: true},
		{name: "no permission", describe: fault(400, "AccessDeniedException"), asked: 1, warnings: 1},
		{name: "another account's", bus: otherARN, describe: gone, asked: 1, warnings: 1},
		{name: "an engine that cannot", describe: fault(400, "UnknownOperationException"), asked: 1, warnings: 1},
		{name: "an engine that cannot and says nothing", describe: func(string) (int, string) { return http.StatusNotFound, "" }, asked: 1, warnings: 1},
		{name: "throttled: asked again in a minute", describe: fault(400, "ThrottlingException"), asked: 3, warnings: 1},
		{name: "broken: asked again in a minute", describe: fault(500, "InternalException"), asked: 3, warnings: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newWireBus(t)
			b.describe = tt.describe
			bus := tt.bus
			if bus == "" {
				bus = "orders"
			}
			log := &logRecorder{}
			h := newHandler(t, relay.NewEventBridge(b.client(), bus, func(o *relay.EventBridgeOptions) {
				o.SkipBusCheck, o.Logger = tt.skip, log.logger()
			}), relay.Block)
			for i := range 3 {
				_, err := h.Invoke(t.Context(), events(1+10*i, 2))
				if tt.absent {
					require.ErrorIs(t, err, relay.ErrNoSuchBus)
					u := unpublishedIn(t, err)
					require.Equal(t, relay.ConfigFault, u.Class)
					require.Equal(t, "NoSuchBus", u.Code)
					require.ErrorContains(t, errors.Unwrap(u.Err), `"orders"`)
					require.NotContains(t, err.Error(), testSecret)
					continue
				}
				require.NoError(t, err)
			}
			require.Len(t, b.described, tt.asked)
			require.Equal(t, tt.absent, len(b.accepted) == 0)
			require.Equal(t, tt.warnings, log.count("WARN"))
		})
	}
}

// A bus that comes into being is found by the next invocation.
func TestABusThatIsCreatedLater(t *testing.T) {
	b := newWireBus(t)
	there := false
	b.describe = func(name string) (int, string) {
		if there {
			return 200, fmt.Sprintf(`{"Name":%q}`, name)
		}
		return 400, `{"__type":"ResourceNotFoundException"}`
	}
	h := newHandler(t, relay.NewEventBridge(b.client(), "orders"), relay.Block)
	_, err := h.Invoke(t.Context(), events(1, 1))
	require.ErrorIs(t, err, relay.ErrNoSuchBus)
	require.ErrorIs(t, h.Check(t.Context()), relay.ErrNoSuchBus)
	there = true
	require.NoError(t, h.Check(t.Context()))
	_, err = h.Invoke(t.Context(), events(1, 1))
	require.NoError(t, err)
}

func TestCheckWithoutAnAnswer(t *testing.T) {
	h := newHandler(t, &scriptedBus{}, relay.Block)
	require.ErrorIs(t, h.Check(t.Context()), relay.ErrBusUnchecked, "a publisher that cannot look")
	b := newWireBus(t)
	h = newHandler(t, relay.NewEventBridge(putOnly{b.client()}, "orders"), relay.Block)
	require.ErrorIs(t, h.Check(t.Context()), relay.ErrBusUnchecked)
	b.describe = func(string) (int, string) { return 500, fmt.Sprintf(`{"message":%q}`, testSecret) }
	h = newHandler(t, relay.NewEventBridge(b.client(), "orders"), relay.Block)
	err := h.Check(t.Context())
	require.Error(t, err)
	require.NotErrorIs(t, err, relay.ErrBusUnchecked)
	require.NotContains(t, err.Error(), testSecret)
	h = newHandler(t, relay.NewEventBridge(b.client(), "orders", func(o *relay.EventBridgeOptions) { o.EndpointID = "a.veo" }), relay.Block)
	require.ErrorIs(t, h.Check(t.Context()), relay.ErrBusUnchecked)
}

func logTo(log *logRecorder) func(*relay.EventBridgeOptions) {
	return func(o *relay.EventBridgeOptions) { o.Logger = log.logger() }
}

// putOnly hides the other operations of a client.
type putOnly struct{ relay.PutEventsAPIClient }

func TestABusCheckThatPanicsIsAWarning(t *testing.T) {
	log := &logRecorder{}
	client := &refusingClient{describe: func(context.Context, string) error { panic(testSecret) }}
	h := newHandler(t, relay.NewEventBridge(client, "orders", logTo(log)), relay.Block)
	_, err := h.Invoke(t.Context(), events(1, 3))
	require.NoError(t, err)
	require.Len(t, client.accepted, 3)
	require.Equal(t, 1, log.count("WARN"))
	require.NotContains(t, log.String(), testSecret)
}

// An AWS error may quote anything. The look at the bus logs its code alone.
func TestTheLookAtTheBusLogsNoTextOfAWS(t *testing.T) {
	says := func(status int, code string) func(string) (int, string) {
		return func(string) (int, string) { return status, fmt.Sprintf(`{"__type":%q,"message":%q}`, code, testSecret) }
	}
	for _, tt := range []struct {
		name     string
		bus      string
		describe func(string) (int, string)
		want     string // to be found in the log
	}{
		{"no permission", "orders", says(400, "AccessDeniedException"), "AccessDeniedException"},
		{"absent", "orders", says(400, "ResourceNotFoundException"), "does not exist"},
		{"another account's", otherARN, says(400, "ResourceNotFoundException"), "not found in the client's own account"},
		{"a code that nobody knows", "orders", says(400, "BrandNewException"), "BrandNewException"},
		{"throttled", "orders", says(400, "ThrottlingException"), "ThrottlingException"},
		{"broken", "orders", says(500, "InternalException"), "InternalException"},
		{"no code", "orders", func(string) (int, string) { return 500, testSecret }, "HTTP500"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, log := newWireBus(t), &logRecorder{}
			b.describe = tt.describe
			h := newHandler(t, relay.NewEventBridge(b.client(), tt.bus, logTo(log)), relay.Block, func(o *relay.Options) { o.Logger = log.logger() })
			_, err := h.Invoke(t.Context(), events(1, 3))
			require.Contains(t, log.String(), tt.want)
			require.NotContains(t, log.String(), testSecret)
			require.NotContains(t, fmt.Sprint(err, h.Check(t.Context())), testSecret)
		})
	}
	t.Run("a client that says more", func(t *testing.T) {
		log := &logRecorder{}
		client := &refusingClient{describe: func(context.Context, string) error {
			return fmt.Errorf("%s: %w", testSecret, &smithy.GenericAPIError{Code: "SlowDown", Message: testSecret})
		}}
		h := newHandler(t, relay.NewEventBridge(client, "orders", logTo(log)), relay.Block)
		_, err := h.Invoke(t.Context(), events(1, 3))
		require.NoError(t, err)
		require.Contains(t, log.String(), "SlowDown")
		require.NotContains(t, log.String(), testSecret)
	})
}
