package relay

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// Each reason to skip a record has its own counter, and what is skipped has no
// age.
func TestMetricsOfEachSkipReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var records []testRecord
		add := func(n int, region string, age time.Duration, replace ...string) {
			for range n {
				r := testRecord{sequence: len(records) + 1, region: region, age: age}
				r.raw = strings.NewReplacer(replace...).Replace(r.template())
				records = append(records, r)
			}
		}
		const insert = `"eventName":"INSERT"`
		marked := []string{`"NewImage":{`, `"NewImage":{"kind":{"S":"` + envelope.MarkerValue + `"},`}
		const old = time.Hour
		add(1, "", old, insert, `"eventName":"MODIFY"`)
		add(2, "", old, insert, `"eventName":"REMOVE"`)
		add(3, "", old, insert, `"eventName":"REMOVE","userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"}`)
		add(4, "us-east-1", old, marked...)
		add(5, "", old) // no marker
		add(6, "eu-west-1", 10*time.Second, marked...)

		var m Metrics
		h := newTestHandler(t, &scriptBus{size: func(Entry) int { return 100 }}, Block, func(o *Options) {
			o.Layout.Marker, o.Region = "kind", "eu-west-1"
			o.Metrics = func(_ context.Context, got Metrics) { m = got }
		})
		_, err := h.Invoke(t.Context(), batch(records...))
		require.NoError(t, err)
		require.Equal(t, Metrics{
			Records: 21, Published: 6, Calls: 1, Bytes: 600,
			SkippedModify: 1, SkippedRemove: 2, SkippedService: 3, SkippedRegion: 4, SkippedNotEvent: 5,
			Oldest: 10 * time.Second, Newest: 10 * time.Second,
		}, m)
	})
}

func TestMetricsOfCalls(t *testing.T) {
	for _, tt := range []struct {
		name   string
		events int
		answer func(context.Context, int, []Entry) ([]Result, error)
		opt    func(*Options)
		want   Metrics
	}{
		{name: "all is well", events: 12, want: Metrics{Published: 12, Calls: 2, Bytes: 12*100 + 78}},
		{
			name: "a call fails, is repeated, and one event is held", events: 12,
			answer: func(ctx context.Context, call int, entries []Entry) ([]Result, error) {
				if call == 0 {
					return nil, &CallError{Class: Transient, Code: "HTTP500"}
				}
				return refuse(Result{Class: ConfigFault, Code: "no"}, "event-12")(ctx, call, entries)
			},
			want: Metrics{
				Published: 11, Failed: 1, ConfigFaults: 1, Retried: 10, Calls: 3, FailedCalls: 1,
				Bytes: 2*(10*100+55) + 2*100 + 23, Error: true,
			},
		},
		{
			name: "the same, with partial answers", events: 1, opt: partial,
			answer: refuse(Result{Class: ConfigFault, Code: "no"}, "event-1"),
			want:   Metrics{Failed: 1, ConfigFaults: 1, Calls: 1, Bytes: 101},
		},
		{
			name: "every call fails", events: 2,
			answer: func(context.Context, int, []Entry) ([]Result, error) {
				return nil, &CallError{Class: Transient, Code: "HTTP500"}
			},
			want: Metrics{Failed: 2, Retried: 2, Calls: 2, FailedCalls: 2, Bytes: 2 * 203, Error: true},
		},
		{
			name: "an answer of nothing is no call that failed", events: 1, opt: func(o *Options) { o.MaxAttempts = 1 },
			answer: func(context.Context, int, []Entry) ([]Result, error) { return nil, nil },
			want:   Metrics{Failed: 1, Calls: 1, Bytes: 101, Error: true},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var got []Metrics
				bus := &scriptBus{answer: tt.answer, size: func(e Entry) int { return 100 + sequenceOf(e.EventID) }}
				h := newTestHandler(t, bus, Block, tt.opt, func(o *Options) {
					o.Metrics = func(_ context.Context, m Metrics) { got = append(got, m) }
				})
				_, err := h.Invoke(t.Context(), events(1, tt.events))
				require.Len(t, got, 1)
				m := got[0]
				require.Equal(t, err != nil, m.Error)
				m.Duration, m.Oldest, m.Newest = 0, 0, 0
				tt.want.Records = tt.events
				require.Equal(t, tt.want, m)
			})
		})
	}
}

// A call that is split counts each of its parts.
func TestMetricsOfASplit(t *testing.T) {
	bus := &scriptBus{answer: func(_ context.Context, _ int, entries []Entry) ([]Result, error) {
		for _, e := range entries {
			if e.EventID == "event-3" {
				return nil, &CallError{Class: EventFault, Code: "ValidationException"}
			}
		}
		return accept(entries), nil
	}}
	var m Metrics
	sink := &graveyard{}
	h := newTestHandler(t, bus, sink, func(o *Options) { o.Metrics = func(_ context.Context, got Metrics) { m = got } })
	_, err := h.Invoke(t.Context(), events(1, 4))
	require.NoError(t, err)
	requireDead(t, sink, "ValidationException", "event-3")
	require.Len(t, bus.calls, 5, "four, two, two, one, one")
	require.Equal(t, 5, m.Calls)
	require.Equal(t, 3, m.FailedCalls)
	require.Equal(t, 3, m.Published)
	require.Equal(t, 1, m.DeadLettered)
	require.False(t, m.Error)
}

// sequenceOf is the number in an event id of eventID.
func sequenceOf(id string) int {
	n := 0
	for _, c := range strings.TrimPrefix(id, "event-") {
		n = 10*n + int(c-'0')
	}
	return n
}
