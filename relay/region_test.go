package relay

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
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
			bus := &scriptBus{}
			var m Metrics
			h := newTestHandler(t, bus, Block, func(o *Options) {
				o.Region = tt.region
				o.Metrics = func(_ context.Context, got Metrics) { m = got }
			})
			_, err := h.Invoke(t.Context(), payload)
			require.NoError(t, err)
			require.Equal(t, tt.want, bus.accepted)
			require.Equal(t, 4-len(tt.want), m.SkippedRegion)
		})
	}
}
