package recovery_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay/recovery"
)

// The aggregates come one after the other, each in its order, also when the replay
// is stopped after each page; one without events is missing.
func TestAggregateGoesOnFromEachCursor(t *testing.T) {
	c := &fakeTable{of: map[string][]int{"a": {1, 2}, "b": {3, 4}, "c": {5}}}
	source := recovery.Aggregate(c, "event-store", envelope.AggregateLayout(), "b", "none", "a")
	all, missing := pageByPage(t, source)
	require.Equal(t, eventIDs(3, 4, 1, 2), all)
	require.Len(t, missing, 1)
	require.Contains(t, missing[0].Reason, `"none"`)
	require.NotContains(t, missing[0].Reason, `"a"`)
	for _, in := range c.queries {
		require.True(t, *in.ConsistentRead)
		require.Equal(t, "#e.#h.#a = :id", *in.FilterExpression, "other items of the partition are left out")
	}
}

// Each id is a query of its own where it is the key; what is not there is missing,
// and an item that holds another event is not published.
func TestIDsAreQueried(t *testing.T) {
	c := &fakeTable{of: map[string][]int{"e1": {1}, "e2": {2}, "taken": {7}}}
	got, report, err := replay(t, recovery.IDs(c, "event-store", envelope.Layout{}, "e2", "e9", "taken", "e1"))
	require.NoError(t, err)
	require.Equal(t, eventIDs(2, 1), got, "also behind an empty page")
	require.Len(t, report.Missing, 1)
	require.Equal(t, "e9", report.Missing[0].EventID)
	require.Len(t, report.Failures, 1)
	require.Equal(t, relay.CodeUnresolved, report.Failures[0].Code)
	require.InDelta(t, 7, report.ReadUnits, 0.01)
}
