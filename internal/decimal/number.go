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
	exp     int64  // power of ten of the first significant digit
	point   bool   // digits has the point
	neg     bool
	plain   bool // of a number in range, the literal is what AppendPlain writes
}

// Parse reads a number as DynamoDB reads the text of an N attribute, see
// [jsonlex.DynamoDB]; ok reports whether s is one, whole, without space around
// it.
func Parse(s string) (n Number, ok bool) {
	end, ok := n.Scan(s, 0, jsonlex.DynamoDB)
	if !ok || end < len(s) {
		return Number{}, false
	}
	return n, true
}

// Scan makes n the longest number at s[p:] and returns the position behind it.
// If there is none, it returns where it went wrong, and n is not to be used.
// Exponents beyond ±10^18 are not told apart.
func (n *Number) Scan(s string, p int, g jsonlex.Grammar) (end int, ok bool) {
	at, ok := jsonlex.ScanNumber(s, p, g)
	if !ok {
		return at.End, false
	}
	n.literal = s[p:at.End]
	n.exp, n.neg = 0, false
	if at.Last < at.First {
		n.digits, n.plain = "", n.literal == "0"
		return at.End, true
	}
	n.digits, n.neg = s[at.First:at.Last+1], at.Negative
	n.exp = int64(at.IntTo - at.First)
	if at.First < at.IntTo {
		n.exp-- // the digit before the point has 0, the one behind it -1
	}
	n.point = at.First < at.IntTo && at.Last > at.IntTo
	// As DynamoDB writes it: no exponent, no plus sign, no zero that says nothing.
	n.plain = at.ExpFrom == at.End && s[p] != '+' &&
		(at.IntTo == at.IntFrom+1 || at.IntTo > at.IntFrom && s[at.IntFrom] != '0') &&
		(at.IntTo == at.End || at.Last == at.FracTo-1 && at.FracFrom < at.FracTo)
	if at.ExpFrom < at.End {
		n.exp += exponent(s[at.ExpFrom:at.End], at.ExpNegative)
	}
	return at.End, true
}

// exponent returns the value of the digits of an exponent, cut off at
// ±farExponent.
func exponent(digits string, negative bool) int64 {
	digits = strings.TrimLeft(digits, "0")
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

// Literal is the text that n was read from.
func (n *Number) Literal() string { return n.literal }

// Digits is the number of significant digits; 0 has none.
func (n *Number) Digits() int {
	if n.point {
		return len(n.digits) - 1
	}
	return len(n.digits)
}

// Exponent is the power of ten of the first significant digit; 0 for zero.
func (n *Number) Exponent() int64 { return n.exp }

// Negative reports whether n is below zero. There is no negative zero.
func (n *Number) Negative() bool { return n.neg }

// IsInteger reports whether n has no fraction.
func (n *Number) IsInteger() bool {
	return n.exp-int64(n.Digits())+1 >= 0 || n.Digits() == 0
}

// FitsInt64 reports whether n is an integer from -2^63 to 2^63-1.
func (n *Number) FitsInt64() bool {
	if n.exp < lastPower {
		return n.IsInteger()
	}
	_, ok := n.Int64()
	return ok
}

// lastPower is that of the first digit of the longest integers of 64 bits.
const lastPower = 18

// Int64 returns the value of a number that [Number.FitsInt64].
func (n *Number) Int64() (int64, bool) {
	if n.exp > lastPower || !n.IsInteger() {
		return 0, false
	}
	var digits [2 + lastPower]byte // and the sign
	v, err := strconv.ParseInt(string(n.AppendPlain(digits[:0])), 10, 64)
	return v, err == nil
}

// Int64 returns the value of a text that is a number (see [Parse]) and an
// int64, however it is written: 12, 12.0 and 1.2E1 are.
func Int64[S jsonlex.Text](text S) (int64, bool) {
	if v, ok := shortInt(text); ok {
		return v, true
	}
	n, ok := Parse(string(text))
	if !ok {
		return 0, false
	}
	return n.Int64()
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

// Equal reports whether two texts are the same number: 1, 1.0 and 10E-1 are. A
// text that is not a number equals only itself.
func Equal(a, b string) bool {
	return a == b || Canonical(a) == Canonical(b)
}

// Canonical returns the text that all texts of the same number share, and
// every other text as it is.
func Canonical(text string) string {
	if n, ok := Parse(text); ok {
		return n.Text()
	}
	return text
}

// FitsFloat64 reports whether n, rounded to a float64, is finite. What is too
// small for a float64 is rounded to 0 and fits.
func (n *Number) FitsFloat64() bool {
	const most = 308 // of math.MaxFloat64
	if n.exp != most {
		return n.exp < most
	}
	_, err := strconv.ParseFloat(strings.TrimPrefix(n.literal, "+"), 64)
	return err == nil
}
