package streamrecord

import (
	"math"
	"time"
)

// copyNumber copies the number in the JSON string that begins before src[p] to
// dst[n:], as a JSON number. What is one already is copied as it is, digit for
// digit. What only DynamoDB takes for a number is brought into JSON's form:
// "+5", ".5", "5.", "007". The output is at most one byte longer than the
// input without its quotes.
func copyNumber(dst, src []byte, n, p int) (int, int, problem) {
	// the common case first: plain digits, perhaps with a fraction
	start, q, m := p, p, n
	if at(src, q) == '-' {
		dst[m] = '-'
		q, m = q+1, m+1
	}
	if c := at(src, q); c >= '1' && c <= '9' {
		w := load(src, q)
		store(dst, m, w)
		k := index(nonDigit(w))
		m, q = m+k, q+k
		if k == 8 || k == 0 { // more digits, or the end of the source near
			m, q = copyDigits(dst, src, m, q)
		}
		if at(src, q) == '.' && isDigit(at(src, q+1)) {
			dst[m] = '.'
			m, q = copyDigits(dst, src, m+1, q+1)
		}
		if at(src, q) == '"' {
			return m, q + 1, none
		}
	}
	if m, q, ok := normalize(dst, src, n, start); ok && at(src, q) == '"' {
		return m, q + 1, none
	}
	// perhaps it has escapes: resolve them behind the place for the result
	m, q, bad := unquote(dst, src, n+1, start)
	if bad != none {
		return n, q, bad
	}
	dst[m] = 0 // the end of the text, which no number goes past
	if end, at, ok := normalize(dst, dst, n, n+1); ok && at == m {
		return end, q, none
	}
	return n, start, badNumber
}

// normalize copies the longest number at src[p:] to dst[n:], in JSON's form.
// dst may be src if n < p.
func normalize(dst, src []byte, n, p int) (int, int, bool) {
	switch at(src, p) {
	case '-':
		dst[n] = '-'
		n, p = n+1, p+1
	case '+':
		p++
	}
	digits := 0
	for ; at(src, p) == '0'; p++ {
		digits++
	}
	if c := at(src, p); c < '1' || c > '9' {
		dst[n] = '0'
		n++
	}
	from := p
	n, p = copyDigits(dst, src, n, p)
	digits += p - from
	if at(src, p) == '.' {
		p++
		if isDigit(at(src, p)) {
			dst[n] = '.'
			from = p
			n, p = copyDigits(dst, src, n+1, p)
			digits += p - from
		}
	}
	if digits == 0 {
		return n, p, false
	}
	if c := at(src, p); c == 'e' || c == 'E' {
		dst[n] = c
		n, p = n+1, p+1
		if c := at(src, p); c == '+' || c == '-' {
			dst[n] = c
			n, p = n+1, p+1
		}
		if !isDigit(at(src, p)) {
			return n, p, false
		}
		n, p = copyDigits(dst, src, n, p)
	}
	return n, p, true
}

func copyDigits(dst, src []byte, n, p int) (int, int) {
	for isDigit(at(src, p)) {
		dst[n] = src[p]
		n, p = n+1, p+1
	}
	return n, p
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// parseInt returns the value of a number that is an int64, however it is
// written: 12, 12.0, 1.2e1.
func parseInt(s []byte) (int64, bool) {
	if n, ok := parseDigits(s); ok {
		return int64(n), true
	}
	mantissa, scale, negative, ok := parseDecimal(s)
	if !ok {
		return 0, false
	}
	for ; scale < 0 && mantissa != 0; scale++ {
		if mantissa%10 != 0 {
			return 0, false
		}
		mantissa /= 10
	}
	for ; scale > 0 && mantissa != 0; scale-- {
		if mantissa > math.MaxUint64/10 {
			return 0, false
		}
		mantissa *= 10
	}
	switch {
	case negative && mantissa <= 1<<63:
		return -int64(mantissa), true
	case !negative && mantissa < 1<<63:
		return int64(mantissa), true
	}
	return 0, false
}

// parseDigits returns the value of plain digits, and reports whether s is that
// and no more than an int64 can hold for sure.
func parseDigits(s []byte) (uint64, bool) {
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	var n uint64
	for _, c := range s {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + uint64(c-'0')
	}
	return n, true
}

// parseDecimal reads a number, in DynamoDB's or JSON's form, as
// mantissa * 10^scale. It does not read those of more significant digits than
// a uint64 can hold, or of an exponent that no int64 or time can need.
func parseDecimal(s []byte) (mantissa uint64, scale int, negative, ok bool) {
	p, digits, point := 0, 0, false
	if c := at(s, p); c == '-' || c == '+' {
		negative = c == '-'
		p++
	}
	for ; p < len(s); p++ {
		c := s[p]
		if c == '.' && !point {
			point = true
			continue
		}
		if !isDigit(c) {
			break
		}
		digits++
		switch {
		case mantissa <= (math.MaxUint64-9)/10:
			mantissa = mantissa*10 + uint64(c-'0')
			if point {
				scale--
			}
		case c != '0':
			return 0, 0, false, false
		case !point:
			scale++
		}
	}
	if digits == 0 {
		return 0, 0, false, false
	}
	if c := at(s, p); c == 'e' || c == 'E' {
		p++
		sign := 1
		if c := at(s, p); c == '-' || c == '+' {
			if c == '-' {
				sign = -1
			}
			p++
		}
		exp, first := 0, p
		for ; isDigit(at(s, p)); p++ {
			if exp = exp*10 + int(s[p]-'0'); exp > 1000 {
				return 0, 0, false, false
			}
		}
		if p == first {
			return 0, 0, false, false
		}
		scale += sign * exp
	}
	return mantissa, scale, negative, p == len(s)
}

// parseTime returns the time s seconds after the Unix epoch, where s is a
// number; the zero time if it is none, or not between 1970 and 9999.
func parseTime(s []byte) time.Time {
	if seconds, ok := parseDigits(s); ok && seconds <= maxSeconds {
		return time.Unix(int64(seconds), 0).UTC()
	}
	mantissa, scale, negative, ok := parseDecimal(s)
	if !ok || negative || scale > 12 || scale < -18 {
		return time.Time{}
	}
	for ; scale > 0; scale-- {
		if mantissa > maxSeconds/10 {
			return time.Time{}
		}
		mantissa *= 10
	}
	seconds, fraction, unit := mantissa, uint64(0), uint64(1)
	for ; scale < 0; scale++ {
		fraction += seconds % 10 * unit
		seconds, unit = seconds/10, unit*10
	}
	if seconds > maxSeconds {
		return time.Time{}
	}
	for ; unit > 1e9; unit /= 10 {
		fraction /= 10
	}
	for ; unit < 1e9; unit *= 10 {
		fraction *= 10
	}
	return time.Unix(int64(seconds), int64(fraction)).UTC()
}

// maxSeconds is the last second of the year 9999.
const maxSeconds = 253402300799
