package streamrecord

import (
	"encoding/binary"
	"math/bits"
)

// Eight bytes at a time in one register, the first in the lowest bits. The
// marking functions mark bytes of w by their high bit. Only the lowest mark is
// exact, and only that is used: a borrow or carry out of a marked byte can
// reach the bytes above it.

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// load returns the eight bytes at src[p:], or zeros where so many are not left.
// A zero is a control character and no part of anything, so there the slow way
// is taken, byte by byte. (The condition is written so that the compiler needs
// no other.)
func load(src []byte, p int) uint64 {
	if p >= 0 && p < len(src)-8 {
		return binary.LittleEndian.Uint64(src[p:])
	}
	return 0
}

// store writes w to dst[n:], which must have room for it.
func store(dst []byte, n int, w uint64) {
	binary.LittleEndian.PutUint64(dst[n:n+8], w)
}

// index returns the index of the lowest mark in m.
func index(m uint64) int { return bits.TrailingZeros64(m) >> 3 }

// quoteOrSlash marks '"' and '\'.
func quoteOrSlash(w uint64) uint64 {
	quote := w ^ ones*'"'
	slash := w ^ ones*'\\'
	return ((quote - ones) | (slash - ones)) &^ w & highs
}

// special marks what ends a run of bytes that stand for themselves in a JSON
// string: '"', '\' and control characters. Flipping the second bit puts '"'
// right behind the control characters and moves space and '!' away, so that
// one subtraction finds both.
func special(w uint64) uint64 {
	quoteOrControl := w ^ ones*2
	slash := w ^ ones*'\\'
	return ((quoteOrControl - ones*0x21) | (slash - ones)) &^ w & highs
}

// specialOrWide marks what special marks, and everything that is not ASCII.
func specialOrWide(w uint64) uint64 {
	quoteOrControl := w ^ ones*2
	slash := w ^ ones*'\\'
	return ((quoteOrControl - ones*0x21) | (slash - ones) | w) & highs
}

// nonDigit marks everything but '0' to '9'.
func nonDigit(w uint64) uint64 {
	x := w ^ ones*'0'
	return (x + ones*(0x80-10) | x) & highs
}

// short returns the length of the text that w begins with, if it is plain
// ASCII with a closing quote behind it; else -1.
func short(w uint64) int {
	m := specialOrWide(w)
	if m == 0 {
		return -1
	}
	k := index(m)
	if byte(w>>(8*k)) != '"' {
		return -1
	}
	return k
}
