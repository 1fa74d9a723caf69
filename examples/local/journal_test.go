package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

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
