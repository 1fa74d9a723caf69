package recovery_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/relaytest"
)

func toSameBus(o *relay.ReplayOptions) { o.To = relay.ToSameBus() }

// replay publishes what a source has, and returns the ids that the bus got.
func replay(t *testing.T, s relay.Source, optFns ...func(*relay.ReplayOptions)) ([]string, relay.ReplayReport, error) {
	t.Helper()
	return replayWithin(t.Context(), t, s, optFns...)
}

func replayWithin(ctx context.Context, t *testing.T, s relay.Source, optFns ...func(*relay.ReplayOptions)) (ids []string, _ relay.ReplayReport, _ error) {
	t.Helper()
	entries, report, err := entriesOf(ctx, t, s, optFns...)
	for _, e := range entries {
		ids = append(ids, e.EventID)
	}
	return ids, report, err
}

func entriesOf(ctx context.Context, t *testing.T, s relay.Source, optFns ...func(*relay.ReplayOptions)) ([]relaytest.Entry, relay.ReplayReport, error) {
	t.Helper()
	var bus relaytest.Bus
	h, err := relay.NewHandler(relay.NewEventBridge(&bus, "orders"), relay.Block)
	require.NoError(t, err)
	report, err := relay.Replay(ctx, s, h, append(optFns, toSameBus)...)
	return bus.Entries(), report, err
}

// pageByPage stops the replay after each page and goes on from the cursor.
func pageByPage(t *testing.T, s relay.Source) (ids []string, missing []relay.Missing) {
	t.Helper()
	stop := errors.New("stop")
	var cursor []byte
	for runs := 0; ; runs++ {
		require.Less(t, runs, 60)
		got, report, err := replay(t, s, func(o *relay.ReplayOptions) {
			o.Cursor = cursor
			o.Progress = func(relay.ReplayProgress) error { return stop }
		})
		ids, missing, cursor = append(ids, got...), append(missing, report.Missing...), report.Cursor
		if report.Done {
			return ids, missing
		}
		require.ErrorIs(t, err, stop)
	}
}

// inTime runs a test on a clock at which events may have been made.
func inTime(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Until(envelope.MinTimestamp.Add(10 * 24 * time.Hour))) // of synctest's clock
		test(t)
	})
}

func eventIDs(numbers ...int) []string {
	var ids []string
	for _, n := range numbers {
		ids = append(ids, eventID(n))
	}
	return ids
}

// Parents come before children, whatever order the description has, and a shard
// that appears while others are read is read too.
func TestStreamFromReadsParentsFirst(t *testing.T) {
	inTime(t, func(t *testing.T) {
		began := time.Now()
		f := &fakeStream{at: func(int) time.Time { return began.Add(-time.Minute) }, shards: []fakeShard{
			{id: "late", parent: "b", numbers: []int{6}, after: 3},
			{id: "c", parent: "b", numbers: []int{5}},
			{id: "b", parent: "a", numbers: []int{0, 3, 0, 4}},
			{id: "a", parent: "forgotten", numbers: []int{1, 0, 0, 0, 2}},
		}}
		got, report, err := replay(t, recovery.StreamFrom(f, streamARN, began.Add(-time.Hour)))
		require.NoError(t, err)
		require.Len(t, got, 6)
		require.Equal(t, eventIDs(1, 2, 3, 4), got[:4])
		require.ElementsMatch(t, eventIDs(5, 6), got[4:])
		require.Empty(t, report.Missing)
		require.True(t, report.Done)
	})
}

// An empty page is not the end; an open shard counts as read when a record comes
// that is younger than the replay, or after many empty pages.
func TestStreamFromEndsAtAnOpenShard(t *testing.T) {
	for name, c := range map[string]struct {
		numbers []int
		young   int // from this number on, records are younger than the replay
		want    []string
	}{
		"many empty pages":       {append([]int{1}, append(make([]int, 19), 2)...), 99, eventIDs(1, 2)},
		"nothing at all":         {nil, 99, nil},
		"records that are young": {[]int{1, 2, 3, 4}, 3, eventIDs(1, 2)},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				began := time.Now()
				f := &fakeStream{shards: []fakeShard{{id: "a", numbers: c.numbers, open: true}}, at: func(n int) time.Time {
					if n >= c.young {
						return began.Add(time.Second)
					}
					return began.Add(-time.Minute)
				}}
				got, report, err := replay(t, recovery.StreamFrom(f, streamARN, began.Add(-time.Hour)))
				require.NoError(t, err)
				require.Equal(t, c.want, got)
				require.True(t, report.Done)
				require.Less(t, time.Since(began), 20*time.Second)
			})
		})
	}
}

