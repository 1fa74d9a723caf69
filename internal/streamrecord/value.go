package streamrecord

import "github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"

// maxDepth is how many objects and arrays a Detail may have within each other.
// It is the limit of encoding/json, far above what DynamoDB stores (32) and
// EventBridge looks at (1000). One that deep takes 4 MB of stack.
const maxDepth = 10000

// copyValue writes the JSON form of the DynamoDB JSON value at src[p] to
// dst[n:]: an S as string, an N as number, a B as base64 string, a set as
// array. depth is the number of containers that it stands in.
//
// The result is never longer than what it was made of, so a dst of the length
// of src is enough, with some spare bytes behind it that may be overwritten.
func copyValue(dst, src []byte, n, p, depth int) (int, int, problem) {
	var bad problem
	t := simpleTag(jsonlex.Load(src, p))
	if t != 0 {
		p += len(`{"S":`)
	} else if t, p, bad = tag(src, p); bad != none {
		return n, p, bad
	}
	if t == 'S' { // as most are
		n, p, bad = copyString(dst, src, n, p)
	} else {
		n, p, bad = copyTagged(dst, src, n, p, t, depth)
	}
	if bad != none {
		return n, p, bad
	}
	if jsonlex.At(src, p) == '}' {
		return n, p + 1, none
	}
	p, bad = closed(src, p)
	return n, p, bad
}

// copyTagged copies what a tag of type t has behind it, from src[p] on. The end of
// the object around it is left to the caller. The depth comes last: Go passes nine
// words in registers, the slices take six, and hardly any value needs the depth.
func copyTagged(dst, src []byte, n, p int, t byte, depth int) (int, int, problem) {
	var bad problem
	switch t {
	case 'S':
		n, p, bad = copyString(dst, src, n, p)
	case 'N':
		n, p, bad = copyNumber(dst, src, n, p)
	case 'M':
		n, p, bad = copyMap(dst, src, n, p, depth+1)
	case 'L':
		n, p, bad = copyList(dst, src, n, p, depth+1)
	case 'B':
		n, p, bad = copyBinary(dst, src, n, p)
	case tagBool, tagNull:
		n, p, bad = copyWord(dst, src, n, p, t)
	default:
		n, p, bad = copySet(dst, src, n, p, t, depth+1)
	}
	return n, p, bad
}

// copyMap copies the object at src[p], which an M tags. Members of maps are most
// of what a stream brings, so how AWS writes one is tried first, eight bytes at
// a time: a key of less than eight bytes without escapes, and behind it a colon
// and a type of one letter; behind the value its end, and a comma and the next key
// or the end of the map. The key is copied together with what is behind it, which
// the next copy overwrites. For everything else there are copyString, tag, closed
// and Next.
func copyMap(dst, src []byte, n, p, depth int) (int, int, problem) {
	if jsonlex.At(src, p) != '{' {
		return n, p, unexpected(src, p)
	}
	if depth > maxDepth {
		return n, p, tooDeep
	}
	dst[n] = '{'
	n++
	p, more := jsonlex.First(src, p)
	for more {
		var bad problem
		var fault jsonlex.Fault
		if jsonlex.At(src, p) != '"' {
			return n, p, malformed
		}
		key := jsonlex.Load(src, p+1)
		if k := short(key); k >= 0 {
			dst[n] = '"'
			store(dst, n+1, key)
			n, p = n+k+2, p+k+2
		} else if n, p, bad = copyString(dst, src, n, p); bad != none {
			return n, p, bad
		}
		dst[n] = ':'
		n++
		w := jsonlex.Load(src, p)
		t := simpleTag(w >> 8)
		if t != 0 && byte(w) == ':' {
			p += len(`:{"S":`)
		} else {
			if p, fault = jsonlex.Colon(src, p); fault != jsonlex.None {
				return n, p, malformed
			}
			if t, p, bad = tag(src, p); bad != none {
				return n, p, bad
			}
		}
		if t == 'S' { // as most are
			n, p, bad = copyString(dst, src, n, p)
		} else {
			n, p, bad = copyTagged(dst, src, n, p, t, depth)
		}
		if bad != none {
			return n, p, bad
		}
		w = jsonlex.Load(src, p)
		if w&0xFFFFFF == '}'|','<<8|'"'<<16 {
			dst[n] = ','
			n, p = n+1, p+2
			continue
		}
		if w&0xFFFF == '}'|'}'<<8 {
			p += 2
			break
		}
		if p, bad = closed(src, p); bad != none {
			return n, p, bad
		}
		if p, more, fault = jsonlex.Next(src, p, '}'); fault != jsonlex.None {
			return n, p, malformed
		}
		if more {
			dst[n] = ','
			n++
		}
	}
	dst[n] = '}'
	return n + 1, p, none
}

