package envelope_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

func TestOrder(t *testing.T) {
	var d envelope.GapDetector
	see := func(aggregate string, sequence int64) envelope.Order {
		return d.Observe(envelope.Headers{AggregateID: aggregate, Sequence: sequence})
	}
	require.Equal(t, envelope.InOrder, see("a", 1))
	require.Equal(t, envelope.Duplicate, see("a", 1))
	require.Equal(t, envelope.InOrder, see("a", 2))
	require.Equal(t, envelope.Gap, see("a", 5))
	require.Equal(t, envelope.Old, see("a", 3))
	require.Equal(t, envelope.InOrder, see("a", 6))
	require.Equal(t, envelope.Gap, see("b", 2), "aggregates are apart, and the first sequence is 1")
	require.Equal(t, envelope.Unsequenced, see("", 0))
}

func ExampleGapDetector() {
	var seen envelope.GapDetector
	for _, sequence := range []int64{1, 2, 2, 4, 3} {
		h := envelope.Headers{AggregateID: "user-1", Sequence: sequence}
		fmt.Println(sequence, seen.Observe(h))
	}
	// Output:
	// 1 in order
	// 2 in order
	// 2 duplicate
	// 4 gap
	// 3 old
}
