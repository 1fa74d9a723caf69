package jsonlex

import (
	"encoding/binary"
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
	wide := uint64(0) // there is more than ASCII
	for p := 0; p < len(text); {
		w := Load(text, p)
		if NoControls(w) != Highs { // there is one, or fewer than eight bytes are left
			b = slices.Grow(b[:n], 2*(len(text)-p)+room)
			b = b[:cap(b)]
			for end := min(p+8, len(text)); p < end; p++ {
				c := text[p]
				wide |= uint64(c)
				if c < ' ' {
					n += PutRune(b[n:], rune(c))
					continue
				}
				if c == '"' || c == '\\' {
					b[n] = '\\'
					n++
				}
				b[n] = c
				n++
			}
			continue
		}
		p += 8
		wide |= w
		// All eight are written, and those from an escaped one on again, behind it.
		to := (*[8 + 8 + 8]byte)(b[n:])
		binary.LittleEndian.PutUint64(to[:], w)
		n += 8
		more := 0
		for m := QuotesAndBackslashes(w); m != 0; m &= m - 1 {
			k := Index(m)
			at := (k + more) & 15 // each is at most 7; the masks tell the compiler so
			to[at] = '\\'
			binary.LittleEndian.PutUint64(to[at+1:], w>>(8*k&63))
			more++
		}
		n += more
	}
	if wide&Highs != 0 && invalid(text) >= 0 {
		return AppendQuoted(b[:start], string([]rune(string(text))))
	}
	b[n] = '"'
	return b[:n+1]
}
