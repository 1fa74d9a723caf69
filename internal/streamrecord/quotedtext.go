package streamrecord

import "unicode/utf8"

// Words of JSON, in one register.
const (
	wordTrue  = 't' | 'r'<<8 | 'u'<<16 | 'e'<<24
	wordNull  = 'n' | 'u'<<8 | 'l'<<16 | 'l'<<24
	wordFalse = 'f' | 'a'<<8 | 'l'<<16 | 's'<<24 | 'e'<<32
)

// copyQuotedText copies the JSON text in the JSON string that begins before
// src[p] to dst[n:] and checks it on the way: unquote and checkText in one pass.
// It knows what encoders write, and returns -1 for anything else, good or bad,
// which is for those two to tell apart. The other position is the one behind
// the closing quote. It writes up to 8 bytes behind its result.
func (open *nesting) copyQuotedText(dst, src []byte, n, p, depth int) (int, int) {
	start, base := n, depth
	inMap, isKey, wide := false, false, uint64(0)

value: // src[p] begins a value
	switch c := at(src, p); c {
	case '\\':
		isKey = false
		goto text
	case '{', '[':
		if depth == maxDepth {
			return n, -1
		}
		open[depth] = inMap
		depth++
		inMap = c == '{'
		dst[n] = c
		n, p = n+1, p+1
		if at(src, p) == c+2 {
			goto end
		}
		if inMap {
			goto key
		}
		goto value
	case 't', 'n':
		w := load(src, p)
		if uint32(w) != wordTrue && uint32(w) != wordNull {
			return n, -1
		}
		store(dst, n, w)
		n, p = n+4, p+4
	case 'f':
		w := load(src, p)
		if w&(1<<40-1) != wordFalse {
			return n, -1
		}
		store(dst, n, w)
		n, p = n+5, p+5
	case ' ':
		dst[n] = ' '
		n, p = n+1, p+1
		goto value
	default:
		q := checkNumber(src, p)
		if q < 0 || q > len(src)-8 {
			return n, -1
		}
		for i := p; i < q; i += 8 {
			store(dst, n+i-p, load(src, i))
		}
		n, p = n+q-p, q
	}

next: // src[p] is behind a value
	switch c := at(src, p); {
	case c == ',' && depth > base:
		dst[n] = ','
		n, p = n+1, p+1
		if !inMap {
			goto value
		}
		goto key
	case c == '}' && inMap, c == ']' && !inMap && depth > base:
		goto end
	case c == ' ':
		dst[n] = ' '
		n, p = n+1, p+1
		goto next
	case c == '"' && depth == base && (wide&highs == 0 || utf8.Valid(dst[start:n])):
		return n, p + 1
	}
	return n, -1

key: // src[p] begins a key
	for at(src, p) == ' ' {
		dst[n] = ' '
		n, p = n+1, p+1
	}
	if at(src, p) != '\\' {
		return n, -1
	}
	isKey = true

text: // src[p] begins a string, with the backslash before its quote
	if at(src, p+1) != '"' {
		return n, -1
	}
	dst[n] = '"'
	n, p = n+1, p+2
	for {
		w := load(src, p)
		store(dst, n, w)
		m := special(w)
		if m == 0 {
			wide |= w
			n, p = n+8, p+8
			continue
		}
		wide |= w & (m&-m - 1)
		k := index(m)
		n, p = n+k, p+k
		if at(src, p) != '\\' {
			return n, -1
		}
		if at(src, p+1) == '"' {
			break
		}
		if n, p = copyQuotedEscape(dst, src, n, p); p < 0 {
			return n, -1
		}
	}
	dst[n] = '"'
	n, p = n+1, p+2
	if !isKey {
		goto next
	}
	if at(src, p) != ':' {
		return n, -1
	}
	dst[n] = ':'
	n, p = n+1, p+1
	goto value

end: // src[p] is the end of a container
	dst[n] = src[p]
	n, p = n+1, p+1
	depth--
	inMap = open[depth]
	goto next
}

// copyQuotedEscape copies the escape sequence at src[p], one of JSON text in a
// JSON string, or of the string alone.
func copyQuotedEscape(dst, src []byte, n, p int) (int, int) {
	if at(src, p+1) != '\\' { // of the string alone
		r, q := escape(src, p)
		if q < 0 || r < ' ' || r == '"' || r == '\\' {
			return n, -1
		}
		return n + utf8.EncodeRune(dst[n:], r), q
	}
	switch e := at(src, p+2); e {
	case '\\': // the text's \\ or \"
		e, p = at(src, p+3), p+1
		if e != '\\' && e != '"' {
			return n, -1
		}
		fallthrough
	case '/', 'b', 'f', 'n', 'r', 't':
		dst[n], dst[n+1] = '\\', e
		return n + 2, p + 3
	case 'u':
		if r := hex4(src, p+3); r < 0 || r >= 0xD800 && r < 0xE000 {
			return n, -1
		}
		return n + copy(dst[n:], src[p+1:p+7]), p + 7
	}
	return n, -1
}
