package buslimits

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEntrySize(t *testing.T) {
	const name = "Größe" // 5 characters, 7 bytes
	tests := []struct {
		name       string
		hasTime    bool
		source     string
		detailType string
		detailLen  int
		resources  []string
		want       int
	}{
		{name: "nothing", want: 0},
		{name: "time alone", hasTime: true, want: 14},
		{name: "text counts", source: "svc", detailType: "User.Created", detailLen: 100, want: 3 + 12 + 100},
		{name: "bytes, not characters", source: name, detailType: name, want: 7 + 7},
		{name: "each resource", resources: []string{"", "a", name}, want: 8},
		{name: "all of it", hasTime: true, source: "svc", detailType: "T", detailLen: 2, resources: []string{"arn"}, want: 14 + 3 + 1 + 2 + 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, EntrySize(tt.hasTime, tt.source, tt.detailType, tt.detailLen, tt.resources))
		})
	}
}

func TestEntrySizeDoesNotAllocate(t *testing.T) {
	resources := []string{"a", "b"}
	require.Zero(t, testing.AllocsPerRun(100, func() { EntrySize(true, "s", "d", 10, resources) }))
}
