package decimal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
)

// The sizes are those that dynoxide 1.2.1 counts, measured by filling an item up
// to its limit, and among them all that paritysuite/dynamodb-conformance has
// measured so on AWS. The suites of internal/conformance measure them again.
func TestSize(t *testing.T) {
	tests := []struct {
		text string
		want int
	}{
		{"0", 1}, {"-0.0", 1},
		{"1", 2}, {"10", 2}, {"12", 2}, {"100", 2}, {"123", 3}, {"1234", 3}, {"12345", 4}, {"123456", 4},
		{"-1", 3}, {"-12", 3}, {"-123", 4}, {"-1234", 4},
		{"1.2", 3}, {"1.23", 3}, {"12.3", 3}, {"12.34", 3}, {"123.4", 4},
		{"0.1", 2}, {"0.12", 2}, {"0.012", 2}, {"0.0012", 2}, {"0.00123", 3}, {"-0.012", 3}, {"-12.3", 4},
		{"1e10", 2}, {"1e11", 2}, {"12e10", 2}, {"12e11", 2}, {"123e10", 3}, {"123e11", 3},
		{"1e125", 2}, {"1e124", 2}, {"1.2e125", 2}, {"1e-130", 2}, {"1e-129", 2}, {"1.2e-129", 2}, {"120", 2},
		{"0042", 2}, {"1010", 3}, {"0.0000001", 2}, {"1E-100", 2}, {"1.5", 3}, {"15", 2}, {"1.200", 3}, {"1.234", 4}, {"3.14159", 5},
		{"100.5", 4}, {"0.15", 2}, {"-42", 3}, {"12345678901234567890123456789012345678", 20},
		{"99999999999999999999999999999999999999", 20},
		{"9999999999999999999999999999999999999", 20},
		{"9999999999999999999.9999999999999999999", 21},
		{"999999999999999999.99999999999999999999", 20},
		{"-99999999999999999999999999999999999999", 21},
		{"7.7777777777777777777777777777777777777", 21},
		{"-7.7777777777777777777777777777777777777", 22},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			n, ok := decimal.Parse(tt.text)
			require.True(t, ok)
			require.Equal(t, tt.want, n.Size())
		})
	}
}