// What came before the time is left out, also by an engine that does not know
// AT_TIMESTAMP. The stream's times are whole seconds, so what came in the same
// second is not.
func TestStreamFromATime(t *testing.T) {
	for _, noTime := range []bool{false, true} {
		inTime(t, func(t *testing.T) {
			began := time.Now()
			f := &fakeStream{noTime: noTime, shards: []fakeShard{{id: "a", numbers: []int{1, 2, 3, 4}}}, at: func(n int) time.Time {
				return began.Add(time.Duration(n-10) * time.Minute)
			}}
			got, report, err := replay(t, recovery.StreamFrom(f, streamARN, began.Add(-8*time.Minute+300*time.Millisecond)))
			require.NoError(t, err)
			require.Equal(t, eventIDs(2, 3, 4), got)
			require.Empty(t, report.Missing)
		})
	}
}

// Older than the stream keeps: what lies between the time and the first record of
// each oldest shard cannot be known.
func TestStreamFromBeforeItsHorizon(t *testing.T) {
	inTime(t, func(t *testing.T) {
		began := time.Now()
		from := began.Add(-30 * time.Hour)
		f := &fakeStream{at: func(n int) time.Time { return began.Add(time.Duration(n-24) * time.Hour) }, shards: []fakeShard{
			{id: "a", parent: "gone", numbers: []int{1, 2}}, {id: "b", parent: "a", numbers: []int{4}}, {id: "c", numbers: []int{3}}, {id: "d", parent: "gone", numbers: []int{0}},
		}}
		got, report, err := replay(t, recovery.StreamFrom(f, streamARN, from))
		require.NoError(t, err)
		require.ElementsMatch(t, eventIDs(1, 2, 3, 4), got)
		first := map[string]time.Time{}
		for _, m := range report.Missing {
			require.Equal(t, from.UTC(), m.From)
			first[m.ShardID] = m.To
		}
		require.Len(t, first, 3)
		require.WithinDuration(t, began.Add(-23*time.Hour), first["a"], time.Second)
		require.WithinDuration(t, began.Add(-21*time.Hour), first["c"], time.Second)
		require.WithinDuration(t, began, first["d"], time.Second)
	})
}

// An iterator that has expired is renewed from the last record that was read.
func TestStreamFromRenewsItsIterator(t *testing.T) {
	inTime(t, func(t *testing.T) {
		began := time.Now()
		f := &fakeStream{expire: true, at: func(int) time.Time { return began.Add(-time.Minute) }, shards: []fakeShard{{id: "a", numbers: []int{1, 2, 3, 4, 5}}}}
		got, _, err := replay(t, recovery.StreamFrom(f, streamARN, began.Add(-time.Hour)))
		require.NoError(t, err)
		require.Equal(t, eventIDs(1, 2, 3, 4, 5), got)
		require.Contains(t, f.iterators, "AFTER_SEQUENCE_NUMBER 1")
	})
}

