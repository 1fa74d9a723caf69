package relay_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

const warns = `"level":"WARN"`

// stamped are n events that carry the region of their writer.
func stamped(region string, first, n int) []testRecord {
	rs := records(first, n)
	for i := range rs {
		rs[i].region = region
	}
	return rs
}

// A slip in Options.Region drops every event. The answer is success, so the log
// has to say it: how many, and what to compare.
func TestABatchThatIsSkippedForItsRegion(t *testing.T) {
	removed := testRecord{sequence: 90}.with(`"INSERT"`, `"REMOVE"`)
	for _, tt := range []struct {
		name    string
		region  string // of the relay
		records []testRecord
		count   string // in the log, "" for no warning
	}{
		{"a slip", "eu-west1", stamped("eu-west-1", 1, 7), `":7`},
		{"a slip, and one event", "eu-west1", stamped("eu-west-1", 1, 1), `":1`},
		{"a slip, beside what is no event", "eu-west1", append(stamped("eu-west-1", 1, 3), removed), `":3`},
		{"a slip, and events that cannot be read", "eu-west1", []testRecord{
			{sequence: 1, region: "eu-west-1", payload: `{"??":1}`}, {sequence: 2, region: "eu-west-1"}}, `":2`},
		{"another region's events alone", "us-east-1", stamped("eu-west-1", 1, 2), `":2`},
		{"some are published", "eu-west-1", append(stamped("eu-west-1", 1, 1), stamped("us-east-1", 2, 9)...), ""},
		{"nothing to publish", "eu-west-1", []testRecord{removed}, ""},
		{"nothing at all", "eu-west-1", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log, bus := &logRecorder{}, &scriptedBus{}
			h := newHandler(t, bus, relay.Block, func(o *relay.Options) { o.Region, o.Logger = tt.region, log.logger() })
			for i := 1; i <= 2; i++ {
				invoke(t, h, batch(tt.records...))
				if tt.count == "" {
					require.Empty(t, logged(log, warns))
					continue
				}
				require.Empty(t, bus.accepted)
				lines := logged(log, warns, tt.region, "eu-west-1", tt.count)
				require.Len(t, lines, i, "each such batch is a warning, with the count and both regions: %s", log)
			}
		})
	}
}

