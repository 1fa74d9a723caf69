package streamrecord

import "encoding/binary"

// Framing finds where a JSON value ends by counting brackets outside strings.
// It asks neither that the brackets match in kind nor that anything between
// them is JSON: what is skipped is never emitted. Every function here takes
// the position of its first byte and returns that of the first byte after, or
// -1 if the source ends before; none looks at a byte twice.

// at returns src[p], or 0, which is legal nowhere in JSON, at the end.
func at(src []byte, p int) byte {
	if uint(p) < uint(len(src)) {
		return src[p]
	}
	return 0
}

// space skips white space.
func space(src []byte, p int) int {
	for uint(p) < uint(len(src)) && src[p] <= ' ' && isSpace(src[p]) {
		p++
	}
	return p
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// skip skips the value at src[p]: a string, an object, an array, or a scalar,
// which is everything up to the next delimiter.
func skip(src []byte, p int) int {
	switch at(src, p) {
	case '"':
		return skipString(src, p+1)
	case '{', '[':
		return skipNested(src, p+1)
	}
	start := p
	for uint(p) < uint(len(src)) && !isDelimiter(src[p]) {
		p++
	}
	if p == start {
		return -1
	}
	return p
}

func isDelimiter(c byte) bool {
	switch c {
	case ',', ':', '"', '{', '}', '[', ']':
		return true
	}
	return isSpace(c)
}

// skipNested skips to the end of the object or array that begins before
// src[p].
func skipNested(src []byte, p int) int {
	for depth := 1; uint(p) < uint(len(src)); {
		c := src[p]
		p++
		switch c {
		case '"':
			if p = skipString(src, p); p < 0 {
				return -1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return p
			}
		}
	}
	return -1
}

// skipString skips to the end of the string that begins before src[p].
func skipString(src []byte, p int) int {
	for {
		for p >= 0 && p < len(src)-8 {
			m := quoteOrSlash(binary.LittleEndian.Uint64(src[p:]))
			if m != 0 {
				p += index(m)
				break
			}
			p += 8
		}
		for uint(p) < uint(len(src)) && src[p] != '"' && src[p] != '\\' {
			p++
		}
		if uint(p) >= uint(len(src)) {
			return -1
		}
		if src[p] == '"' {
			return p + 1
		}
		p += 2 // an escape: whatever follows the backslash is not the end
	}
}
