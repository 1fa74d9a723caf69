package bench

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// badBus is a publisher with what no relay of ours would send: calls that are
// too large, and entries that are bent.
type badBus struct {
	*relay.EventBridge
	limits relay.Limits
	bend   func(*relay.Entry)
}

func (b badBus) Limits() relay.Limits { return b.limits }

func (b badBus) Publish(ctx context.Context, entries []relay.Entry) ([]relay.Result, error) {
	entries = slices.Clone(entries)
	if b.bend != nil {
		for i := range entries {
			b.bend(&entries[i])
		}
	}
	return b.EventBridge.Publish(ctx, entries)
}

// TestRefusedByMoto has moto refuse entries and calls by itself, and holds the
// queue behind it against what the relay makes of that. It refuses no call for
// its size.
func TestRefusedByMoto(t *testing.T) {
	moto := enginetest.Moto(t)
	only := func(i int, bend func(*relay.Entry)) func(*relay.Entry) {
		return func(e *relay.Entry) {
			if e.EventID == eventID(i) {
				bend(e)
			}
		}
	}
	plain := relay.Limits{Entries: 10, Bytes: 1_000_000}
	for _, tt := range []struct {
		name   string
		events int
		bus    badBus
		dead   string // the code of the one dead letter
		held   string // the code for which all are held
		split  bool
	}{
		{name: "nothing", events: 25, bus: badBus{limits: plain}},
		{name: "an entry, MalformedDetail", events: 25, dead: "MalformedDetail",
			bus: badBus{limits: plain, bend: only(3, func(e *relay.Entry) { e.Detail = []byte(`{"no":"end"`) })}},
		{name: "an entry, InvalidArgument", events: 25, dead: "InvalidArgument",
			bus: badBus{limits: plain, bend: only(3, func(e *relay.Entry) { e.DetailType = "" })}},
		{name: "every entry", events: 25, held: "InvalidArgument",
			bus: badBus{limits: plain, bend: func(e *relay.Entry) { e.DetailType = "" }}},
		{name: "calls of 25 entries", events: 25, split: true,
			bus: badBus{limits: relay.Limits{Entries: 25, Bytes: 1_000_000}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			bus := enginetest.NewBus(t, moto)
			tt.bus.EventBridge = relay.NewEventBridge(moto.EventBridge(), bus.Name)
			var mu sync.Mutex
			var letters []relay.DeadLetter
			sink := relay.DeadLetterFunc(func(_ context.Context, r relay.DeadLetter) error {
				mu.Lock()
				defer mu.Unlock()
				letters = append(letters, r)
				return nil
			})
			var m relay.Metrics
			h, err := relay.NewHandler(tt.bus, sink, func(o *relay.Options) {
				o.Metrics = func(_ context.Context, got relay.Metrics) { m = got }
			})
			require.NoError(t, err)
			payload, err := newBatch(tt.events, 300)
			require.NoError(t, err)
			_, err = h.Invoke(t.Context(), payload)
			if tt.held != "" {
				var unpublished *relay.UnpublishedError
				require.ErrorAs(t, err, &unpublished)
				require.Equal(t, tt.held, unpublished.Code)
				require.Equal(t, relay.ConfigFault, unpublished.Class)
				require.Zero(t, m.Published)
				require.Empty(t, letters)
				return
			}
			require.NoError(t, err)
			var want []string
			for i := range tt.events {
				if tt.dead == "" || i != 3 {
					want = append(want, eventID(i))
				}
			}
			require.ElementsMatch(t, want, enginetest.EventIDs(t, bus.Queue.Receive(t, len(want))))
			require.Equal(t, len(want), m.Published)
			require.Equal(t, tt.split, m.FailedCalls > 0)
			if tt.dead == "" {
				require.Empty(t, letters)
				return
			}
			require.Len(t, letters, 1)
			require.Equal(t, tt.dead, letters[0].Code)
			require.Equal(t, eventID(3), letters[0].EventID)
		})
	}
}
