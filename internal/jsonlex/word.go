package jsonlex

import "math/bits"

// Eight bytes at a time, in one register, the first of them in the lowest bits.
// The functions that mark bytes set the high bit of each. Only the lowest mark
// is exact, unless a function says that all are: the subtraction can borrow from
// the bytes above a marked one. So only the lowest is used.

const (
	ones  = 0x0101010101010101
	Highs = 0x8080808080808080 // the high bit of each byte
)

// Load returns the eight bytes at src[p:], or zeros where so many are not left.
// A zero is a control character and marked by [Special], so a text is read byte
// by byte near its end.
func Load[S Text](src S, p int) uint64 {
	if p < 0 || p > len(src)-8 {
		return 0
	}
	b := src[p : p+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// Index returns the index of the lowest mark in m.
func Index(m uint64) int { return bits.TrailingZeros64(m) >> 3 }

// Special marks what does not stand for itself in a string: the quote, the
// backslash and control characters. Flipping the second bit puts the quote
// right behind the control characters and moves space and '!' away, so that one
// subtraction finds both.
func Special(w uint64) uint64 {
	quoteOrControl := w ^ ones*2
	backslash := w ^ ones*'\\'
	return ((quoteOrControl - ones*0x21) | (backslash - ones)) &^ w & Highs
}

// Escaped marks what [Special] marks in a word of ASCII, and every mark is exact:
// what is subtracted from a byte is less than that byte, so nothing is borrowed.
func Escaped(w uint64) uint64 {
	quoteOrControl := w ^ ones*2
	backslash := w ^ ones*'\\'
	return ((ones*0xA0 - quoteOrControl) | (ones*0x80 - backslash)) & Highs
}

// Narrow replaces each byte outside of ASCII by one that stands for itself.
func Narrow(w uint64) uint64 {
	wide := w & Highs
	return w&^wide | wide>>1 | wide>>2 // from 0x60 to 0x7F
}

// SpecialOrWide marks what [Special] marks, and all bytes outside of ASCII.
func SpecialOrWide(w uint64) uint64 {
	quoteOrControl := w ^ ones*2
	backslash := w ^ ones*'\\'
	return ((quoteOrControl - ones*0x21) | (backslash - ones) | w) & Highs
}

// quoteOrBackslash marks the quote and the backslash, and everything in a word
// that [Load] did not find.
func quoteOrBackslash(w uint64) uint64 {
	if w == 0 {
		return Highs
	}
	quote := w ^ ones*'"'
	backslash := w ^ ones*'\\'
	return ((quote - ones) | (backslash - ones)) &^ w & Highs
}