// copyList copies the array at src[p], which an L tags, in the same way. What it
// has in common with copyMap and copyValue is written out in each: a call for it,
// or one loop for maps and lists, makes a large payload 6 % slower.
func copyList(dst, src []byte, n, p, depth int) (int, int, problem) {
	if jsonlex.At(src, p) != '[' {
		return n, p, unexpected(src, p)
	}
	if depth > maxDepth {
		return n, p, tooDeep
	}
	dst[n] = '['
	n++
	p, more := jsonlex.First(src, p)
	for more {
		var bad problem
		var fault jsonlex.Fault
		t := simpleTag(jsonlex.Load(src, p))
		if t != 0 {
			p += len(`{"S":`)
		} else if t, p, bad = tag(src, p); bad != none {
			return n, p, bad
		}
		if t == 'S' { // as most are
			n, p, bad = copyString(dst, src, n, p)
		} else {
			n, p, bad = copyTagged(dst, src, n, p, t, depth)
		}
		if bad != none {
			return n, p, bad
		}
		w := jsonlex.Load(src, p)
		if w&0xFFFFFF == '}'|','<<8|'{'<<16 {
			dst[n] = ','
			n, p = n+1, p+2
			continue
		}
		if w&0xFFFF == '}'|']'<<8 {
			p += 2
			break
		}
		if p, bad = closed(src, p); bad != none {
			return n, p, bad
		}
		if p, more, fault = jsonlex.Next(src, p, ']'); fault != jsonlex.None {
			return n, p, malformed
		}
		if more {
			dst[n] = ','
			n++
		}
	}
	dst[n] = ']'
	return n + 1, p, none
}

// copySet copies the array at src[p], which the tag of a set stands before.
func copySet(dst, src []byte, n, p int, t byte, depth int) (int, int, problem) {
	if jsonlex.At(src, p) != '[' {
		return n, p, unexpected(src, p)
	}
	if depth > maxDepth {
		return n, p, tooDeep
	}
	dst[n] = '['
	n++
	p, more := jsonlex.First(src, p)
	for more {
		var bad problem
		switch t {
		case tagStrings:
			n, p, bad = copyString(dst, src, n, p)
		case tagNumbers:
			n, p, bad = copyNumber(dst, src, n, p)
		default:
			n, p, bad = copyBinary(dst, src, n, p)
		}
		if bad != none {
			return n, p, bad
		}
		var fault jsonlex.Fault
		if p, more, fault = jsonlex.Next(src, p, ']'); fault != jsonlex.None {
			return n, p, malformed
		}
		if more {
			dst[n] = ','
			n++
		}
	}
	dst[n] = ']'
	return n + 1, p, none
}

// copyWord copies the value of a BOOL or a NULL. A NULL is always true.
func copyWord(dst, src []byte, n, p int, t byte) (int, int, problem) {
	const (
		wordTrue  = 't' | 'r'<<8 | 'u'<<16 | 'e'<<24
		wordNull  = 'n' | 'u'<<8 | 'l'<<16 | 'l'<<24
		wordFalse = 'f' | 'a'<<8 | 'l'<<16 | 's'<<24 | 'e'<<32
	)
	w := jsonlex.Load(src, p)
	switch {
	case uint32(w) == wordTrue && t == tagBool:
		store(dst, n, wordTrue)
		return n + 4, p + 4, none
	case uint32(w) == wordTrue:
		store(dst, n, wordNull)
		return n + 4, p + 4, none
	case w&(1<<40-1) == wordFalse && t == tagBool:
		store(dst, n, wordFalse)
		return n + 5, p + 5, none
	}
	return n, p, unsupported
}

