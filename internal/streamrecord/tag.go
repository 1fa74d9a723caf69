package streamrecord

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
	if t := simpleTag(load(src, p)); t != 0 {
		return t, p + 5, none
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
