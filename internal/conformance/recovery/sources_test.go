package recovery_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

func TestEventStoreByTime(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		old := time.Now().Add(-48 * time.Hour)
		w.commit(t, 300, 7, func(i int, h *envelope.Headers) {
			if i < 100 {
				h.Timestamp = old.Add(time.Duration(i) * time.Second)
			}
		})
		for name, c := range map[string]struct {
			from, to time.Time
			want     []string
		}{
			"all":      {old.Add(-time.Hour), time.Now().Add(time.Hour), w.ids()},
			"a day":    {time.Now().Add(-24 * time.Hour), time.Now().Add(time.Hour), w.ids()[100:]},
			"a window": {old.Add(10 * time.Second).Truncate(time.Millisecond), old.Add(20 * time.Second).Truncate(time.Millisecond), w.ids()[10:20]},
			"nothing":  {old.Add(-2 * time.Hour), old.Add(-time.Hour), nil},
		} {
			t.Run(name, func(t *testing.T) {
				for _, segments := range []int{0, 1, 3} {
					b := &relaytest.Bus{}
					source := recovery.EventStore(w.db, w.table.Name, w.layout, c.from, c.to, func(o *recovery.ScanOptions) { o.Segments, o.PageSize = segments, 20 })
					report, err := relay.Replay(t.Context(), source, w.handler(t, b), sameBus)
					require.NoError(t, err)
					require.True(t, report.Done)
					require.ElementsMatch(t, c.want, idsIn(b))
					require.Positive(t, report.ReadUnits)
				}
			})
		}
	})
}

// A scan has the items of a partition key in the order of the sort key, and the
// replay keeps that over all pages.
func TestEventStoreKeepsTheOrder(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		if !w.layout.Ordered {
			return
		}
		w.commit(t, 300, 3)
		b := &relaytest.Bus{}
		source := recovery.EventStore(w.db, w.table.Name, w.layout, w.begin, time.Now().Add(time.Hour), func(o *recovery.ScanOptions) { o.PageSize = 20 })
		_, err := relay.Replay(t.Context(), source, w.handler(t, b), sameBus)
		require.NoError(t, err)
		require.ElementsMatch(t, w.ids(), idsIn(b))
		if what := enginetest.Deviation(t, w.engine); what != "" {
			require.NotEmpty(t, disorder(t, b), "it no longer "+what)
			return
		}
		require.Empty(t, disorder(t, b))
	})
}

func TestAggregate(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.commit(t, 120, 4)
		source := recovery.Aggregate(w.db, w.table.Name, w.layout, "u2", "nobody", "u0")
		b := &relaytest.Bus{}
		report, err := relay.Replay(t.Context(), source, w.handler(t, b), sameBus)
		if w.layout.Keys == nil {
			require.ErrorContains(t, err, "use EventStore")
			require.Empty(t, b.Entries())
			return
		}
		require.NoError(t, err)
		var want []string
		for _, first := range []int{2, 0} {
			for i := first; i < 120; i += 4 {
				want = append(want, w.ids()[i])
			}
		}
		require.Equal(t, want, idsIn(b))
		require.Len(t, report.Missing, 1)
		require.Contains(t, report.Missing[0].Reason, `"nobody"`)
	})
}

func TestIDs(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.commit(t, 120, 4)
		want := []string{w.ids()[77], w.ids()[3], w.ids()[119]}
		source := recovery.IDs(w.db, w.table.Name, w.layout, append([]string{"01NONE"}, want...)...)
		b := &relaytest.Bus{}
		report, err := relay.Replay(t.Context(), source, w.handler(t, b), sameBus)
		require.NoError(t, err)
		require.ElementsMatch(t, want, idsIn(b))
		require.Len(t, report.Missing, 1)
		require.Equal(t, "01NONE", report.Missing[0].EventID)
	})
}

func TestStreamFrom(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.commit(t, 300, 7)
		b := &relaytest.Bus{}
		source := recovery.StreamFrom(w.engine.Streams(), w.table.StreamARN, w.begin)
		report, err := relay.Replay(t.Context(), source, w.handler(t, b), sameBus)
		require.NoError(t, err)
		require.ElementsMatch(t, w.ids(), idsIn(b))
		require.Empty(t, report.Missing)
		require.True(t, report.Done)

		b = &relaytest.Bus{}
		source = recovery.StreamFrom(w.engine.Streams(), w.table.StreamARN, time.Now().Add(-30*time.Hour))
		report, err = relay.Replay(t.Context(), source, w.handler(t, b), sameBus)
		require.NoError(t, err)
		require.ElementsMatch(t, w.ids(), idsIn(b))
		require.NotEmpty(t, report.Missing, "what the stream had before its first record cannot be known")
	})
}

// A replay that is stopped after each page goes on from its cursor, in every layout.
func TestReplaysGoOnFromTheirCursors(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.commit(t, 200, 9)
		for name, source := range map[string]relay.Source{
			"event store": recovery.EventStore(w.db, w.table.Name, w.layout, w.begin, time.Now().Add(time.Hour), func(o *recovery.ScanOptions) {
				o.PageSize, o.Segments = 20, 3
			}),
			"stream": recovery.StreamFrom(w.engine.Streams(), w.table.StreamARN, w.begin),
		} {
			b, stop := &relaytest.Bus{}, errors.New("stop")
			var cursor []byte
			for done := false; !done; {
				report, err := relay.Replay(t.Context(), source, w.handler(t, b), sameBus, func(o *relay.ReplayOptions) {
					o.Cursor = cursor
					o.Progress = func(p relay.ReplayProgress) error {
						if len(p.Page) > 0 { // an open shard ends with empty pages
							return stop
						}
						return nil
					}
				})
				if done, cursor = report.Done, report.Cursor; !done {
					require.ErrorIs(t, err, stop)
				}
			}
			require.ElementsMatch(t, w.ids(), idsIn(b), name)
		}
	})
}

// Wrong tables are errors that say what their items look like, and nothing is
// published.
func TestAWrongTable(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		t.Parallel()
		w := newWorld(t, e, singleTable())
		w.commit(t, 10, 2)
		for problem, layout := range map[string]envelope.Layout{
			`no attribute "pk", but`:            {},
			`no attribute "id", but`:            {PK: "id", Marker: "_outbox"},
			`has an event in the attribute "ev`: {PK: "PK", SK: "SK", Event: "ev"},
		} {
			b := &relaytest.Bus{}
			source := recovery.EventStore(w.db, w.table.Name, layout, w.begin, time.Now().Add(time.Hour))
			_, err := relay.Replay(t.Context(), source, w.handler(t, b), sameBus)
			require.ErrorContains(t, err, problem)
			require.ErrorContains(t, err, `"PK"`)
			require.Empty(t, b.Entries())
		}
		_, err := relay.Replay(t.Context(), recovery.EventStore(w.db, "no-such-table", w.layout, w.begin, time.Now()), w.handler(t, &relaytest.Bus{}), sameBus)
		require.ErrorContains(t, err, "no-such-table")
		require.ErrorContains(t, err, "ResourceNotFoundException")
	})
}
