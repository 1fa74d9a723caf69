package backoff

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCeilingDoublesUpToItsLimit(t *testing.T) {
	for _, tt := range []struct {
		name    string
		attempt int
		want    time.Duration
	}{
		{"first attempt", 1, 0},
		{"nonsense", -3, 0},
		{"first repetition", 2, 100},
		{"second", 3, 200},
		{"third", 4, 400},
		{"at the limit", 5, 700},
		{"far beyond", 1 << 40, 700},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, Ceiling(tt.attempt, 100, 700))
		})
	}
	require.Zero(t, Ceiling(3, 0, 700))
	require.Zero(t, Ceiling(3, 100, 0))
}

func TestFullCoversItsRange(t *testing.T) {
	var low, high int
	for range 2000 {
		d := Full(3, 100, 700)
		require.GreaterOrEqual(t, d, time.Duration(0))
		require.Less(t, d, time.Duration(200))
		if d < 100 {
			low++
		} else {
			high++
		}
	}
	require.Greater(t, low, 800, "full jitter starts at zero")
	require.Greater(t, high, 800, "and reaches its ceiling")
	require.Zero(t, Full(1, 100, 700))
}
