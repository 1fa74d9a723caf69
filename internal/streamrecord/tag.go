package streamrecord

import "encoding/binary"

// The beginning of a value in DynamoDB JSON is {"X": where X is its type; as
// written by AWS, without white space, it fits one register. tagForm is that,
// and tagMask leaves out X and what follows.
const (
	tagForm = '{' | '"'<<8 | '"'<<24 | ':'<<32
	tagMask = 0xFFFF00FFFF
)

// Types of two and more letters, as tag returns them. Those of one letter
// stand for themselves: S, N, M, L, B.
const (
	tagStrings  = 's' // SS
	tagNumbers  = 'n' // NS
	tagBinaries = 'b' // BS
	tagBool     = 't' // BOOL
	tagNull     = '0' // NULL
)

// tag reads the beginning of the value at src[p] and returns its type and the
// position of what follows the colon.
func tag(src []byte, p int) (byte, int, problem) {
	if p+8 <= len(src) {
		if w := binary.LittleEndian.Uint64(src[p:]); w&tagMask == tagForm && !isSpace(byte(w>>40)) {
			switch c := byte(w >> 16); c {
			case 'S', 'N', 'M', 'L', 'B':
				return c, p + 5, none
			}
		}
	}
	return anyTag(src, p)
}

// anyTag is tag with white space, escapes and types of more letters.
func anyTag(src []byte, p int) (byte, int, problem) {
	if at(src, p) != '{' {
		return 0, p, unexpected(src, p)
	}
	q := space(src, p+1)
	if at(src, q) != '"' {
		return 0, q, unexpected(src, q)
	}
	end := skipString(src, q+1)
	if end < 0 {
		return 0, q, malformed
	}
	name := src[q+1 : end-1]
	if len(name) > len("NULL") {
		const longest = len(`\u004e\u0055\u004c\u004c`)
		var text [longest + 8]byte
		if len(name) > longest {
			return 0, q, unsupported
		}
		n, _, bad := unquote(text[:], src[:end], 0, q+1)
		if bad != none {
			return 0, q, bad
		}
		name = text[:n]
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
		return 0, q, unsupported
	}
	q = space(src, end)
	if at(src, q) != ':' {
		return 0, q, malformed
	}
	return t, space(src, q+1), none
}

// unexpected is the problem of a byte that begins another kind of JSON value
// than DynamoDB JSON has here.
func unexpected(src []byte, p int) problem {
	if p >= len(src) {
		return malformed
	}
	return unsupported
}
