package relay

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
)

// An event that the bus refuses is done when the sink has it: it is neither sent
// nor put again when its batch comes again for another's sake.
func TestADeadLetterOfTheBusIsRemembered(t *testing.T) {
	bus := &scriptBus{answer: func(_ context.Context, call int, entries []Entry) ([]Result, error) {
		out := accept(entries)
		for i, e := range entries {
			switch {
			case e.EventID == "event-2":
				out[i] = Result{Class: EventFault, Code: "MalformedDetail"}
			case e.EventID == "event-3" && call == 0:
				out[i] = Result{Class: ConfigFault, Code: "no"}
			}
		}
		return out, nil
	}}
	sink := &graveyard{}
	var m Metrics
	h := newTestHandler(t, bus, sink, func(o *Options) { o.Metrics = func(_ context.Context, got Metrics) { m = got } })
	_, err := h.Invoke(t.Context(), events(1, 3))
	require.Equal(t, "event-3", unpublishedIn(t, err).EventID)
	requireDead(t, sink, "MalformedDetail", "event-2")
	_, err = h.Invoke(t.Context(), events(1, 3))
	require.NoError(t, err)
	require.Equal(t, [][]string{{"event-1", "event-2", "event-3"}, {"event-3"}}, bus.calls)
	requireDead(t, sink, "MalformedDetail", "event-2") // put once
	require.Equal(t, 2, m.Suppressed)
	require.Zero(t, m.DeadLettered)
}

// Options.Memory is the number of records that are kept, the latest ones.
func TestMemoryIsAsLargeAsItsOption(t *testing.T) {
	bus := &scriptBus{}
	h := newTestHandler(t, bus, Block, func(o *Options) { o.Memory = 10 })
	_, err := h.Invoke(t.Context(), events(1, 31))
	require.NoError(t, err)
	require.Len(t, bus.accepted, 31)
	_, err = h.Invoke(t.Context(), events(22, 10))
	require.NoError(t, err)
	require.Len(t, bus.accepted, 31, "the latest 10 are there")
	_, err = h.Invoke(t.Context(), events(1, 10))
	require.NoError(t, err)
	require.Len(t, bus.accepted, 41, "the oldest are not")
}

// What went to a bus that the route names is remembered for that bus, and for no
// other.
func TestRoutedEventsAreRememberedByTheirBus(t *testing.T) {
	to := map[string]string{"event-1": "a", "event-2": "b"} // event-3 goes to the publisher's own
	failing := true
	sent := map[string][]string{}
	bus := &scriptBus{answer: func(ctx context.Context, call int, entries []Entry) ([]Result, error) {
		for _, e := range entries {
			sent[e.EventID] = append(sent[e.EventID], e.Bus)
		}
		if failing {
			return refuse(Result{Class: ConfigFault, Code: "no"}, "event-3")(ctx, call, entries)
		}
		return accept(entries), nil
	}}
	h := newTestHandler(t, bus, Block, func(o *Options) {
		o.Route = func(e *Entry) error { e.Bus = to[e.EventID]; return nil }
	})
	_, err := h.Invoke(t.Context(), events(1, 3))
	require.Equal(t, "event-3", unpublishedIn(t, err).EventID)
	failing = false
	_, err = h.Invoke(t.Context(), events(1, 3))
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"event-1": {"a"}, "event-2": {"b"}, "event-3": {"", ""}}, sent)

	to["event-1"] = "b" // it has not been there
	for range 2 {
		_, err = h.Invoke(t.Context(), events(1, 3))
		require.NoError(t, err)
		require.Equal(t, map[string][]string{"event-1": {"a", "b"}, "event-2": {"b"}, "event-3": {"", ""}}, sent)
	}
}
