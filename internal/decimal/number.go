// Package decimal reads the decimal numbers of JSON and DynamoDB exactly: what
// digits they have, whether DynamoDB holds them, how it writes them back and
// how many bytes they count for. It never expands an exponent before the range
// is known, so a text as short as 1e999999999 costs no more than its length.
package decimal

import (
	"strconv"
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// What DynamoDB holds in a number (N)
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
const (
	// MaxDigits is the number of significant digits: those that are left
	// without leading and trailing zeros.
	MaxDigits = 38

	// MaxExponent and MinExponent bound the power of ten of the first
	// significant digit: 9.99…E+125 and 1E-130 are the largest and the
	// smallest magnitude.
	MaxExponent = 125
	MinExponent = -130
)

// farExponent stands for every exponent that is further out. It is small
// enough to add the length of a literal to.
const farExponent = 1_000_000_000_000_000_000

// Number is a decimal number as it was read: d.ddd × 10^Exponent. The zero
// value is the number 0. A Number keeps the text it was read from alive.
type Number struct {
	literal string // the whole text
	digits  string // from the first to the last significant digit, with the point if it is between them
	count   int    // of significant digits; 0 for zero
	exp     int64  // power of ten of the first significant digit
	neg     bool
	plain   bool // literal is already what AppendPlain would write
}

// ParseJSON reads a number by JSON's grammar
// (https://www.rfc-editor.org/rfc/rfc8259#section-6); ok reports whether s is
// one, whole, without space around it. Exponents beyond ±10^18 are not told
// apart.
func ParseJSON(s string) (n Number, ok bool) {
	return whole(s, jsonlex.JSON)
}

// Parse reads a number as DynamoDB reads the text of an N attribute: as JSON
// does, and leading zeros, a leading plus sign and a point without digits on
// one of its sides are allowed too. ok reports whether s is a number. Exponents
// beyond ±10^18 are not told apart.
func Parse(s string) (n Number, ok bool) {
	return whole(s, jsonlex.DynamoDB)
}

func whole(s string, g jsonlex.Grammar) (Number, bool) {
	n, end, ok := Scan(s, 0, g)
	if !ok || end < len(s) {
		return Number{}, false
	}
	return n, true
}

// Scan reads the longest number at s[p:] and returns the position behind it; if
// there is none, where it went wrong.
func Scan(s string, p int, g jsonlex.Grammar) (n Number, end int, ok bool) {
	at, ok := jsonlex.ScanNumber(s, p, g)
	if !ok {
		return Number{}, at.End, false
	}
	n = Number{literal: s[p:at.End], neg: at.Negative}
	n.significant(s, at.IntFrom, at.IntTo, at.FracFrom, at.FracTo)
	if n.count == 0 {
		n.neg, n.plain = false, n.literal == "0"
		return n, at.End, true
	}
	if at.ExpFrom < at.End {
		n.exp += exponent(s[at.ExpFrom:at.End], at.ExpNegative)
	} else {
		n.plain = at.IntFrom < at.IntTo && int64(len(n.literal)) == n.PlainLen()
	}
	return n, at.End, true
}

// significant finds the significant digits of s, whose digits before and after
// the point are s[intStart:intEnd] and s[fracStart:fracEnd].
func (n *Number) significant(s string, intStart, intEnd, fracStart, fracEnd int) {
	first := intStart + leadingZeros(s[intStart:intEnd])
	if first == intEnd {
		first = fracStart + leadingZeros(s[fracStart:fracEnd])
		if first == fracEnd {
			return // zero
		}
	}
	last := fracEnd - trailingZeros(s[fracStart:fracEnd])
	if last == fracStart {
		last = intEnd - trailingZeros(s[intStart:intEnd])
	}
	n.digits = s[first:last]
	n.count = last - first
	if first < intEnd && last > intEnd {
		n.count-- // the point
	}
	if first < intEnd {
		n.exp = int64(intEnd - first - 1)
	} else {
		n.exp = -int64(first - fracStart + 1)
	}
}

// exponent returns the value of the digits of an exponent, cut off at
// ±farExponent.
func exponent(digits string, negative bool) int64 {
	digits = digits[leadingZeros(digits):]
	exp := int64(farExponent)
	if len(digits) <= 18 {
		exp = 0
		for i := range len(digits) {
			exp = exp*10 + int64(digits[i]-'0')
		}
	}
	if negative {
		return -exp
	}
	return exp
}

func leadingZeros(s string) int {
	i := 0
	for i < len(s) && s[i] == '0' {
		i++
	}
	return i
}

func trailingZeros(s string) int {
	i := len(s)
	for i > 0 && s[i-1] == '0' {
		i--
	}
	return len(s) - i
}

// Digits is the number of significant digits; 0 has none.
func (n Number) Digits() int { return n.count }

// Exponent is the power of ten of the first significant digit; 0 for zero.
func (n Number) Exponent() int64 { return n.exp }

// Negative reports whether n is below zero. There is no negative zero.
func (n Number) Negative() bool { return n.neg }

// IsInteger reports whether n has no fraction.
func (n Number) IsInteger() bool {
	return n.exp-int64(n.count)+1 >= 0 || n.count == 0
}

// FitsInt64 reports whether n is an integer from -2^63 to 2^63-1.
func (n Number) FitsInt64() bool {
	const lastPower = 18 // of 9223372036854775807
	switch {
	case !n.IsInteger():
		return false
	case n.exp < lastPower || n.count == 0:
		return true
	case n.exp > lastPower:
		return false
	}
	limit := Number{digits: "9223372036854775807", count: 19, exp: lastPower}
	if n.neg {
		limit.digits, limit.neg = "9223372036854775808", true
		return Compare(n, limit) >= 0
	}
	return Compare(n, limit) <= 0
}

// Int64 returns the value of a number that [Number.FitsInt64] has accepted.
func (n Number) Int64() int64 {
	var v uint64 // for the magnitude of the smallest
	for i := range len(n.digits) {
		if c := n.digits[i]; c != '.' {
			v = v*10 + uint64(c-'0')
		}
	}
	for range n.exp - int64(n.count) + 1 {
		v *= 10
	}
	if n.neg {
		return -int64(v)
	}
	return int64(v)
}

// Int64 returns the value of a text that is a number (see [Parse]) and an
// int64, however it is written: 12, 12.0 and 1.2E1 are.
func Int64[S jsonlex.Text](text S) (int64, bool) {
	if v, ok := shortInt(text); ok {
		return v, true
	}
	n, ok := Parse(string(text))
	if !ok || !n.FitsInt64() {
		return 0, false
	}
	return n.Int64(), true
}

// shortInt is [Int64] for digits alone that are too few to be no int64, as
// those of nearly all integers are.
func shortInt[S jsonlex.Text](text S) (int64, bool) {
	if len(text) == 0 || len(text) > 18 {
		return 0, false
	}
	var v int64
	for i := range len(text) {
		c := text[i]
		if !jsonlex.IsDigit(c) {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, true
}

// Nano returns the whole part of a number's magnitude and the first nine digits
// of its fraction; ok is false if the whole part has more than 18 digits.
func (n Number) Nano() (whole, nano int64, ok bool) {
	if n.exp >= 18 {
		return 0, 0, false
	}
	power := n.exp
	for i := range len(n.digits) {
		c := n.digits[i]
		if c == '.' {
			continue
		}
		switch {
		case power >= 0:
			whole = whole*10 + int64(c-'0')
		case power >= -9:
			nano = nano*10 + int64(c-'0')
		}
		power--
	}
	for ; power >= 0; power-- {
		whole *= 10
	}
	for ; power >= -9; power-- {
		nano *= 10
	}
	return whole, nano, true
}

// FitsFloat64 reports whether n, rounded to a float64, is finite. What is too
// small for a float64 is rounded to 0 and fits.
func (n Number) FitsFloat64() bool {
	const lastPower = 308 // of math.MaxFloat64
	if n.exp != lastPower {
		return n.exp < lastPower
	}
	_, err := strconv.ParseFloat(strings.TrimPrefix(n.literal, "+"), 64)
	return err == nil
}
