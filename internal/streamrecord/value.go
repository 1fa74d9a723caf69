package streamrecord

import "encoding/binary"

// maxDepth is how deep a Detail may nest. It is the limit of encoding/json,
// far above what DynamoDB stores (32) and EventBridge looks at (1000).
const maxDepth = 10000

// nesting has, for each open container, whether it is a map. Values are
// transcoded without recursion, so that no input can exhaust the stack.
type nesting [maxDepth + 1]bool

// What AWS writes between values, in one register.
const (
	beforeKey = '}' | ','<<8 | '"'<<16
	nullValue = ':' | '{'<<8 | '"'<<16 | 'N'<<24 | 'U'<<32 | 'L'<<40 | 'L'<<48 | '"'<<56
	boolValue = ':' | '{'<<8 | '"'<<16 | 'B'<<24 | 'O'<<32 | 'O'<<40 | 'L'<<48 | '"'<<56
)

// copyValue writes the JSON form of the DynamoDB JSON value at src[p] to
// dst[n:]: an S as string, an N as number, a B as base64 string, a set as
// array. depth is the number of containers that it stands in.
//
// The result is never longer than what it was made of, so a dst of the length
// of src is enough, with 8 bytes behind it that may be overwritten. On a
// problem the position is where it was found.
func (open *nesting) copyValue(dst, src []byte, n, p, depth int) (int, int, problem) {
	base := depth
	inMap := false
	var (
		t   byte
		w   uint64
		k   int
		bad problem
	)

value: // src[p] begins a value
	if t = simpleTag(load(src, p)); t != 0 {
		p += 5
	} else if t, p, bad = anyTag(src, p); bad != none {
		return n, p, bad
	}

typed: // src[p] begins what the type t tags
	switch t {
	case 'S':
		if at(src, p) != '"' {
			return n, p, unexpected(src, p)
		}
		dst[n] = '"'
		w = load(src, p+1)
		if k = short(w); k >= 0 {
			store(dst, n+1, w)
			n, p = n+k+2, p+k+2
			goto closed
		}
		n, p, bad = copyString(dst, src, n+1, p+1)
	case 'N':
		if at(src, p) != '"' {
			return n, p, unexpected(src, p)
		}
		n, p, bad = copyNumber(dst, src, n, p+1)
	case 'M', 'L':
		opening := byte('{')
		if t == 'L' {
			opening = '['
		}
		if at(src, p) != opening {
			return n, p, unexpected(src, p)
		}
		if depth == maxDepth {
			return n, p, tooDeep
		}
		open[depth] = inMap
		depth++
		inMap = t == 'M'
		dst[n] = opening
		n++
		p = space(src, p+1)
		if c := at(src, p); c == opening+2 {
			goto end
		}
		if inMap {
			goto key
		}
		goto value
	case 'B':
		n, p, bad = copyBinary(dst, src, n, p)
	case tagBool, tagNull:
		n, p, bad = copyLiteral(dst, src, n, p, t)
	default:
		n, p, bad = copySet(dst, src, n, p, t)
	}
	if bad != none {
		return n, p, bad
	}

closed: // src[p] should be the end of the type's object
	w = load(src, p)
	if inMap && w&0xFFFFFF == beforeKey {
		dst[n] = ','
		n, p = n+1, p+2
		goto key
	}
	if at(src, p) != '}' {
		if p = space(src, p); at(src, p) != '}' {
			return n, p, notClosed(src, p)
		}
	}
	p++
	if depth == base {
		return n, p, none
	}
next: // src[p] should be the comma behind a value, or the end of its container
	switch c := at(src, p); {
	case c == ',':
		dst[n] = ','
		n, p = n+1, space(src, p+1)
		if !inMap {
			goto value
		}
		goto key
	case c == '}' && inMap, c == ']' && !inMap:
		goto end
	case isSpace(c):
		p++
		goto next
	default:
		return n, p, malformed
	}

key: // src[p] should begin a key
	if at(src, p) != '"' {
		return n, p, malformed
	}
	dst[n] = '"'
	w = load(src, p+1)
	if k = short(w); k >= 0 {
		store(dst, n+1, w)
		n, p = n+k+2, p+k+2
	} else if n, p, bad = copyString(dst, src, n+1, p+1); bad != none {
		return n, p, bad
	}
	dst[n] = ':'
	n++
	w = load(src, p)
	if byte(w) == ':' {
		if t = simpleTag(w >> 8); t != 0 {
			p += 6
			goto typed
		}
		if (w == boolValue || w == nullValue) && at(src, p+8) == ':' && at(src, p+9) > ' ' {
			t = tagBool
			if w == nullValue {
				t = tagNull
			}
			p += 9
			goto typed
		}
	}
	if at(src, p) != ':' {
		if p = space(src, p); at(src, p) != ':' {
			return n, p, malformed
		}
	}
	p++
	if at(src, p) != '{' {
		p = space(src, p)
	}
	goto value

end: // src[p] is the end of a container
	dst[n] = src[p]
	n, p = n+1, p+1
	depth--
	inMap = open[depth]
	goto closed
}

