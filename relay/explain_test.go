package relay

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExplain(t *testing.T) {
	bus := NewEventBridge(nil, "b", func(o *EventBridgeOptions) { o.MaxCallBytes = maxCallBytes })
	good := Entry{Source: "s", DetailType: "d", Detail: []byte(`{"headers":{},"payload":{"n":[1,-1.5e300,9223372036854775807,-9223372036854775808]}}`)}
	require.Empty(t, bus.explain(good))
	for _, tt := range []struct {
		name string
		with func(*Entry)
		want string
	}{
		{"no detail-type", func(e *Entry) { e.DetailType = "" }, "detail-type is empty"},
		{"128 characters", func(e *Entry) { e.DetailType = strings.Repeat("ö", 128) }, ""},
		{"129 characters", func(e *Entry) { e.DetailType = strings.Repeat("d", 129) }, "129 characters"},
		{"no source", func(e *Entry) { e.Source = "" }, "source is empty"},
		{"AWS's own source", func(e *Entry) { e.Source = "aws.events" }, "aws."},
		{"too large", func(e *Entry) { e.Detail = []byte(`{"a":"` + strings.Repeat("x", 1_000_000) + `"}`) }, "bytes"},
		{"an integer above", func(e *Entry) { e.Detail = []byte(`{"a":9223372036854775808}`) }, "64 bits"},
		{"an integer below", func(e *Entry) { e.Detail = []byte(`{"a":[-9223372036854775809]}`) }, "64 bits"},
		{"1000 levels", func(e *Entry) {
			e.Detail = []byte(`{"a":` + strings.Repeat("[", 999) + strings.Repeat("]", 999) + `}`)
		}, ""},
		{"1001 levels", func(e *Entry) {
			e.Detail = []byte(`{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`)
		}, "1000 levels"},
		{"what is no JSON is not the event's fault", func(e *Entry) { e.Detail = []byte(`{"a":`) }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := good
			tt.with(&e)
			got := bus.explain(e)
			if tt.want == "" {
				require.Empty(t, got)
				return
			}
			require.Contains(t, got, tt.want)
		})
	}
}

// An event whose refusal its own data explain goes to the dead letters at once,
// also alone and in a new process; one that the route made so does not.
func TestAnExplainedRefusal(t *testing.T) {
	long := strings.Repeat("x", 129)
	refuseLong := func(_ int, r wireRequest) wireAnswer {
		a := wireAnswer{codes: map[int]string{}}
		for i, e := range r.Entries {
			if len(e.DetailType) > 128 {
				a.codes[i] = "InvalidArgument"
			}
		}
		return a
	}
	for _, n := range []int{1, 2} {
		b := newWireBus(t)
		b.answer = refuseLong
		sink := &graveyard{}
		h := newTestHandler(t, NewEventBridge(b.client(), "orders"), sink)
		rs := make([]testRecord, n)
		for i := range rs {
			rs[i] = testRecord{sequence: i + 1, name: long}
		}
		_, err := h.Invoke(t.Context(), batch(rs...))
		require.NoError(t, err)
		require.Len(t, sink.dead, n)
		require.Equal(t, "InvalidArgument", sink.dead[0].Code)
	}
	b := newWireBus(t)
	b.answer = refuseLong
	sink := &graveyard{}
	h := newTestHandler(t, NewEventBridge(b.client(), "orders"), sink, func(o *Options) {
		o.Route = func(e *Entry) error { e.DetailType = long; return nil }
	})
	for range 3 {
		_, err := h.Invoke(t.Context(), events(1, 1))
		require.Equal(t, ConfigFault, unpublishedIn(t, err).Class)
	}
	require.Empty(t, sink.dead, "a bad deploy drains nothing")
}
