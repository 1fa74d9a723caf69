// Package price says what publishing and reading cost, in US dollars, by the
// prices of us-east-1. Other regions cost up to about a third more.
package price

import "fmt"

// The prices, with where they were read. The price pages of AWS could not be read
// with their numbers in them.
const (
	// perMillionChunks: each 64 KB of an event counts as one
	// (cloudburn.io/blog/amazon-eventbridge-pricing, 2026-03-13).
	perMillionChunks = 1.00
	// perMillionReadUnits, on demand: a fifth of a write request unit
	// (airbyte.com/data-engineering-resources/dynamodb-pricing, 2025-07-21).
	perMillionReadUnits = 0.125

	chunk = 64 << 10
)

// Chunks is how many events an event of so many bytes counts for.
func Chunks(bytes int) int64 { return int64(max(1, (bytes+chunk-1)/chunk)) }

// Publish is the price of putting so many chunks on a bus.
func Publish(chunks int64) float64 { return float64(chunks) * perMillionChunks / 1e6 }

// Read is the price of so many read request units.
func Read(units float64) float64 { return units * perMillionReadUnits / 1e6 }

// Text writes an amount for people.
func Text(usd float64) string {
	switch {
	case usd == 0:
		return "$0"
	case usd < 0.01:
		return "under 1 cent"
	}
	return fmt.Sprintf("$%.2f", usd)
}
