package relay_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

var (
	_ relay.Explainer = (*relay.EventBridge)(nil)
	_ relay.Explainer = (*explaining)(nil)
)

// explaining is a bus of one's own that knows what it refuses: a detail-type
// with an X, and a source with one.
type explaining struct {
	scriptedBus
	explain func(relay.Entry) string
	asked   []relay.Entry
}

func newExplaining() *explaining {
	e := &explaining{}
	e.explain = func(entry relay.Entry) string {
		switch {
		case strings.Contains(entry.DetailType, "X"):
			return "the detail-type has an X; " + testSecret
		case strings.Contains(entry.Source, "X"):
			return "the source has an X; " + testSecret
		}
		return ""
	}
	e.answer = refusesX
	return e
}

func (e *explaining) Explain(entry relay.Entry) string {
	e.mu.Lock()
	entry.Detail = []byte(string(entry.Detail))
	e.asked = append(e.asked, entry)
	e.mu.Unlock()
	return e.explain(entry)
}

// refusesX refuses as invalid what has an X in its detail-type or source.
func refusesX(_ context.Context, _ int, entries []relay.Entry) ([]relay.Result, error) {
	out := accept(entries)
	for i, e := range entries {
		if strings.Contains(e.DetailType+e.Source, "X") {
			out[i] = invalid
		}
	}
	return out, nil
}

// A Publisher can say what in an event, as it was committed, its bus is known to
// refuse. Then the event is its own explanation: it goes to the dead letters at
// once, also alone, in a new process, and in a call of which everything is
// refused.
func TestAPublisherExplainsARefusal(t *testing.T) {
	x := func(first, n int) []testRecord {
		rs := records(first, n)
		for i := range rs {
			rs[i].name = "User.X"
		}
		return rs
	}
	for _, tt := range []struct {
		name    string
		records []testRecord
		whole   bool // the bus refuses the call
		dead    []string
	}{
		{"alone", x(1, 1), false, idsOf(1)},
		{"alone, and the call is refused", x(1, 1), true, idsOf(1)},
		{"nothing else", x(1, 3), false, idsOf(1, 2, 3)},
		{"nothing else, and the call is refused", x(1, 3), true, idsOf(1, 2, 3)},
		{"among others", append(records(5, 2), x(7, 1)...), true, idsOf(7)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bus, sink, log := newExplaining(), &recordingSink{}, &logRecorder{}
			if tt.whole {
				bus.answer = func(ctx context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
					out, _ := refusesX(ctx, call, entries)
					for _, r := range out {
						if r.Class == relay.EventFault {
							return nil, refused
						}
					}
					return out, nil
				}
			}
			h := newHandler(t, bus, sink, func(o *relay.Options) { o.Logger = log.logger() })
			_, err := h.Invoke(t.Context(), batch(tt.records...))
			require.Equal(t, tt.dead, sink.ids())
			require.NoError(t, err)
			require.NotContains(t, log.String(), testSecret, "its words may quote the event")
		})
	}
}

// It is asked about the event as it was committed, and what it does not explain
// is judged as ever.
func TestAPublisherThatDoesNotExplain(t *testing.T) {
	t.Run("nothing to explain", func(t *testing.T) {
		bus, sink := newExplaining(), &recordingSink{}
		bus.answer = refuseAll(invalid)
		h := newHandler(t, bus, sink)
		for range 3 {
			_, err := h.Invoke(t.Context(), events(1, 2))
			require.Equal(t, relay.ConfigFault, unpublishedIn(t, err).Class)
			require.Empty(t, sink.ids())
		}
		require.NotEmpty(t, bus.asked)
		require.Equal(t, "User.Created", bus.asked[0].DetailType)
		require.Contains(t, string(bus.asked[0].Detail), testSecret, "the whole event")
	})
	t.Run("a panic", func(t *testing.T) {
		bus, sink, log := newExplaining(), &recordingSink{}, &logRecorder{}
		bus.answer = refuseAll(invalid)
		bus.explain = func(relay.Entry) string { panic(testSecret) }
		h := newHandler(t, bus, sink, func(o *relay.Options) { o.Logger = log.logger() })
		_, err := h.Invoke(t.Context(), events(1, 2))
		require.Error(t, err)
		require.Empty(t, sink.ids())
		require.NotContains(t, log.String(), testSecret)
		require.NotEmpty(t, logged(log, "panic"))
	})
	t.Run("a transient fault", func(t *testing.T) {
		bus, sink := newExplaining(), &recordingSink{}
		bus.answer = refuseAll(unlucky)
		h := newHandler(t, bus, sink, func(o *relay.Options) { o.MaxAttempts = 1 })
		_, err := h.Invoke(t.Context(), batch(testRecord{sequence: 1, name: "X"}))
		require.Error(t, err)
		require.Empty(t, sink.ids())
	})
}
