package decimal

import (
	"errors"
	"strconv"
)

// Why DynamoDB refuses a number.
var (
	ErrPrecision = errors.New("more than 38 significant digits")
	ErrRange     = errors.New("magnitude outside 1E-130 to 9.99E+125")
)

// Check returns nil if DynamoDB holds n exactly, otherwise [ErrPrecision] or
// [ErrRange].
func (n *Number) Check() error {
	switch {
	case n.Digits() == 0:
		return nil
	case n.exp > MaxExponent || n.exp < MinExponent:
		return ErrRange
	case n.Digits() > MaxDigits:
		return ErrPrecision
	}
	return nil
}

// Text returns a number as [Number.AppendPlain] writes it, without an
// allocation where that is how it was read.
func (n *Number) Text() string {
	if n.plain && n.Check() == nil {
		return n.literal
	}
	return string(n.AppendPlain(nil))
}

// AppendPlain appends n to dst in the form that DynamoDB returns numbers in:
// no exponent, no zeros that could be left out, no negative zero. A number that
// [Number.Check] refuses is appended as its digits and an exponent, so that the
// length of the result never runs away from that of the text it was read from.
func (n *Number) AppendPlain(dst []byte) []byte {
	if n.Digits() == 0 {
		return append(dst, '0')
	}
	if n.neg {
		dst = append(dst, '-')
	}
	last := n.exp - int64(n.Digits()) + 1 // power of ten of the last digit
	switch {
	case n.Check() != nil:
		dst = n.appendDigits(dst, n.Digits())
		dst = append(dst, 'e')
		return strconv.AppendInt(dst, last, 10)
	case last >= 0:
		dst = n.appendDigits(dst, n.Digits())
		return appendZeros(dst, last)
	case n.exp >= 0:
		return n.appendDigits(dst, int(n.exp)+1)
	}
	dst = append(dst, '0', '.')
	dst = appendZeros(dst, -n.exp-1)
	return n.appendDigits(dst, n.Digits())
}

// appendDigits appends the significant digits with a point after the first
// point of them, unless that is the end.
func (n *Number) appendDigits(dst []byte, point int) []byte {
	written := 0
	for i := range len(n.digits) {
		if n.digits[i] == '.' {
			continue
		}
		if written == point {
			dst = append(dst, '.')
		}
		dst = append(dst, n.digits[i])
		written++
	}
	return dst
}

func appendZeros(dst []byte, count int64) []byte {
	for range count {
		dst = append(dst, '0')
	}
	return dst
}

// Size is the number of bytes that n counts for in an item, without the name of
// its attribute: 1, and 1 for every two digits of the whole part and of the
// fraction, each rounded up, and 1 more below zero. Zeros at the end of a number
// without a fraction, and at the beginning of a fraction without a whole part,
// do not count. AWS gives the rule without rounding, point and sign and calls it
// approximate
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html);
// this is how the public suite paritysuite/dynamodb-conformance measured it
// (tests/tier3/limits/numberByteSize.test.ts).
func (n *Number) Size() int {
	digits := n.Digits()
	if digits == 0 {
		return 1
	}
	size := 1 + (digits+1)/2
	last := n.exp - int64(digits) + 1 // power of ten of the last digit
	if whole := int(n.exp) + 1; n.exp >= 0 && last < 0 {
		size = 1 + (whole+1)/2 + (digits-whole+1)/2
	}
	if n.neg {
		size++
	}
	return size
}
