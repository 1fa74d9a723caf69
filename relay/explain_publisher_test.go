package relay_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

var (
	_ relay.Explainer = (*relay.EventBridge)(nil)
	_ relay.Explainer = (*explaining)(nil)
)

// explaining is a bus of one's own that can say what in an event it refuses.
type explaining struct {
	scriptedBus
	explain func(relay.Entry) string
	asked   []relay.Entry
}

func (e *explaining) Explain(entry relay.Entry) string {
	e.mu.Lock()
	entry.Detail = bytes.Clone(entry.Detail)
	e.asked = append(e.asked, entry)
	e.mu.Unlock()
	return e.explain(entry)
}

// breaks explains the refusal of the named events.
func breaks(ids ...string) func(relay.Entry) string {
	return func(e relay.Entry) string {
		if slices.Contains(ids, e.EventID) {
			return "a rule; " + testSecret
		}
		return ""
	}
}

// A Publisher can say what in an event, as it was committed, its bus is known to
// refuse. Then the event is its own explanation: it goes to the dead letters at
// once, also alone, in a new process, and in a call of which everything is
// refused.
func TestAPublisherExplainsARefusal(t *testing.T) {
	for _, tt := range []struct {
		n    int
		dead []string
	}{{1, idsOf(1)}, {3, idsOf(1, 2, 3)}, {3, idsOf(3)}} {
		for name, says := range map[string]answer{
			"the entry is refused": refuse(invalid, tt.dead...),
			"the call is refused":  failWith(refused, tt.dead...),
		} {
			t.Run(fmt.Sprintf("%v of %d, %s", tt.dead, tt.n, name), func(t *testing.T) {
				bus, sink, log := &explaining{explain: breaks(tt.dead...)}, &recordingSink{}, &logRecorder{}
				bus.answer = says
				h := newHandler(t, bus, sink, func(o *relay.Options) { o.Logger = log.logger() })
				invoke(t, h, events(1, tt.n))
				require.Equal(t, tt.dead, sink.ids())
				require.NotContains(t, log.String(), testSecret, "its words may quote the event")
			})
		}
	}
}

// It is asked about the event as it was committed, and what it does not explain
// is judged as ever.
func TestAPublisherThatDoesNotExplain(t *testing.T) {
	t.Run("nothing to explain", func(t *testing.T) {
		bus, sink := &explaining{explain: breaks()}, &recordingSink{}
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
		bus, sink, log := &explaining{explain: func(relay.Entry) string { panic(testSecret) }}, &recordingSink{}, &logRecorder{}
		bus.answer = refuseAll(invalid)
		h := newHandler(t, bus, sink, func(o *relay.Options) { o.Logger = log.logger() })
		_, err := h.Invoke(t.Context(), events(1, 2))
		require.Error(t, err)
		require.Empty(t, sink.ids())
		require.NotContains(t, log.String(), testSecret)
		require.NotEmpty(t, logged(log, "panic"))
	})
	t.Run("a transient fault", func(t *testing.T) {
		bus, sink := &explaining{explain: breaks(eventID(1))}, &recordingSink{}
		bus.answer = refuseAll(unlucky)
		h := newHandler(t, bus, sink, func(o *relay.Options) { o.MaxAttempts = 1 })
		_, err := h.Invoke(t.Context(), events(1, 1))
		require.Error(t, err)
		require.Empty(t, sink.ids())
	})
}
