package relay_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// What the handler itself allocates for a batch, without a bus.
func BenchmarkInvoke(b *testing.B) {
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprintf("%d records", n), func(b *testing.B) {
			h, err := relay.NewHandler(voidBus{}, relay.Block, func(o *relay.Options) { o.Memory = -1 })
			require.NoError(b, err)
			payload := events(1, n)
			b.SetBytes(int64(len(payload)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := h.Invoke(b.Context(), payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
