package sequence_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/sequence"
)

func TestValid(t *testing.T) {
	for _, s := range []string{"0", "1", "000000000000000000001", strings.Repeat("9", 40), strings.Repeat("9", 400)} {
		require.True(t, sequence.Valid(s), s)
	}
	for _, s := range []string{"", " 1", "1 ", "-1", "+1", "1.0", "1e3", "abc", "１"} {
		require.False(t, sequence.Valid(s), s)
	}
}

func TestLess(t *testing.T) {
	ascending := []string{"0", "1", "9", "10", "99", "100", strings.Repeat("9", 38), "1" + strings.Repeat("0", 38)}
	for i, a := range ascending {
		for j, b := range ascending {
			require.Equal(t, i < j, sequence.Less(a, b), "%s < %s", a, b)
			require.Equal(t, i < j, sequence.Less("000"+a, b), "%s < %s", a, b)
		}
	}
}
