package relay

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInvokePublishesInOrder(t *testing.T) {
	bus := &scriptBus{}
	var m Metrics
	h := newTestHandler(t, bus, Block, func(o *Options) { o.Metrics = func(_ context.Context, got Metrics) { m = got } })
	out, err := h.Invoke(t.Context(), events(1, 25))
	require.NoError(t, err)
	require.JSONEq(t, `{"batchItemFailures":[]}`, string(out))
	require.Len(t, bus.calls, 3)
	for i, id := range bus.accepted {
		require.Equal(t, eventID(i+1), id)
	}
	require.Len(t, bus.accepted, 25)
	require.Equal(t, 25, m.Published)
	require.Equal(t, 3, m.Calls)
	require.JSONEq(t, `{"headers":{"eventId":"event-1","eventName":"User.Created","source":"userService","timestamp":0},"payload":{"secret":"`+testSecret+`"}}`,
		withoutTime(bus.details["event-1"]))
}
