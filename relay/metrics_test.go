package relay_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

func TestMetricsCountEachRecordOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus := &scriptedBus{answer: func(_ context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
			out := accept(entries)
			for i, e := range entries {
				switch {
				case e.EventID == "event-2":
					out[i].Class = relay.Deduplicated
				case e.EventID == "event-3":
					out[i] = invalid
				case e.EventID == "event-4" && call == 0:
					out[i] = unlucky
				case e.EventID == "event-5":
					out[i] = relay.Result{Class: relay.ConfigFault, Code: "AccessDeniedException"}
				}
			}
			return out, nil
		}}
		var got []relay.Metrics
		h := newHandler(t, bus, &recordingSink{}, partial, func(o *relay.Options) {
			o.Region = "eu-west-1"
			o.Metrics = func(_ context.Context, m relay.Metrics) { got = append(got, m) }
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		payload := batch(
			testRecord{sequence: 1, age: 10 * time.Second},
			testRecord{sequence: 2, age: time.Hour},
			testRecord{sequence: 3, age: 2 * time.Second},
			testRecord{sequence: 90, region: "us-east-1", age: 48 * time.Hour},
			testRecord{sequence: 91, payload: `{"?":1}`, age: 5 * time.Second},
			testRecord{sequence: 4, age: 5 * time.Second},
			testRecord{sequence: 5, age: 5 * time.Second},
			testRecord{sequence: 6, age: 5 * time.Second},
		)
		out, err := h.Invoke(ctx, payload)
		require.NoError(t, err)
		require.Equal(t, "5", failure(out))
		require.Len(t, got, 1)
		m := got[0]
		require.Less(t, m.Duration, 100*time.Millisecond)
		require.Equal(t, time.Minute-m.Duration, m.Remaining)
		require.Positive(t, m.Bytes)
		m.Duration, m.Remaining, m.Bytes = 0, 0, 0
		require.Equal(t, relay.Metrics{
			Records: 8, Published: 4, Deduplicated: 1, DeadLettered: 2, Failed: 1, SkippedRegion: 1,
			Retried: 1, Calls: 2, ConfigFaults: 1, Oldest: time.Hour, Newest: 2 * time.Second,
		}, m, "event-4 is sent again: it stands before the one that failed")
	})
}

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

		var m relay.Metrics
		h := newHandler(t, &scriptedBus{size: func(relay.Entry) int { return 100 }}, relay.Block, func(o *relay.Options) {
			o.Layout.Marker, o.Region = "kind", "eu-west-1"
		}, keep(&m))
		invoke(t, h, batch(records...))
		require.Equal(t, relay.Metrics{
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
		answer answer
		opt    func(*relay.Options)
		want   relay.Metrics
	}{
		{name: "all is well", events: 12, want: relay.Metrics{Published: 12, Calls: 2, Bytes: 12*100 + 78}},
		{
			name: "a call fails, is repeated, and one event is held", events: 12,
			answer: first(1, fail(broken), refuse(held, "event-12")),
			want: relay.Metrics{
				Published: 11, Failed: 1, ConfigFaults: 1, Retried: 10, Calls: 3, FailedCalls: 1,
				Bytes: 2*(10*100+55) + 2*100 + 23, Error: true,
			},
		},
		{
			name: "the same, with partial answers", events: 1, opt: partial,
			answer: refuse(held, "event-1"),
			want:   relay.Metrics{Failed: 1, ConfigFaults: 1, Calls: 1, Bytes: 101},
		},
		{
			name: "every call fails", events: 2,
			answer: fail(broken),
			want:   relay.Metrics{Failed: 2, Retried: 2, Calls: 2, FailedCalls: 2, Bytes: 2 * 203, Error: true},
		},
		{
			name: "an answer of nothing is no call that failed", events: 1, opt: func(o *relay.Options) { o.MaxAttempts = 1 },
			answer: fail(nil),
			want:   relay.Metrics{Failed: 1, Calls: 1, Bytes: 101, Error: true},
		},
	} {
		bubble(t, tt.name, func(t *testing.T) {
			var got []relay.Metrics
			bus := &scriptedBus{answer: tt.answer, size: func(e relay.Entry) int { return 100 + sequenceOf(e.EventID) }}
			h := newHandler(t, bus, relay.Block, tt.opt, func(o *relay.Options) {
				o.Metrics = func(_ context.Context, m relay.Metrics) { got = append(got, m) }
			})
			_, err := h.Invoke(t.Context(), events(1, tt.events))
			require.Len(t, got, 1)
			m := got[0]
			require.Equal(t, err != nil, m.Error)
			m.Duration, m.Oldest, m.Newest = 0, 0, 0
			tt.want.Records = tt.events
			require.Equal(t, tt.want, m)
		})
	}
}

// A clock that is behind the stream's makes no age negative.
func TestMetricsOfTheFuture(t *testing.T) {
	var got relay.Metrics
	h := newHandler(t, &scriptedBus{}, relay.Block, keep(&got))
	invoke(t, h, batch(testRecord{sequence: 1, age: -time.Hour}))
	require.Equal(t, 1, got.Published)
	require.Positive(t, got.Oldest)
	require.Less(t, got.Oldest, time.Second)
	require.Equal(t, got.Oldest, got.Newest)
}