// closed returns the position behind the object of a value, whose only member
// ends at src[p].
func closed(src []byte, p int) (int, problem) {
	p = jsonlex.Space(src, p)
	switch jsonlex.At(src, p) {
	case '}':
		return p + 1, none
	case ',':
		return p, unsupported
	}
	return p, malformed
}

// Types of two and more letters, as tag returns them. Those of one letter
// stand for themselves: S, N, M, L, B.
const (
	tagStrings  = 's' // SS
	tagNumbers  = 'n' // NS
	tagBinaries = 'b' // BS
	tagBool     = 't' // BOOL
	tagNull     = '0' // NULL
)

// How values of the last two begin, in one register.
const (
	wordBool = '{' | '"'<<8 | 'B'<<16 | 'O'<<24 | 'O'<<32 | 'L'<<40 | '"'<<48 | ':'<<56
	wordNull = '{' | '"'<<8 | 'N'<<16 | 'U'<<24 | 'L'<<32 | 'L'<<40 | '"'<<48 | ':'<<56
)

// tag reads the beginning of the value at src[p] and returns its type and the
// position of what follows the colon.
func tag(src []byte, p int) (byte, int, problem) {
	w := jsonlex.Load(src, p)
	if t := simpleTag(w); t != 0 {
		return t, p + len(`{"S":`), none
	}
	switch {
	case w == wordBool && jsonlex.At(src, p+8) > ' ':
		return tagBool, p + 8, none
	case w == wordNull && jsonlex.At(src, p+8) > ' ':
		return tagNull, p + 8, none
	}
	return anyTag(src, p)
}

// simpleTag returns the type of a value whose first eight bytes are w, if it is
// of one letter and written as AWS writes it: {"S":" without white space. The
// sixth byte is then the first of what the type tags. Else it returns 0.
func simpleTag(w uint64) byte {
	const (
		form    = '{' | '"'<<8 | 0x40<<16 | '"'<<24 | ':'<<32
		mask    = 0xFF_FF_E0_FF_FF // the letter is one of @ to _
		letters = 1<<('S'&31) | 1<<('N'&31) | 1<<('M'&31) | 1<<('L'&31) | 1<<('B'&31)
	)
	t := byte(w >> 16)
	if w&mask == form && letters>>(t&31)&1 != 0 && byte(w>>40) > ' ' {
		return t
	}
	return 0
}

// anyTag is tag with white space, escapes and types of more letters.
func anyTag(src []byte, p int) (byte, int, problem) {
	if jsonlex.At(src, p) != '{' {
		return 0, p, unexpected(src, p)
	}
	p = jsonlex.Space(src, p+1)
	if jsonlex.At(src, p) != '"' {
		return 0, p, unexpected(src, p)
	}
	end, plain, bad := jsonlex.String(src, p)
	if bad != jsonlex.None {
		if jsonlex.SkipString(src, p) < 0 {
			return 0, p, malformed
		}
		return 0, p, badString
	}
	name := src[p+1 : end-1]
	if !plain {
		var text [32]byte // long enough for every type, else it grows
		name = jsonlex.AppendText(text[:0], src, p)
	}
	t := byte(0)
	switch string(name) {
	case "S", "N", "M", "L", "B":
		t = name[0]
	case "SS":
		t = tagStrings
	case "NS":
		t = tagNumbers
	case "BS":
		t = tagBinaries
	case "BOOL":
		t = tagBool
	case "NULL":
		t = tagNull
	default:
		return 0, p, unsupported
	}
	if p, bad = jsonlex.Colon(src, end); bad != jsonlex.None {
		return 0, p, malformed
	}
	return t, p, none
}
