package streamrecord

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// Strings are copied with as few escapes as JSON allows: only '"', '\' and
// control characters are escaped, the latter as \b \f \n \r \t or \u00xx in
// lower case. So the length of the output is a function of the text alone,
// however the stream wrote it.

// copyString copies the JSON string that begins before src[p] to dst[n:],
// without the opening and with the closing quote. It writes up to 8 bytes
// behind its result.
func copyString(dst, src []byte, n, p int) (int, int, problem) {
	start := n
	var high uint64
	for {
		for p+8 <= len(src) {
			w := binary.LittleEndian.Uint64(src[p:])
			binary.LittleEndian.PutUint64(dst[n:], w)
			m := special(w)
			if m != 0 {
				k := bits.TrailingZeros64(m) >> 3
				high |= w & (m&-m - 1)
				n, p = n+k, p+k
				break
			}
			high |= w
			n, p = n+8, p+8
		}
		c := at(src, p)
		switch {
		case c == '"':
			if high&highs != 0 && !utf8.Valid(dst[start:n]) {
				return n, p, badString
			}
			dst[n] = '"'
			return n + 1, p + 1, none
		case c == '\\':
			r, q := escape(src, p)
			if q < 0 {
				return n, p, badString
			}
			n, p = quoteRune(dst, n, r), q
		case c < ' ':
			return n, p, controlOrEnd(src, p)
		default:
			high |= uint64(c)
			dst[n] = c
			n, p = n+1, p+1
		}
	}
}

// unquote is copyString without escapes and without quotes: the text itself.
func unquote(dst, src []byte, n, p int) (int, int, problem) {
	start := n
	var high uint64
	for {
		for p+8 <= len(src) {
			w := binary.LittleEndian.Uint64(src[p:])
			binary.LittleEndian.PutUint64(dst[n:], w)
			m := special(w)
			if m != 0 {
				k := bits.TrailingZeros64(m) >> 3
				high |= w & (m&-m - 1)
				n, p = n+k, p+k
				break
			}
			high |= w
			n, p = n+8, p+8
		}
		c := at(src, p)
		switch {
		case c == '"':
			if high&highs != 0 && !utf8.Valid(dst[start:n]) {
				return n, p, badString
			}
			return n, p + 1, none
		case c == '\\':
			r, q := escape(src, p)
			if q < 0 {
				return n, p, badString
			}
			n, p = n+utf8.EncodeRune(dst[n:], r), q
		case c < ' ':
			return n, p, controlOrEnd(src, p)
		default:
			high |= uint64(c)
			dst[n] = c
			n, p = n+1, p+1
		}
	}
}

// controlOrEnd tells a control character in a string from the end of the
// source.
func controlOrEnd(src []byte, p int) problem {
	if p >= len(src) {
		return malformed
	}
	return badString
}

// escape reads the escape sequence at src[p], both halves of a surrogate pair
// at once. The position is -1 if it is none, or half a pair.
func escape(src []byte, p int) (rune, int) {
	switch c := at(src, p+1); c {
	case '"', '\\', '/':
		return rune(c), p + 2
	case 'b':
		return '\b', p + 2
	case 'f':
		return '\f', p + 2
	case 'n':
		return '\n', p + 2
	case 'r':
		return '\r', p + 2
	case 't':
		return '\t', p + 2
	case 'u':
	default:
		return 0, -1
	}
	r := hex4(src, p+2)
	if r < 0xD800 || r >= 0xE000 {
		if r < 0 {
			return 0, -1
		}
		return r, p + 6
	}
	if r >= 0xDC00 || at(src, p+6) != '\\' || at(src, p+7) != 'u' {
		return 0, -1
	}
	low := hex4(src, p+8)
	if low < 0xDC00 || low >= 0xE000 {
		return 0, -1
	}
	return (r-0xD800)<<10 + (low - 0xDC00) + 0x10000, p + 12
}

// hex4 reads four hexadecimal digits, -1 if they are none.
func hex4(src []byte, p int) rune {
	if p+4 > len(src) {
		return -1
	}
	var r rune
	for _, c := range src[p : p+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// shortEscapes has the letter of each control character with a short escape.
var shortEscapes = [' ']byte{'\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}

// quoteRune writes r to dst[n:] as it stands in a JSON string. It never needs
// more bytes than an escape sequence for r.
func quoteRune(dst []byte, n int, r rune) int {
	switch {
	case r == '"' || r == '\\':
		dst[n], dst[n+1] = '\\', byte(r)
		return n + 2
	case r >= ' ':
		return n + utf8.EncodeRune(dst[n:], r)
	case shortEscapes[r] != 0:
		dst[n], dst[n+1] = '\\', shortEscapes[r]
		return n + 2
	}
	const hex = "0123456789abcdef"
	n += copy(dst[n:], `\u00`)
	dst[n], dst[n+1] = hex[r>>4], hex[r&15]
	return n + 2
}

// isBase64 reports whether s is base64 in the standard alphabet with padding,
// the form of a B.
func isBase64(s []byte) bool {
	if len(s)%4 != 0 {
		return false
	}
	for range 2 {
		if len(s) > 0 && s[len(s)-1] == '=' {
			s = s[:len(s)-1]
		}
	}
	for _, c := range s {
		if !base64Alphabet[c] {
			return false
		}
	}
	return len(s)%4 != 1
}

var base64Alphabet = func() (set [256]bool) {
	for _, c := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		set[c] = true
	}
	return set
}()