// A Region that is not the stream's own is legitimate when a relay takes over
// for a region that is down. So it is said once, and the events are published.
func TestARegionThatIsNotTheStreamsOwn(t *testing.T) {
	t.Run("it takes over", func(t *testing.T) {
		log, bus := &logRecorder{}, &scriptedBus{}
		h := newHandler(t, bus, relay.Block, func(o *relay.Options) { o.Region, o.Logger = "us-east-1", log.logger() })
		for i := range 4 {
			invoke(t, h, batch(append(stamped("us-east-1", 10*i+1, 2), stamped("eu-west-1", 10*i+3, 2)...)...))
		}
		require.Len(t, bus.accepted, 8)
		require.Len(t, logged(log, "us-east-1", "eu-west-1"), 1, "once, with both regions: %s", log)
	})
	t.Run("several invocations at once", func(t *testing.T) {
		log := &logRecorder{}
		h := newHandler(t, &scriptedBus{}, relay.Block, func(o *relay.Options) { o.Region, o.Logger = "us-east-1", log.logger() })
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				if _, err := h.Invoke(t.Context(), batch(stamped("us-east-1", 10*i+1, 2)...)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Len(t, logged(log, "us-east-1", "eu-west-1"), 1)
	})
	for name, tt := range map[string]struct{ region, arn string }{
		"its own region":          {"eu-west-1", testARN},
		"no region asked for":     {"", testARN},
		"a stream without an ARN": {"us-east-1", ""},
		"a text that is no ARN":   {"us-east-1", "arn"},
	} {
		t.Run(name, func(t *testing.T) {
			log, bus := &logRecorder{}, &scriptedBus{}
			h := newHandler(t, bus, relay.Block, func(o *relay.Options) { o.Region, o.Logger = tt.region, log.logger() })
			invoke(t, h, batch(testRecord{sequence: 1, region: tt.region}.with(testARN, tt.arn)))
			require.Len(t, bus.accepted, 1)
			require.Empty(t, logged(log), log.String())
		})
	}
}

// A Marker that the writer does not write drops every event. The log counts the
// items that were skipped, and names as a suspect one that looks like an event.
func TestABatchThatIsSkippedForWantOfAMarker(t *testing.T) {
	others := under("order", records(1, 2)...)
	changed := testRecord{sequence: 90}.with(`"INSERT"`, `"MODIFY"`)
	noEventID := testRecord{sequence: 50}.with(`"eventId":{"S":"event-50"}`, `"x":{"S":"event-50"}`)
	for _, tt := range []struct {
		name    string
		records []testRecord
		count   string // in the log, "" for no warning
		suspect string // event id in the log, "" for none
	}{
		{"every item is an event", records(1, 7), `":7`, "event-1"},
		{"one event", records(1, 1), `":1`, "event-1"},
		{"one event, among others", append(others, records(3, 1)...), `":3`, "event-3"},
		{"no event", others, `":2`, ""},
		{"an event without an id", []testRecord{noEventID}, `":1`, ""},
		{"beside what is not new", []testRecord{changed, {sequence: 3}}, `":1`, "event-3"},
		{"one has the marker", append(records(1, 7), testRecord{sequence: 40}.marked()), "", ""},
		{"nothing is new", []testRecord{changed}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log, bus, sink := &logRecorder{}, &scriptedBus{}, &recordingSink{}
			h := newHandler(t, bus, sink, func(o *relay.Options) { o.Layout.Marker, o.Logger = "kind", log.logger() })
			invoke(t, h, batch(tt.records...))
			require.Empty(t, sink.ids())
			require.NotContains(t, log.String(), testSecret)
			if tt.count == "" {
				require.Empty(t, logged(log, warns))
				return
			}
			require.Empty(t, bus.accepted)
			lines := logged(log, warns, `"kind"`, tt.count, tt.suspect)
			require.Len(t, lines, 1, "a warning with the count, the marker and a suspect: %s", log)
			if tt.suspect == "" {
				require.NotContains(t, lines[0], "event-")
			}
		})
	}
}

// With PartialBatchResponse nothing but the mapping's ReportBatchItemFailures
// keeps failures from being lost, and the relay cannot see that setting. It says
// once what it needs.
func TestPartialAnswersNeedAMappingThatAsksForThem(t *testing.T) {
	const info, setting = `"level":"INFO"`, "ReportBatchItemFailures"
	t.Run("once for each handler", func(t *testing.T) {
		log := &logRecorder{}
		for n := 1; n <= 3; n++ {
			h := newHandler(t, &scriptedBus{answer: first(1, refuseAll(held), acceptAll)}, relay.Block, partial, func(o *relay.Options) { o.Logger = log.logger() })
			require.Len(t, logged(log, setting), n-1, "nothing is said before the first invocation")
			for i := range 4 {
				invoke(t, h, events(10*i+1, 2))
				require.Len(t, logged(log, info, setting), n, log.String())
			}
		}
	})
	t.Run("several invocations at once", func(t *testing.T) {
		log := &logRecorder{}
		h := newHandler(t, &scriptedBus{}, relay.Block, partial, func(o *relay.Options) { o.Logger = log.logger() })
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				if _, err := h.Invoke(t.Context(), events(10*i+1, 2)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Len(t, logged(log, info, setting), 1)
	})
	t.Run("not with error answers", func(t *testing.T) {
		log := &logRecorder{}
		h := newHandler(t, &scriptedBus{answer: refuseAll(held)}, relay.Block, func(o *relay.Options) { o.Logger = log.logger() })
		_, err := h.Invoke(t.Context(), events(1, 2))
		require.Error(t, err)
		require.Empty(t, logged(log, setting))
	})
}
