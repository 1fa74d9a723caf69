// Package decimal reads the decimal numbers of JSON and DynamoDB exactly: what
// digits they have, whether DynamoDB holds them, how it writes them back and
// how many bytes they count for. It never expands an exponent before the range
// is known, so a text as short as 1e999999999 costs no more than its length.
package decimal

import (
	"strconv"
	"strings"
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
	return parse(s, true)
}

// Parse reads a number as DynamoDB reads the text of an N attribute: as JSON
// does, and leading zeros, a leading plus sign and a point without digits on
// one of its sides are allowed too. ok reports whether s is a number. Exponents
// beyond ±10^18 are not told apart.
func Parse(s string) (n Number, ok bool) {
	return parse(s, false)
}

func parse(s string, strict bool) (Number, bool) {
	n := Number{literal: s}
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+' && !strict) {
		n.neg = s[i] == '-'
		i++
	}

	intStart := i
	i += countDigits(s[i:])
	intEnd := i
	fracStart, fracEnd := i, i
	if i < len(s) && s[i] == '.' {
		fracStart = i + 1
		fracEnd = fracStart + countDigits(s[fracStart:])
		i = fracEnd
		if strict && fracStart == fracEnd {
			return Number{}, false
		}
	}
	if strict && (intStart == intEnd || s[intStart] == '0' && intEnd-intStart > 1) {
		return Number{}, false
	}
	if intStart == intEnd && fracStart == fracEnd {
		return Number{}, false
	}

	shift, rest, ok := parseExponent(s[i:])
	if !ok || rest != "" {
		return Number{}, false
	}
	n.significant(s, intStart, intEnd, fracStart, fracEnd)
	if n.count == 0 {
		n.neg, n.plain = false, s == "0"
		return n, true
	}
	n.exp += shift
	n.plain = i == len(s) && intStart < intEnd && int64(len(s)) == n.PlainLen()
	return n, true
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

// parseExponent reads what follows the digits of a number: nothing, or an
// exponent. It returns the exponent, cut off at ±farExponent, and the rest.
func parseExponent(s string) (exp int64, rest string, ok bool) {
	if s == "" || s[0] != 'e' && s[0] != 'E' {
		return 0, s, true
	}
	s = s[1:]
	neg := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	end := countDigits(s)
	if end == 0 {
		return 0, s, false
	}
	digits := s[leadingZeros(s[:end]):end]
	if len(digits) > 18 {
		exp = farExponent
	} else {
		for i := range len(digits) {
			exp = exp*10 + int64(digits[i]-'0')
		}
	}
	if neg {
		exp = -exp
	}
	return exp, s[end:], true
}

func countDigits(s string) int {
	i := 0
	for i < len(s) && s[i]-'0' <= 9 {
		i++
	}
	return i
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