// A replay that goes on later reads on behind its cursor, up to when it first began;
// what the stream has forgotten meanwhile is said.
func TestStreamFromGoesOn(t *testing.T) {
	for _, trimmed := range []int{0, 3} {
		inTime(t, func(t *testing.T) {
			began := time.Now()
			f := &fakeStream{at: func(n int) time.Time { return began.Add(time.Duration(n-6) * time.Minute) }, shards: []fakeShard{
				{id: "a", numbers: []int{1, 2, 3, 4}}, {id: "b", parent: "a", numbers: []int{5, 6, 7, 8}, open: true},
			}}
			source := recovery.StreamFrom(f, streamARN, began.Add(-time.Hour))
			stop := errors.New("stop")
			got, report, err := replay(t, source, func(o *relay.ReplayOptions) {
				o.Progress = func(p relay.ReplayProgress) error {
					if p.Published == 2 {
						return stop
					}
					return nil
				}
			})
			require.ErrorIs(t, err, stop)
			require.Equal(t, eventIDs(1, 2), got)
			<-time.After(time.Hour)
			f.trimmed = trimmed
			rest, report, err := replay(t, source, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
			require.NoError(t, err)
			require.True(t, report.Done)
			if trimmed == 0 {
				require.Equal(t, eventIDs(3, 4, 5), rest)
				require.Empty(t, report.Missing)
			} else {
				require.Equal(t, eventIDs(4, 5), rest)
				require.Len(t, report.Missing, 1)
				require.Equal(t, "2", report.Missing[0].First)
			}
			again, report, err := replay(t, source, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
			require.NoError(t, err)
			require.Empty(t, again, "it was read to its end")
			require.True(t, report.Done)
		})
	}
}

func TestAStreamThatCannotBeRead(t *testing.T) {
	_, _, err := replay(t, recovery.StreamFrom(&fakeStream{view: types.StreamViewTypeKeysOnly, shards: []fakeShard{{id: "a", numbers: []int{1}}}}, streamARN, time.Now().Add(-time.Hour)))
	require.ErrorContains(t, err, "KEYS_ONLY")
}

func TestStreamRange(t *testing.T) {
	for name, c := range map[string]struct {
		shard       fakeShard
		first, last int
		trimmed     int
		want        []string
		missing     string
	}{
		"a part":                       {fakeShard{numbers: []int{1, 2, 3, 4, 5}}, 2, 4, 0, eventIDs(2, 3, 4), "[]"},
		"one record":                   {fakeShard{numbers: []int{9, 10, 11}}, 10, 10, 0, eventIDs(10), "[]"},
		"numbers of two lengths":       {fakeShard{numbers: []int{9, 10, 11}}, 9, 10, 0, eventIDs(9, 10), "[]"},
		"behind empty pages":           {fakeShard{numbers: []int{1, 2, 0, 0, 0, 3}, open: true}, 2, 3, 0, eventIDs(2, 3), "[]"},
		"the beginning is forgotten":   {fakeShard{numbers: []int{1, 2, 3, 4, 5}}, 2, 4, 3, eventIDs(4), "[2-4]"},
		"all of it is forgotten":       {fakeShard{numbers: []int{1, 2, 3, 4, 5}}, 2, 4, 5, nil, "[2-4]"},
		"and there are later ones":     {fakeShard{numbers: []int{1, 2, 3, 4, 5, 6}}, 2, 4, 4, nil, "[2-4]"},
		"and the shard is open":        {fakeShard{numbers: []int{1, 2}, open: true}, 1, 2, 2, nil, "[1-2]"},
		"the shard ends before":        {fakeShard{numbers: []int{1, 2}}, 1, 3, 0, eventIDs(1, 2), "[2-3]"},
		"it has no record of the last": {fakeShard{numbers: []int{1, 2, 5}}, 1, 3, 0, eventIDs(1, 2), "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, func(t *testing.T) {
				c.shard.id = "a"
				f := &fakeStream{shards: []fakeShard{c.shard}, trimmed: c.trimmed}
				source := recovery.StreamRange(f, streamARN, "a", fmt.Sprint(c.first), fmt.Sprint(c.last))
				got, report, err := replay(t, source)
				require.NoError(t, err)
				require.Equal(t, c.want, got)
				missing := []string{}
				for _, m := range report.Missing {
					require.Equal(t, "a", m.ShardID)
					missing = append(missing, m.First+"-"+m.Last)
				}
				require.Equal(t, c.missing, fmt.Sprint(missing))
				again, _, err := replay(t, source, func(o *relay.ReplayOptions) { o.Cursor = report.Cursor })
				require.NoError(t, err)
				require.Empty(t, again)
			})
		})
	}
	t.Run("the shard is forgotten", func(t *testing.T) {
		got, report, err := replay(t, recovery.StreamRange(&fakeStream{}, streamARN, "a", "1", "2"))
		require.NoError(t, err)
		require.Empty(t, got)
		require.Len(t, report.Missing, 1)
	})
}
