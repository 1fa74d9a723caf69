package jsonlex

import (
	"unicode/utf8"
)

// String reads the string whose opening quote is at p. Plain reports that it
// has no escapes: its text is src[p+1:end-1]; else [AppendText] has it. On a
// fault, end is where it was found.
func String[S Text](src S, p int) (end int, plain bool, bad Fault) {
	if At(src, p) != '"' {
		return p, false, Syntax
	}
	p++
	start := p
	m := SpecialOrWide(Load(src, p))
	for m == 0 {
		p += 8
		m = SpecialOrWide(Load(src, p))
	}
	if p += Index(m); At(src, p) == '"' { // plain ASCII, as nearly all are
		return p + 1, true, None
	}
	return restOfString(src, start, p)
}

func restOfString[S Text](src S, start, p int) (end int, plain bool, bad Fault) {
	plain = true
	wide := false // there is more than ASCII
	for {
		w := Load(src, p)
		m := Special(w)
		if m == 0 {
			wide = wide || w&Highs != 0
			p += 8
			continue
		}
		wide = wide || w&Highs&(m&-m-1) != 0
		p += Index(m)
		switch c := At(src, p); {
		case c == '"':
			if wide {
				if i := invalid(src[start:p]); i >= 0 {
					return start + i, plain, BadUTF8
				}
			}
			return p + 1, plain, None
		case c == '\\':
			plain = false
			if _, p, bad = Escape(src, p); bad != None {
				return p, plain, bad
			}
		case p >= len(src):
			return len(src), plain, Syntax
		case c < ' ':
			return p, plain, Control
		default: // near the end of the text, where Load finds nothing
			wide = wide || c >= utf8.RuneSelf
			p++
		}
	}
}

// invalid returns the index of the first byte that is not UTF-8, -1 if there is
// none. Words of ASCII need no other look; what begins with another one is checked
// as a whole, to the end of a character.
func invalid[S Text](s S) int {
	for p := 0; p < len(s); {
		if w := Load(s, p); w != 0 && w&Highs == 0 {
			p += 8
			continue
		}
		end := min(p+64, len(s))
		for end < len(s) && !utf8.RuneStart(s[end]) {
			end++
		}
		part := s[p:end]
		if valid(part) {
			p = end
			continue
		}
		for {
			r, size := utf8.DecodeRuneInString(string(part[:min(utf8.UTFMax, len(part))]))
			if r == utf8.RuneError && size <= 1 {
				return end - len(part)
			}
			part = part[size:]
		}
	}
	return -1
}

func valid[S Text](s S) bool {
	switch s := any(s).(type) {
	case string:
		return utf8.ValidString(s)
	case []byte:
		return utf8.Valid(s)
	}
	return false
}

// AppendText appends the text of the string whose opening quote is at p. It stops
// before an escape that [Escape] refuses, and checks nothing else.
func AppendText[S Text](dst []byte, src S, p int) []byte {
	p++
	for uint(p) < uint(len(src)) {
		start := p
		for m := Special(Load(src, p)); m == 0; m = Special(Load(src, p)) {
			p += 8
		}
		for p < len(src) && src[p] != '"' && src[p] != '\\' {
			p++
		}
		dst = append(dst, src[start:p]...)
		if At(src, p) != '\\' {
			break
		}
		r, end, bad := Escape(src, p)
		if bad != None {
			break
		}
		dst = utf8.AppendRune(dst, r)
		p = end
	}
	return dst
}

// shortEscapes has the character of each escape of two characters, by the
// second.
var shortEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// Escape reads the escape whose backslash is at p, both halves of a surrogate
// pair at once. On a fault the position is that of the backslash.
func Escape[S Text](src S, p int) (r rune, end int, bad Fault) {
	c := At(src, p+1)
	if short := shortEscapes[c]; short != 0 {
		return rune(short), p + 2, None
	}
	if c != 'u' {
		return 0, p, BadEscape
	}
	r = Hex4(src, p+2)
	switch {
	case r < 0:
		return 0, p, BadEscape
	case r < 0xD800 || r > 0xDFFF:
		return r, p + 6, None
	case r > 0xDBFF: // the second half first
		return 0, p, LoneSurrogate
	case At(src, p+6) != '\\' || At(src, p+7) != 'u':
		return 0, p, LoneSurrogate
	}
	low := Hex4(src, p+8)
	if low < 0 {
		return 0, p + 6, BadEscape
	}
	if low < 0xDC00 || low > 0xDFFF {
		return 0, p, LoneSurrogate
	}
	return (r-0xD800)<<10 + (low - 0xDC00) + 0x10000, p + 12, None
}

// Hex4 reads four hexadecimal digits at p, -1 if they are none.
func Hex4[S Text](src S, p int) rune {
	if p < 0 || p > len(src)-4 {
		return -1
	}
	var r rune
	for i := p; i < p+4; i++ {
		c := src[i]
		switch {
		case c-'0' <= 9:
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}
