package relay_test

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// What the answers of AWS to a look at the bus mean. They may quote anything, so
// the log has their code alone.
func TestWireBusCheck(t *testing.T) {
	fault := func(status int, code string) func(string) (int, string) {
		return func(string) (int, string) { return status, fmt.Sprintf(`{"__type":%q,"message":%q}`, code, testSecret) }
	}
	gone := fault(400, "ResourceNotFoundException")
	for _, tt := range []struct {
		name     string
		bus      string // "" for orders
		describe func(string) (int, string)
		skip     bool
		absent   bool
		asked    int    // HTTP requests over three invocations
		warns    string // to be found in the one warning
	}{
		{name: "it is there", asked: 1},
		{name: "it is not there", describe: gone, absent: true, asked: 6},
		{name: "not asked for", describe: gone, skip: true},
		{name: "no permission", describe: fault(400, "AccessDeniedException"), asked: 1, warns: "AccessDeniedException"},
		{name: "another account's", bus: "arn:aws:events:us-east-1:999999999999:event-bus/theirs", describe: gone, asked: 1,
			warns: "not found in the client's own account"},
		{name: "an engine that cannot", describe: fault(400, "UnknownOperationException"), asked: 1, warns: "UnknownOperationException"},
		{name: "an engine that cannot and says nothing", describe: func(string) (int, string) { return http.StatusNotFound, "" }, asked: 1, warns: "HTTP404"},
		{name: "a code that nobody knows", describe: fault(400, "BrandNewException"), asked: 1, warns: "BrandNewException"},
		{name: "throttled", describe: fault(400, "ThrottlingException"), asked: 3, warns: "ThrottlingException"},
		{name: "broken", describe: fault(500, "InternalException"), asked: 3, warns: "InternalException"},
		{name: "no code", describe: func(string) (int, string) { return 500, testSecret }, asked: 3, warns: "HTTP500"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, log := newWireBus(t), &logRecorder{}
			b.describe = tt.describe
			h := newHandler(t, relay.NewEventBridge(b.client(), cmp.Or(tt.bus, "orders"), logTo(log), func(o *relay.EventBridgeOptions) {
				o.SkipBusCheck = tt.skip
			}), relay.Block, func(o *relay.Options) { o.Logger = log.logger() })
			for i := range 3 {
				_, err := h.Invoke(t.Context(), events(1+10*i, 2))
				if tt.absent {
					require.ErrorIs(t, err, relay.ErrNoSuchBus)
					u := unpublishedIn(t, err)
					require.Equal(t, relay.ConfigFault, u.Class)
					require.Equal(t, "NoSuchBus", u.Code)
					require.ErrorContains(t, errors.Unwrap(u.Err), `"orders"`)
					require.NotContains(t, fmt.Sprint(err, h.Check(t.Context())), testSecret)
					continue
				}
				require.NoError(t, err)
			}
			require.Len(t, b.described, tt.asked)
			require.Equal(t, tt.absent, len(b.accepted) == 0)
			warnings := logged(log, warns)
			require.Len(t, warnings, min(len(tt.warns), 1), log)
			require.Len(t, logged(log, warns, tt.warns), len(warnings), log)
			require.NotContains(t, log.String(), testSecret)
		})
	}
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

// putOnly hides the other operations of a client.
type putOnly struct{ relay.PutEventsAPIClient }
