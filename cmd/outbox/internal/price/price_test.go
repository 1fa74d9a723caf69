package price_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/price"
)

func TestPrices(t *testing.T) {
	require.EqualValues(t, 1, price.Chunks(0))
	require.EqualValues(t, 1, price.Chunks(64<<10))
	require.EqualValues(t, 2, price.Chunks(64<<10+1))
	require.InDelta(t, 2.5, price.Publish(2_500_000), 1e-9)
	require.InDelta(t, 1.25, price.Read(10_000_000), 1e-9)
	require.Equal(t, "$2.50", price.Text(2.5))
	require.Equal(t, "under 1 cent", price.Text(0.001))
	require.Equal(t, "$0", price.Text(0))
}