// notClosed is the problem of a value that does not end with its only member.
func notClosed(src []byte, p int) problem {
	if at(src, p) == ',' {
		return unsupported
	}
	return malformed
}

// copyBinary writes the base64 string at src[p].
func copyBinary(dst, src []byte, n, p int) (int, int, problem) {
	if at(src, p) != '"' {
		return n, p, unexpected(src, p)
	}
	dst[n] = '"'
	m, q, bad := copyString(dst, src, n+1, p+1)
	if bad == none && !isBase64(dst[n+1:m-1]) {
		bad = badBinary
	}
	return m, q, bad
}

// copyLiteral writes the value of a BOOL or a NULL. A NULL is always true.
func copyLiteral(dst, src []byte, n, p int, t byte) (int, int, problem) {
	if p+5 > len(src) {
		return n, p, malformed
	}
	switch w := binary.LittleEndian.Uint32(src[p:]); {
	case w == wordTrue && t == tagBool:
		binary.LittleEndian.PutUint32(dst[n:], wordTrue)
		return n + 4, p + 4, none
	case w == wordTrue:
		binary.LittleEndian.PutUint32(dst[n:], wordNull)
		return n + 4, p + 4, none
	case src[p] == 'f' && t == tagBool && binary.LittleEndian.Uint32(src[p+1:]) == wordFalse>>8:
		dst[n] = 'f'
		binary.LittleEndian.PutUint32(dst[n+1:], wordFalse>>8)
		return n + 5, p + 5, none
	}
	return n, p, unsupported
}

// copySet writes the set at src[p] as an array.
func copySet(dst, src []byte, n, p int, t byte) (int, int, problem) {
	if at(src, p) != '[' {
		return n, p, unexpected(src, p)
	}
	dst[n] = '['
	n++
	p = space(src, p+1)
	if at(src, p) == ']' {
		dst[n] = ']'
		return n + 1, p + 1, none
	}
	for {
		if at(src, p) != '"' {
			return n, p, unexpected(src, p)
		}
		var bad problem
		switch t {
		case tagStrings:
			dst[n] = '"'
			n, p, bad = copyString(dst, src, n+1, p+1)
		case tagNumbers:
			n, p, bad = copyNumber(dst, src, n, p+1)
		default:
			n, p, bad = copyBinary(dst, src, n, p)
		}
		if bad != none {
			return n, p, bad
		}
		p = space(src, p)
		c := at(src, p)
		if c != ',' && c != ']' {
			return n, p, malformed
		}
		dst[n] = c
		n, p = n+1, p+1
		if c == ']' {
			return n, p, none
		}
		p = space(src, p)
	}
}
