package relay_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// Only a relay that is told its region leaves the events of others to others.
func TestRegions(t *testing.T) {
	payload := batch(
		testRecord{sequence: 1},
		testRecord{sequence: 2, region: "eu-west-1"},
		testRecord{sequence: 3, region: "us-east-1"},
		testRecord{sequence: 4, region: "nowhere"},
	)
	for _, tt := range []struct {
		region string
		want   []string
	}{
		{"", []string{"event-1", "event-2", "event-3", "event-4"}},
		{"eu-west-1", []string{"event-1", "event-2"}},
		{"us-east-1", []string{"event-1", "event-3"}},
	} {
		t.Run("Region "+tt.region, func(t *testing.T) {
			bus := &scriptedBus{}
			var m relay.Metrics
			h := newHandler(t, bus, relay.Block, func(o *relay.Options) {
				o.Region = tt.region
				o.Metrics = func(_ context.Context, got relay.Metrics) { m = got }
			})
			_, err := h.Invoke(t.Context(), payload)
			require.NoError(t, err)
			require.Equal(t, tt.want, bus.accepted)
			require.Equal(t, 4-len(tt.want), m.SkippedRegion)
		})
	}
}
