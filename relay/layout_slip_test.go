package relay_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// under puts the event of a record under another attribute, as a writer with
// another Layout.Event does.
func under(attribute string, rs ...testRecord) []testRecord {
	out := slices.Clone(rs)
	for i, r := range rs {
		out[i] = r.with(`"event":{"M":{"headers"`, fmt.Sprintf(`%q:{"M":{"headers"`, attribute))
	}
	return out
}

// A relay with another Layout.Event than the writer's finds no event in any new
// item. That is a slip of a deploy, which is held and loud, and nothing of the
// table goes to the dead letters.
func TestARelayWithAnotherLayoutDrainsNothing(t *testing.T) {
	for _, tt := range []struct {
		name       string
		written    string // the writer's attribute
		configured string // the relay's, "" for the default
		marker     string
		n          int
	}{
		{name: "one hundred", written: "event", configured: "evt", n: 100},
		{name: "two", written: "event", configured: "evt", n: 2},
		{name: "eleven", written: "happened", configured: "evt", n: 11},
		{name: "the relay has the default", written: "happened", n: 10},
		{name: "another case", written: "event", configured: "Event", n: 10},
		{name: "with a marker", written: "event", configured: "evt", marker: "kind", n: 10},
	} {
		bothAnswers(t, tt.name, func(t *testing.T, answers func(*relay.Options)) {
			bus, sink, log := &scriptedBus{}, &recordingSink{}, &logRecorder{}
			var m relay.Metrics
			configure := func(o *relay.Options) {
				o.Layout.Event, o.Layout.Marker, o.Logger = tt.configured, tt.marker, log.logger()
			}
			rs := under(tt.written, records(1, tt.n)...)
			for i := range rs {
				if tt.marker != "" {
					rs[i] = rs[i].marked()
				}
			}
			payload := batch(rs...)
			var h *relay.Handler
			for i := range 6 {
				if i%2 == 0 { // in the same process, and in new ones
					h = newHandler(t, bus, sink, answers, keep(&m), configure)
				}
				out, err := h.Invoke(t.Context(), payload)
				require.Zero(t, sink.puts, "dead letters")
				require.Empty(t, bus.calls)
				require.Equal(t, tt.n, m.Failed)
				require.Equal(t, tt.n, m.ConfigFaults)
				if answers == nil {
					u := unpublishedIn(t, err)
					require.Equal(t, relay.ConfigFault, u.Class)
					require.Equal(t, "WrongLayout", u.Code)
					require.Equal(t, tt.n, u.Unpublished)
				} else {
					require.NoError(t, err)
					require.Equal(t, "1", failure(out))
				}
			}
			configured := tt.configured
			if configured == "" {
				configured = envelope.DefaultEvent
			}
			require.NotEmpty(t, logged(log, `"level":"ERROR"`, "WrongLayout", tt.written, configured),
				"the log names both attributes: %s", log)
			require.NotContains(t, log.String(), testSecret)

			h = newHandler(t, bus, sink, answers, keep(&m), configure, func(o *relay.Options) { o.Layout.Event = tt.written })
			require.Empty(t, invoke(t, h, payload))
			require.Len(t, bus.accepted, tt.n, "the next deploy is right")
			require.Empty(t, sink.ids())
		})
	}
}

// What is no new item says nothing about the layout.
func TestALayoutIsJudgedByNewItems(t *testing.T) {
	other := func(op string, sequence int) testRecord {
		return testRecord{sequence: sequence}.with(`"INSERT"`, fmt.Sprintf("%q", op))
	}
	bus, sink := &scriptedBus{}, &recordingSink{}
	h := newHandler(t, bus, sink, func(o *relay.Options) { o.Layout.Event = "evt" })
	rs := slices.Concat([]testRecord{other("MODIFY", 1)}, under("event", records(2, 2)...), []testRecord{other("REMOVE", 4)})
	_, err := h.Invoke(t.Context(), batch(rs...))
	require.Zero(t, sink.puts, "dead letters")
	require.Equal(t, "WrongLayout", unpublishedIn(t, err).Code)
}

// One item that is no event, among events or alone, is a dead letter: it shows
// that somebody writes other items into the table, and not that the layout is
// wrong. So does a whole batch of them in a process that has read an event.
func TestAnItemThatIsNoEventIsADeadLetter(t *testing.T) {
	foreign := func(first, n int) []testRecord { return under("order", records(first, n)...) }
	removed := testRecord{sequence: 2}.with(`"INSERT"`, `"REMOVE"`)
	unreadable := records(1, 3)
	for i := range unreadable {
		unreadable[i].payload = `{"??":1}`
	}
	for _, tt := range []struct {
		name            string
		before, records []testRecord
		code            string
		dead, accepted  int
	}{
		{"before events", nil, append(foreign(9, 1), records(1, 3)...), "MissingEvent", 1, 3},
		{"among events", nil, slices.Insert(records(1, 3), 1, foreign(9, 1)...), "MissingEvent", 1, 3},
		{"behind events", nil, append(records(1, 3), foreign(9, 1)...), "MissingEvent", 1, 3},
		{"several, and one event", nil, append(foreign(10, 3), records(1, 1)...), "MissingEvent", 3, 1},
		{"alone", nil, foreign(1, 1), "MissingEvent", 1, 0},
		{"alone, beside what is not new", nil, append(foreign(1, 1), removed), "MissingEvent", 1, 0},
		{"a batch of them, in a process that has read an event", records(1, 1), foreign(10, 4), "MissingEvent", 4, 1},
		{"a batch of events that cannot be read", nil, unreadable, "UnsupportedType", 3, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bus, sink := &scriptedBus{}, &recordingSink{}
			h := newHandler(t, bus, sink)
			invoke(t, h, batch(tt.before...))
			invoke(t, h, batch(tt.records...))
			require.Len(t, bus.accepted, tt.accepted)
			require.Len(t, sink.dead, tt.dead)
			for _, d := range sink.dead {
				require.Equal(t, tt.code, d.Code)
			}
		})
	}
}
