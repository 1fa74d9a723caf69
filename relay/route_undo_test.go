package relay

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A route says where and as what an event goes, and not which event it is.
func TestWhatARouteMayChange(t *testing.T) {
	var sent []Entry
	bus := &scriptBus{answer: func(_ context.Context, _ int, entries []Entry) ([]Result, error) {
		for _, e := range entries {
			e.Detail = []byte(string(e.Detail)) // it is valid during the call only
			require.WithinDuration(t, time.Now(), e.Time, time.Minute)
			e.Time = time.Time{}
			sent = append(sent, e)
		}
		return accept(entries), nil
	}}
	h := newTestHandler(t, bus, Block, func(o *Options) {
		o.Route = func(e *Entry) error {
			if e.EventID == "event-1" {
				return nil
			}
			*e = Entry{
				EventID: "changed", Group: "changed", Time: e.Time.Add(time.Hour), Detail: []byte("changed"),
				Source: "other", DetailType: "Other", Bus: "elsewhere", TraceHeader: "Root=2", Resources: []string{"arn"},
			}
			return nil
		}
	})
	trace := "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	_, err := h.Invoke(t.Context(), batch(
		testRecord{sequence: 1, aggregate: "a", trace: trace}, testRecord{sequence: 2, aggregate: "b", trace: trace}))
	require.NoError(t, err)
	require.Len(t, sent, 2)
	for i := range sent {
		require.Contains(t, string(sent[i].Detail), `"eventId":"`+eventID(i+1)+`"`)
		sent[i].Detail = nil
	}
	require.Equal(t, []Entry{
		{EventID: "event-1", Group: "a", Source: "userService", DetailType: "User.Created",
			TraceHeader: "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=1"},
		{EventID: "event-2", Group: "b", Source: "other", DetailType: "Other",
			Bus: "elsewhere", TraceHeader: "Root=2", Resources: []string{"arn"}},
	}, sent)
}
