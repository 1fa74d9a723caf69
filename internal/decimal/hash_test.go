package decimal_test

import (
	"hash/maphash"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
)

func TestHash(t *testing.T) {
	seed := maphash.MakeSeed()
	hash := func(text string) uint64 {
		n, ok := decimal.Parse(text)
		require.True(t, ok, text)
		return n.Hash(seed)
	}
	seen := map[uint64]string{}
	for _, same := range [][]string{
		{"0", "-0", "0.00", "0e9"},
		{"1", "1.0", "+1", "001", "10e-1", "0.1e1"},
		{"-1", "-1.00", "-10E-1"},
		{"10", "1e1"}, {"0.1", ".1"}, {"1.2", "12e-1"}, {"12", "1.2e1"}, {"123", "1.23e2"},
		{strings.Repeat("9", 38), "9." + strings.Repeat("9", 37) + "e37"},
		{strings.Repeat("9", 37) + "8"},
	} {
		for _, text := range same {
			require.Equal(t, hash(same[0]), hash(text), text)
		}
		require.NotContains(t, seen, hash(same[0]), same[0])
		seen[hash(same[0])] = same[0]
	}
	n, _ := decimal.Parse("-7.7777777777777777777777777777777777777")
	require.Zero(t, testing.AllocsPerRun(10, func() { n.Hash(seed) }))
}
