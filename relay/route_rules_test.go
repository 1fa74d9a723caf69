package relay_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

// spoils is a route that does something to all events but the good ones.
func spoils(spoil func(*relay.Entry), good ...string) func(*relay.Options) {
	return func(o *relay.Options) {
		o.Route = func(e *relay.Entry) error {
			for _, id := range good {
				if e.EventID == id {
					return nil
				}
			}
			spoil(e)
			return nil
		}
	}
}

// What a route can do to an event that EventBridge is known to refuse, and that
// the event as it was committed has nothing of.
var spoilt = map[string]func(*relay.Entry){
	"a detail-type of 141 characters":  func(e *relay.Entry) { e.DetailType = strings.Repeat("x", 141) },
	"a detail-type of 129 characters":  func(e *relay.Entry) { e.DetailType = strings.Repeat("ö", 129) },
	"a source of AWS itself":           func(e *relay.Entry) { e.Source = "aws.users" },
	"the prefix of AWS itself":         func(e *relay.Entry) { e.Source = "aws." },
	"a trace header of 501 characters": func(e *relay.Entry) { e.TraceHeader = strings.Repeat("x", 501) },
	"a bus name of 1601 characters":    func(e *relay.Entry) { e.Bus = strings.Repeat("x", 1601) },
}

// A route that spoils events is a slip of a deploy: they are held, not sent, and
// not put into the dead letters, though others of the same call would be
// accepted.
func TestARouteThatSpoilsEvents(t *testing.T) {
	for name, spoil := range spoilt {
		for _, tt := range []struct {
			good    []string
			failure string
		}{
			{[]string{eventID(1)}, "2"},  // nine of ten
			{[]string{eventID(10)}, "1"}, // nine of ten, the good one last
			{idsOf(1, 2, 3, 4, 6, 7, 8, 9, 10), "5"},
			{nil, "1"},
		} {
			bothAnswers(t, fmt.Sprintf("%s, %d of 10 are good", name, len(tt.good)), func(t *testing.T, answers func(*relay.Options)) {
				bus, sink, log := &relaytest.Bus{}, &recordingSink{}, &logRecorder{}
				var m relay.Metrics
				h := newHandler(t, relay.NewEventBridge(bus, "orders"), sink, answers, keep(&m), spoils(spoil, tt.good...),
					func(o *relay.Options) { o.Logger = log.logger() })
				for range 3 {
					out, err := h.Invoke(t.Context(), events(1, 10))
					require.Empty(t, sink.ids(), "dead letters")
					if answers == nil {
						u := unpublishedIn(t, err)
						require.Equal(t, relay.ConfigFault, u.Class)
						require.Equal(t, "RouteInvalid", u.Code)
						require.Equal(t, eventID(sequenceOf("event-"+tt.failure)), u.EventID)
					} else {
						require.NoError(t, err)
						require.Equal(t, tt.failure, failure(out))
					}
					require.Positive(t, m.ConfigFaults)
				}
				for _, call := range bus.Calls() {
					require.Subset(t, tt.good, idsIn(call), "it is not sent")
				}
				require.NotEmpty(t, logged(log, "RouteInvalid", `"level":"ERROR"`), log.String())
			})
		}
	}
}

// An event that breaks a rule as it was committed is its own fault, whether the
// route leaves that or not. But what the route adds to it is to be mended first.
func TestARouteAndAnEventThatBreakRules(t *testing.T) {
	long := testRecord{sequence: 1, name: strings.Repeat("x", 141)}
	wide := testRecord{sequence: 1, payload: `{"M":{"n":{"N":"9223372036854775808"}}}`}
	asItIs := func(*relay.Entry) {}
	for _, tt := range []struct {
		name  string
		with  testRecord
		spoil func(*relay.Entry)
		dead  string // the code, "" where it is held
	}{
		{"the route leaves it", long, asItIs, "InvalidArgument"},
		{"the route breaks another rule", wide, spoilt["a detail-type of 141 characters"], ""},
		{"the route breaks another rule, of the source", long, func(e *relay.Entry) { e.DetailType, e.Source = "short", "aws.users" }, ""},
		{"a number that does not fit", wide, asItIs, "MalformedDetail"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bus, sink := &relaytest.Bus{}, &recordingSink{}
			h := newHandler(t, relay.NewEventBridge(bus, "orders"), sink, spoils(tt.spoil))
			_, err := h.Invoke(t.Context(), batch(tt.with))
			if tt.dead != "" {
				require.NoError(t, err)
				requireDead(t, sink, tt.dead, eventID(1))
				return
			}
			require.Empty(t, sink.ids())
			require.Equal(t, "RouteInvalid", unpublishedIn(t, err).Code)
			require.Empty(t, bus.Calls(), "it is not sent")
		})
	}
}

// A route that keeps the rules changes nothing of whose fault a refusal is.
func TestARouteThatKeepsTheRules(t *testing.T) {
	bus, sink := &relaytest.Bus{}, &recordingSink{}
	h := newHandler(t, relay.NewEventBridge(bus, "orders"), sink, spoils(func(e *relay.Entry) {
		e.DetailType, e.Source, e.TraceHeader, e.Bus = strings.Repeat("ö", 128), "awsome", strings.Repeat("x", 500), strings.Repeat("x", 1600)
	}))
	invoke(t, h, events(1, 10))
	require.Len(t, bus.Entries(), 10)
}
