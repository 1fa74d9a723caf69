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
	t.Run("among events", func(t *testing.T) {
		for at := range 4 {
			bus, sink := &scriptedBus{}, &recordingSink{}
			h := newHandler(t, bus, sink)
			invoke(t, h, batch(slices.Insert(records(1, 3), at, foreign(9, 1)...)...))
			require.Len(t, bus.accepted, 3)
			requireCodes(t, sink, "MissingEvent")
		}
	})
	t.Run("several, and one event", func(t *testing.T) {
		bus, sink := &scriptedBus{}, &recordingSink{}
		h := newHandler(t, bus, sink)
		invoke(t, h, batch(append(foreign(10, 3), records(1, 1)...)...))
		require.Len(t, bus.accepted, 1)
		requireCodes(t, sink, "MissingEvent", "MissingEvent", "MissingEvent")
	})
	t.Run("alone", func(t *testing.T) {
		sink := &recordingSink{}
		h := newHandler(t, &scriptedBus{}, sink)
		invoke(t, h, batch(foreign(1, 1)...))
		requireCodes(t, sink, "MissingEvent")
	})
	t.Run("alone, beside what is not new", func(t *testing.T) {
		sink := &recordingSink{}
		h := newHandler(t, &scriptedBus{}, sink)
		removed := testRecord{sequence: 2}.with(`"INSERT"`, `"REMOVE"`)
		invoke(t, h, batch(append(foreign(1, 1), removed)...))
		requireCodes(t, sink, "MissingEvent")
	})
	t.Run("a batch of them, in a process that has read an event", func(t *testing.T) {
		bus, sink := &scriptedBus{}, &recordingSink{}
		h := newHandler(t, bus, sink)
		invoke(t, h, events(1, 1))
		invoke(t, h, batch(foreign(10, 4)...))
		requireCodes(t, sink, "MissingEvent", "MissingEvent", "MissingEvent", "MissingEvent")
	})
	t.Run("a batch of events that cannot be read", func(t *testing.T) {
		rs := records(1, 3)
		for i := range rs {
			rs[i].payload = `{"??":1}`
		}
		sink := &recordingSink{}
		h := newHandler(t, &scriptedBus{}, sink)
		invoke(t, h, batch(rs...))
		requireCodes(t, sink, "UnsupportedType", "UnsupportedType", "UnsupportedType")
	})
	t.Run("a batch of other items in a table with a marker", func(t *testing.T) {
		bus, sink := &scriptedBus{}, &recordingSink{}
		h := newHandler(t, bus, sink, func(o *relay.Options) { o.Layout.Marker = "kind" })
		invoke(t, h, batch(foreign(1, 3)...))
		require.Empty(t, sink.ids())
	})
}

// requireCodes checks that the sink has these dead letters, by their codes.
func requireCodes(t *testing.T, s *recordingSink, codes ...string) {
	t.Helper()
	var got []string
	for _, d := range s.dead {
		got = append(got, d.Code)
	}
	require.Equal(t, codes, got)
}
