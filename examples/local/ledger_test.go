package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func set(ids ...string) map[string]bool {
	s := map[string]bool{}
	for _, id := range ids {
		s[id] = true
	}
	return s
}

func TestBalance(t *testing.T) {
	for _, tt := range []struct {
		name           string
		facts          facts
		want           ledger
		sound, settled bool
	}{
		{"nothing", facts{}, ledger{}, true, true},
		{
			"each event in one place",
			facts{
				committed: set("bus", "wait", "dead"), accepted: map[string]int{"bus": 1}, dead: set("dead"), passed: set("bus", "dead"),
				wanted: set("bus"), mails: map[string]int{"a@x": 1},
			},
			ledger{Committed: 3, Published: 1, Waiting: 1, DeadLettered: 1, Wanted: 1, Underway: 1, Mails: 1}, true, false,
		},
		{
			"published before the stream is past it",
			facts{committed: set("e"), accepted: map[string]int{"e": 1}},
			ledger{Committed: 1, Published: 1}, true, true,
		},
		{
			"a duplicate is published once",
			facts{committed: set("e"), accepted: map[string]int{"e": 3}, passed: set("e")},
			ledger{Committed: 1, Published: 1, Duplicates: 2}, true, true,
		},
		{
			"lost: the stream is past it, and nobody has it",
			facts{committed: set("e", "f"), accepted: map[string]int{"f": 1}, passed: set("e", "f")},
			ledger{Committed: 2, Published: 1, Lost: 1}, false, true,
		},
		{
			"invented: on the bus and never committed",
			facts{committed: set("e"), accepted: map[string]int{"e": 1, "ghost": 2}},
			ledger{Committed: 1, Published: 1, Phantom: 1, Duplicates: 1}, false, true,
		},
		{
			"a dead letter that was redriven is published",
			facts{committed: set("e"), accepted: map[string]int{"e": 1}, dead: set("e"), passed: set("e")},
			ledger{Committed: 1, Published: 1}, true, true,
		},
		{
			"done, in the dead-letter queue, and done although in the dead-letter queue",
			facts{
				committed: set("a", "b", "c"), accepted: map[string]int{"a": 1, "b": 1, "c": 1},
				wanted: set("a", "b", "c"), receipts: set("a", "c"), parked: set("b", "c"), mails: map[string]int{"a@x": 1, "c@x": 2},
			},
			ledger{Committed: 3, Published: 3, Wanted: 3, Delivered: 2, Parked: 1, Mails: 3, MailTwice: 1}, true, true,
		},
		{
			"without an outbox: told, lost, under way",
			facts{naiveSaved: set("a", "b", "c"), naiveOver: set("a", "b"), naiveTold: map[string]int{"a": 2}},
			ledger{NaiveSaved: 3, NaiveLost: 1}, true, true,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := balance(tt.facts)
			require.Equal(t, tt.want, got)
			require.Equal(t, got.Committed, got.Published+got.Waiting+got.DeadLettered+got.Lost, "each committed event counts once")
			require.Equal(t, got.Wanted, got.Delivered+got.Underway+got.Parked)
			require.Equal(t, tt.sound, got.sound(), "sound")
			require.Equal(t, tt.settled, got.settled(), "settled")
		})
	}
}
