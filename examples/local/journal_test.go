package main

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestJournalTellsWhatIsNew(t *testing.T) {
	b := newBell()
	j := newJournal(b)
	rung := b.listen()
	j.note("a", func(w *way, now time.Time) { require.True(t, first(&w.Committed, now)) })
	<-rung
	j.note("b", func(w *way, now time.Time) { first(&w.Committed, now) })
	changed, last := j.since(0, 10)
	require.Equal(t, []string{"a", "b"}, []string{changed[0].ID, changed[1].ID})

	changed, _ = j.since(last, 10)
	require.Empty(t, changed)
	j.note("a", func(w *way, now time.Time) {
		require.False(t, first(&w.Committed, now.Add(time.Hour)), "the first time stays")
		w.Publishes++
	})
	changed, _ = j.since(last, 10)
	require.Len(t, changed, 1)
	require.Equal(t, 1, changed[0].Publishes)
	require.WithinDuration(t, time.Now(), changed[0].Committed, time.Minute)
}

func TestJournalForgetsTheOldest(t *testing.T) {
	j := newJournal(newBell())
	for i := range kept + 5 {
		j.note(fmt.Sprint(i), func(*way, time.Time) {})
	}
	_, ok := j.way("4")
	require.False(t, ok)
	_, ok = j.way("5")
	require.True(t, ok)
	changed, _ := j.since(0, 3)
	require.Len(t, changed, 3)
	require.Equal(t, fmt.Sprint(kept+4), changed[2].ID)
}

func TestNotesTellWhatIsNew(t *testing.T) {
	var out bytes.Buffer
	n := &notes{bell: newBell(), out: &out}
	n.fault("broken %d", 1)
	n.good("mended")
	news, total := n.since(0)
	require.Equal(t, []string{"fault", "good"}, []string{news[0].Kind, news[1].Kind})
	news, total = n.since(total)
	require.Empty(t, news)
	for range 2 * notesKept {
		n.tell("more")
	}
	news, _ = n.since(total)
	require.Len(t, news, notesKept, "the newest")
	require.Contains(t, out.String(), "broken 1\n")
}
