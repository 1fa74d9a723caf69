package jsonlex

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// Strings are written with as few escapes as JSON allows: the quote, the
// backslash and control characters are escaped, the latter as \b \f \n \r \t or
// \u00xx in lower case. So the length of what is written is a function of the
// text alone.

// controlEscapes has the letter of each control character that has an escape of
// two characters.
var controlEscapes = [' ']byte{'\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}

// QuotedLen is the length of a text as a JSON string, quotes included. It does
// not look whether the text is UTF-8.
func QuotedLen[S Text](text S) int {
	size := len(text) + 2
	for p := 0; p < len(text); p++ {
		m := Special(Load(text, p))
		if m == 0 {
			p += 7
			continue
		}
		p += Index(m)
		if p < len(text) {
			size += quotedRuneLen(rune(text[p])) - 1
		}
	}
	return size
}

// quotedRuneLen is the length of a character below [utf8.RuneSelf] in a JSON
// string.
func quotedRuneLen(r rune) int {
	switch {
	case r == '"' || r == '\\' || r < ' ' && controlEscapes[r] != 0:
		return 2
	case r < ' ':
		return 6
	}
	return 1
}

// PutRune writes a character to dst as it stands in a JSON string and returns
// its length. Dst has room for the 6 bytes that it can need, and it never needs
// more bytes than an escape for it has.
func PutRune(dst []byte, r rune) int {
	switch {
	case r == '"' || r == '\\':
		dst[0], dst[1] = '\\', byte(r)
		return 2
	case r >= utf8.RuneSelf:
		return utf8.EncodeRune(dst, r)
	case r >= ' ':
		dst[0] = byte(r)
		return 1
	case controlEscapes[r] != 0:
		dst[0], dst[1] = '\\', controlEscapes[r]
		return 2
	}
	const hex = "0123456789abcdef"
	copy(dst, `\u00`)
	dst[4], dst[5] = hex[r>>4], hex[r&15]
	return 6
}

// AppendQuoted appends text to b as a JSON string. Each byte that is not UTF-8
// becomes U+FFFD, as in encoding/json. What b has room for behind the string may
// be overwritten.
func AppendQuoted[S Text](b []byte, text S) []byte {
	const room = 64 // for eight control characters of six bytes, and what is written behind them
	start := len(b)
	b = slices.Grow(b, 1+2*len(text)+room)
	b, n := b[:cap(b)], start+1
	b[start] = '"'
	ascii := len(text) // how many bytes at the front are ASCII, as far as has been seen
	for p := 0; p < len(text); {
		n, p, ascii = quoteWords(b, text, n, p, ascii)
		if p == len(text) {
			break
		}
		b = slices.Grow(b[:n], 2*(len(text)-p)+room)
		b = b[:cap(b)]
		for end := min(p+8, len(text)); p < end; p++ {
			c := text[p]
			switch {
			case c < ' ':
				n += PutRune(b[n:], rune(c))
				continue
			case c == '"' || c == '\\':
				b[n] = '\\'
				n++
			case c >= utf8.RuneSelf:
				ascii = min(ascii, p)
			}
			b[n] = c
			n++
		}
	}
	if invalid(text[ascii:]) >= 0 {
		return AppendQuoted(b[:start], string([]rune(string(text))))
	}
	b[n] = '"'
	return b[:n+1]
}

// quoteWords writes text from p on to dst[n:] as it stands in a JSON string, eight
// bytes at a time, and returns how far it got. It stops before a control character
// with a long escape, or where fewer than eight bytes are left. Where it finds more
// than ASCII, it lowers ascii to there.
//
// Large payloads spend their time here. So it calls nothing, which keeps all that
// it needs in registers. The first two escapes of a word are written out for quotes
// and backslashes, which most are; the loop behind them takes any number of any kind.
func quoteWords[S Text](dst []byte, text S, n, p, ascii int) (_, _, _ int) {
	for p <= len(text)-8 && n <= len(dst)-len(escapedWord{}) {
		w := Load(text, p)
		var m uint64
		if w&Highs == 0 {
			m = Escaped(w)
		} else {
			m = Escaped(Narrow(w))
			ascii = min(ascii, p)
		}
		to := (*escapedWord)(dst[n:])
		binary.LittleEndian.PutUint64(to[:], w)
		if m == 0 {
			n, p = n+8, p+8
			continue
		}
		backslashes := 0 // how many are written
		k := bits.TrailingZeros64(m)
		rest := w >> (k & 56)
		if byte(rest) >= ' ' {
			at := k >> 3 & 7 // it is at most 7; the mask tells the compiler so
			to[at] = '\\'
			binary.LittleEndian.PutUint64(to[at+1:], rest)
			if m &= m - 1; m == 0 {
				n, p = n+9, p+8
				continue
			}
			backslashes = 1
			k = bits.TrailingZeros64(m)
			rest = w >> (k & 56)
			if byte(rest) >= ' ' {
				at = k >> 3 & 7
				to[at+1] = '\\'
				binary.LittleEndian.PutUint64(to[at+2:], rest)
				if m &= m - 1; m == 0 {
					n, p = n+10, p+8
					continue
				}
				backslashes = 2
			}
		}
		for ; m != 0; m &= m - 1 {
			k := bits.TrailingZeros64(m)
			rest := w >> (k & 56)
			if c := byte(rest); c < ' ' {
				if controlEscapes[c] == 0 {
					return n, p, ascii
				}
				rest += uint64(controlEscapes[c] - c)
			}
			at := (k>>3 + backslashes) & 15
			to[at] = '\\'
			binary.LittleEndian.PutUint64(to[at+1:], rest)
			backslashes++
		}
		n, p = n+8+backslashes, p+8
	}
	return n, p, ascii
}

// escapedWord has room for eight bytes, as many backslashes, and what is written
// behind them.
type escapedWord [8 + 8 + 8]byte
