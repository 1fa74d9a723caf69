package streamrecord

import (
	"bytes"
	"time"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// copyNumber copies the number in the JSON string at src[p] to dst[n:], as a
// JSON number. What is one already is copied as it is, digit for digit.
func copyNumber(dst, src []byte, n, p int) (int, int, problem) {
	if jsonlex.At(src, p) != '"' {
		return n, p, unexpected(src, p)
	}
	// the common case first: plain digits, perhaps with a fraction
	m, q := n, p+1
	if jsonlex.At(src, q) == '-' {
		dst[m] = '-'
		m, q = m+1, q+1
	}
	if c := jsonlex.At(src, q); c >= '1' && c <= '9' || c == '0' && !jsonlex.IsDigit(jsonlex.At(src, q+1)) {
		m, q = copyDigits(dst, src, m, q)
		if jsonlex.At(src, q) == '.' && jsonlex.IsDigit(jsonlex.At(src, q+1)) {
			dst[m] = '.'
			m, q = copyDigits(dst, src, m+1, q+1)
		}
		if jsonlex.At(src, q) == '"' {
			return m, q + 1, none
		}
	}
	return copyAnyNumber(dst, src, n, p)
}

func copyDigits(dst, src []byte, n, p int) (int, int) {
	for jsonlex.IsDigit(jsonlex.At(src, p)) {
		dst[n] = src[p]
		n, p = n+1, p+1
	}
	return n, p
}

// copyAnyNumber is copyNumber for numbers with an exponent or with escapes, and
// for those that only DynamoDB takes for numbers: they lose a leading plus sign,
// leading zeros and a point without digits behind it, and get a zero before one
// without digits before it. So the output is longer than the number by one byte
// at most, and the number has had quotes.
func copyAnyNumber(dst, src []byte, n, p int) (int, int, problem) {
	end, q, bad := unquote(dst, src, n, p)
	if bad != none {
		return n, q, bad
	}
	text := dst[n:end]
	if number, ok := jsonlex.ScanNumber(text, 0, jsonlex.JSON); ok && number.End == len(text) {
		return end, q, none
	}
	number, ok := jsonlex.ScanNumber(text, 0, jsonlex.DynamoDB)
	if !ok || number.End != len(text) {
		return n, p + 1, badNumber
	}
	var room [64]byte // for every number of DynamoDB, else it grows
	form := room[:0]
	if number.Negative {
		form = append(form, '-')
	}
	whole := bytes.TrimLeft(text[number.IntFrom:number.IntTo], "0")
	if len(whole) == 0 {
		whole = []byte("0")
	}
	form = append(form, whole...)
	if number.FracFrom < number.FracTo {
		form = append(form, '.')
		form = append(form, text[number.FracFrom:number.FracTo]...)
	}
	form = append(form, text[number.FracTo:]...) // the exponent
	return n + copy(dst[n:], form), q, none
}

// maxSeconds is the last second of the year 9999.
const maxSeconds = 253402300799

// parseTime returns the time s seconds after the Unix epoch, where s is a
// number; the zero time if it is not a number, or not between 1970 and 9999.
func parseTime(s []byte) time.Time {
	nanos := int64(0)
	seconds, ok := decimal.Int64(s)
	if !ok { // perhaps it has a fraction
		number, isNumber := decimal.Parse(string(s))
		if !isNumber || number.Check() != nil {
			return time.Time{}
		}
		whole, fraction, _ := bytes.Cut(number.AppendPlain(nil), []byte("."))
		seconds, ok = decimal.Int64(whole)
		nanos, _ = decimal.Int64(append(fraction, "000000000"...)[:9])
	}
	if !ok || s[0] == '-' || seconds > maxSeconds {
		return time.Time{}
	}
	return time.Unix(seconds, nanos).UTC()
}
