package streamrecord

import "unicode/utf8"

// Strings are copied with as few escapes as JSON allows: only '"', '\' and
// control characters are escaped, the latter as \b \f \n \r \t or \u00xx in
// lower case. So the length of the output is a function of the text alone,
// however the stream wrote it.

// copyString copies the JSON string that begins before src[p] to dst[n:],
// without the opening and with the closing quote. It writes up to 8 bytes
// behind its result.
func copyString(dst, src []byte, n, p int) (int, int, problem) {
	start := n
	for {
		w := load(src, p)
		store(dst, n, w)
		m := specialOrWide(w)
		if m == 0 {
			n, p = n+8, p+8
			continue
		}
		k := index(m)
		n, p = n+k, p+k
		if byte(w>>(8*k)) == '"' {
			return n + 1, p + 1, none
		}
		n, p, bad := copyText(dst, src, start, n, p, true)
		dst[n] = '"'
		return n + 1, p, bad
	}
}

// unquote copies the text of the JSON string that begins before src[p] to
// dst[n:], without escapes and quotes. It writes up to 8 bytes behind its
// result.
func unquote(dst, src []byte, n, p int) (int, int, problem) {
	return copyText(dst, src, n, n, p, false)
}

// copyText copies what is left of a JSON string at src[p] to dst[n:], and
// returns the position behind the closing quote, which is not copied. What has
// to be escaped in JSON is, if escaped is set. The text that is in dst[start:n]
// already is part of the string, for it has to be valid UTF-8 as a whole.
func copyText(dst, src []byte, start, n, p int, escaped bool) (int, int, problem) {
	wide := false
	for {
		w := load(src, p)
		store(dst, n, w)
		m := special(w)
		if m == 0 {
			wide = wide || w&highs != 0
			n, p = n+8, p+8
			continue
		}
		wide = wide || w&highs&(m&-m-1) != 0
		k := index(m)
		n, p = n+k, p+k
		switch c := at(src, p); {
		case c == '"':
			if wide && !utf8.Valid(dst[start:n]) {
				return n, p, badString
			}
			return n, p + 1, none
		case c == '\\':
			e := at(src, p+1)
			if short := shortEscapes[e]; short != 0 { // as nearly all are
				if escaped && e != '/' {
					dst[n], dst[n+1] = '\\', e
					n++
				} else {
					dst[n] = short
				}
				n, p = n+1, p+2
				continue
			}
			r, q := escape(src, p)
			if q < 0 {
				return n, p, badString
			}
			if p = q; escaped {
				n = quoteRune(dst, n, r)
			} else {
				n += utf8.EncodeRune(dst[n:], r)
			}
		case c < ' ':
			return n, p, controlOrEnd(src, p)
		default: // near the end of the source, where load finds nothing
			wide = wide || c >= utf8.RuneSelf
			dst[n] = c
			n, p = n+1, p+1
		}
	}
}

// copyKey copies the key at src[p] and the colon behind it, and returns the
// position of the value.
func copyKey(dst, src []byte, n, p int) (int, int, problem) {
	if at(src, p) != '"' {
		return n, p, malformed
	}
	dst[n] = '"'
	n, p, bad := copyString(dst, src, n+1, p+1)
	if bad != none {
		return n, p, bad
	}
	if at(src, p) != ':' {
		if p = space(src, p); at(src, p) != ':' {
			return n, p, malformed
		}
	}
	dst[n] = ':'
	return n + 1, space(src, p+1), none
}

// controlOrEnd tells a control character in a string from the end of the
// source.
func controlOrEnd(src []byte, p int) problem {
	if p >= len(src) {
		return malformed
	}
	return badString
}

// shortEscapes has the character of each escape sequence of two characters, by
// the second.
var shortEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads the escape sequence at src[p], both halves of a surrogate pair
// at once. The position is -1 if it is none, or half a pair.
func escape(src []byte, p int) (rune, int) {
	c := at(src, p+1)
	if short := shortEscapes[c]; short != 0 {
		return rune(short), p + 2
	}
	if c != 'u' {
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

// controlEscapes has the letter of each control character with an escape
// sequence of two characters.
var controlEscapes = [' ']byte{'\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't'}

// quoteRune writes r to dst[n:] as it stands in a JSON string. It never needs
// more bytes than an escape sequence for r.
func quoteRune(dst []byte, n int, r rune) int {
	switch {
	case r == '"' || r == '\\':
		dst[n], dst[n+1] = '\\', byte(r)
		return n + 2
	case r >= utf8.RuneSelf:
		return n + utf8.EncodeRune(dst[n:], r)
	case r >= ' ':
		dst[n] = byte(r)
		return n + 1
	case controlEscapes[r] != 0:
		dst[n], dst[n+1] = '\\', controlEscapes[r]
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
