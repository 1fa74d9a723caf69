package header_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/header"
)

// Every header has a name of its own, is found by it, and has a field that no
// other header has.
func TestTable(t *testing.T) {
	for i, h := range header.Table {
		require.NotEmpty(t, h.Name)
		require.Equal(t, i, header.Named(h.Name))
		require.Equal(t, i, header.Named([]byte(h.Name)))
		require.True(t, h.Always || !h.Required, h.Name)

		var f header.Fields
		if h.Number {
			require.Nil(t, f.Text(i), h.Name)
			f.SetNumber(i, 1764000000123)
		} else {
			*f.Text(i) = "set"
		}
		for j, other := range header.Table {
			switch {
			case other.Number:
				require.Equal(t, i == j, f.Number(j) == 1764000000123, "%s and %s", h.Name, other.Name)
			default:
				require.Equal(t, i == j, *f.Text(j) == "set", "%s and %s", h.Name, other.Name)
			}
		}
	}
	for _, name := range []string{"", "EventId", "eventid", "tenantId", "a name that is longer than any of them"} {
		require.Equal(t, -1, header.Named(name))
	}
}
