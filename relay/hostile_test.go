package relay_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// Each hostile record stands between two good ones. It becomes what its row
// says, and its neighbours are published, except behind one that is reported.
func TestHostileRecords(t *testing.T) {
	rows := hostileRows()
	require.GreaterOrEqual(t, len(rows), 60)
	for _, tt := range rows {
		t.Run(tt.name, func(t *testing.T) {
			for i := 0; i < len(tt.replace); i += 2 {
				require.Contains(t, tt.before(i), tt.replace[i], "the row replaces nothing")
			}
			record := stamp(tt.before(len(tt.replace)), time.Now())
			neighbour := func(sequence int) testRecord {
				r := testRecord{sequence: sequence}
				if strings.Contains(tt.name, "mark") {
					return r.marked()
				}
				return r
			}
			in := batch(neighbour(1), testRecord{raw: record}, neighbour(3))
			for _, sink := range []relay.DeadLetterSink{&recordingSink{}, relay.Block} {
				bus := &scriptedBus{size: func(e relay.Entry) int { return relay.NewEventBridge(nil, "b").Size(e) }}
				var m relay.Metrics
				h := newHandler(t, bus, sink, partial, tt.opt, keep(&m))
				out, err := h.Invoke(t.Context(), in)
				held := tt.want == reported || sink == relay.Block && tt.want != publish && tt.want != skip
				switch {
				case held && err != nil:
					unpublishedIn(t, err) // the record has no number by which to report it
				case held:
					require.NoError(t, err)
					require.Equal(t, "2", failure(out))
				default:
					require.NoError(t, err)
					require.Empty(t, failure(out))
				}
				require.Equal(t, 3, m.Records)
				require.Equal(t, 3, m.Published+m.DeadLettered+m.Failed+skippedIn(m), "each record is counted once")
				require.Contains(t, bus.accepted, "event-1")
				require.True(t, held || slices.Contains(bus.accepted, "event-3"))
				require.Equal(t, tt.want == publish, slices.Contains(bus.accepted, "event-2"))
				for _, detail := range bus.details {
					require.True(t, json.Valid([]byte(detail)), "what is published is JSON")
				}
				if tt.detail != "" {
					require.JSONEq(t, tt.detail, withoutTime(bus.details["event-2"]))
				}
				g, ok := sink.(*recordingSink)
				if !ok || held || tt.want == publish || tt.want == skip {
					continue
				}
				require.Len(t, g.dead, 1)
				require.Equal(t, record, string(g.dead[0].Record), "with its raw bytes")
				require.NotEmpty(t, g.dead[0].Code)
				require.Equal(t, tt.want, g.dead[0].Code)
				require.NotContains(t, g.dead[0].Code, testSecret)
			}
		})
	}
}

func skippedIn(m relay.Metrics) int {
	return m.SkippedModify + m.SkippedRemove + m.SkippedService + m.SkippedNotEvent + m.SkippedRegion
}

// A batch whose framing is broken is an error as a whole, and nothing of it is
// published or dead-lettered.
func TestHostileBatches(t *testing.T) {
	good := string(events(1, 3))
	for _, tt := range []struct{ name, payload string }{
		{"nothing", ""},
		{"not JSON", "hello"},
		{"a number", "7"},
		{"null", "null"},
		{"an array", "[]"},
		{"no Records", "{}"},
		{"null Records", `{"Records":null}`},
		{"Records not an array", `{"Records":{}}`},
		{"cut off", good[:len(good)-1]},
		{"cut off in a record", good[:len(good)/2]},
		{"a record that does not end", `{"Records":[{"eventName":"INSERT"]}`},
		{"a string that does not end", `{"Records":[{"eventName":"INSERT}]}`},
		{"no comma between records", `{"Records":[{} {}]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, answers := range []func(*relay.Options){nil, partial} {
				bus, sink := &scriptedBus{}, &recordingSink{}
				reported := 0
				h := newHandler(t, bus, sink, answers, func(o *relay.Options) {
					o.Metrics = func(_ context.Context, m relay.Metrics) { reported++; require.True(t, m.Error) }
				})
				out, err := h.Invoke(t.Context(), []byte(tt.payload))
				require.ErrorContains(t, err, "relay: ")
				require.Nil(t, out)
				require.Empty(t, bus.calls)
				require.Empty(t, sink.dead)
				require.Equal(t, 1, reported)
			}
		})
	}
}

// Whatever bytes come, nothing panics, each record is counted once, what is
// published is JSON, and success is said only when everything is done.
func FuzzInvoke(f *testing.F) {
	f.Add([]byte(`{"Records":[]}`), uint8(0))
	f.Add(events(1, 3), uint8(1))
	for _, row := range hostileRows() {
		if record := row.before(len(row.replace)); len(record) < 10_000 {
			f.Add(batch(testRecord{sequence: 1}, testRecord{raw: record}, testRecord{sequence: 3}), uint8(len(record)))
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte, faults uint8) {
		before := string(payload)
		bus := &scriptedBus{answer: func(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
			out := accept(entries)
			for i, e := range entries {
				if !json.Valid(e.Detail) {
					t.Errorf("published what is no JSON: %q", e.Detail)
				}
				if e.EventID == "" || e.Source == "" || e.DetailType == "" || e.Time.IsZero() {
					t.Errorf("incomplete entry %+v", e)
				}
				if faults>>(i%8)&1 == 1 {
					out[i] = relay.Result{Class: relay.Class(1 + i%4), Code: "Code"}
				}
			}
			return out, nil
		}}
		sink := &recordingSink{}
		var m relay.Metrics
		h := newHandler(t, bus, sink, partial, keep(&m), func(o *relay.Options) { o.MaxAttempts = 1 })
		out, err := h.Invoke(t.Context(), payload)
		if string(payload) != before {
			t.Error("the payload was changed")
		}
		if sum := m.Published + m.Suppressed + m.DeadLettered + m.Failed + skippedIn(m); sum != m.Records {
			t.Errorf("%d of %d records counted: %+v", sum, m.Records, m)
		}
		if len(sink.dead) != m.DeadLettered || len(bus.accepted) != m.Published {
			t.Errorf("%d dead letters and %d accepted: %+v", len(sink.dead), len(bus.accepted), m)
		}
		switch {
		case err != nil && m.Records > 0 && m.Failed == 0:
			t.Errorf("an error without a failure: %v", err)
		case err == nil && !json.Valid(out):
			t.Errorf("answer %q", out)
		case err == nil && (failure(out) == "" && !strings.Contains(string(out), "itemIdentifier")) != (m.Failed == 0):
			t.Errorf("%d failed and the answer is %s", m.Failed, out)
		}
	})
}
