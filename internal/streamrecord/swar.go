package streamrecord

// Eight bytes at a time in one register. The functions mark bytes of w by
// their high bit; only the lowest mark is exact, which is the one that is used:
// a borrow or carry out of a marked byte can reach the bytes above it.

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// quoteOrSlash marks '"' and '\'.
func quoteOrSlash(w uint64) uint64 {
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return ((quote - ones) | (slash - ones)) &^ w & highs
}

// special marks what ends a run of bytes that stand for themselves in a JSON
// string: '"', '\' and control characters.
func special(w uint64) uint64 {
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return ((quote - ones) | (slash - ones) | (w - ones*' ')) &^ w & highs
}

// nonDigit marks everything but '0' to '9'.
func nonDigit(w uint64) uint64 {
	x := w ^ ones*'0'
	return (x + ones*(0x80-10) | x) & highs
}
