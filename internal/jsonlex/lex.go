// Package jsonlex reads the small parts of JSON text: strings and their
// escapes, numbers, words, white space, whole values, and the path to a value.
// Everything of this library that walks over JSON is made of it, so that each
// rule of the grammar (https://www.rfc-editor.org/rfc/rfc8259) stands once.
//
// The functions take the text and a position in it, and return the position
// behind what they have read. No position is too large: behind the end of the
// text there is nothing. They allocate nothing but what they append.
//
// The grammar is that of RFC 8259 and stricter than encoding/json, which
// repairs in silence what is refused here: bytes that are not UTF-8, and one
// half of a surrogate pair.
package jsonlex

// Text is what JSON text is kept in.
type Text interface{ string | []byte }

// Fault says what is wrong at one position of a text. It never holds a value.
type Fault uint8

// The faults.
const (
	None          Fault = iota
	Syntax              // not JSON
	Control             // a control character in a string, without an escape
	BadEscape           // a backslash with something behind it that JSON does not know
	BadUTF8             // bytes in a string that are not UTF-8
	LoneSurrogate       // an escape that is half of a surrogate pair
	TooDeep             // more objects and arrays within each other than the caller allows
)

var faults = [...]string{
	None:          "nothing wrong",
	Syntax:        "not valid JSON",
	Control:       "not valid JSON, a control character in a string",
	BadEscape:     "not valid JSON, an unknown escape in a string",
	BadUTF8:       "not valid UTF-8",
	LoneSurrogate: "half of a surrogate pair, which is not a character",
	TooDeep:       "nested too deep",
}

func (f Fault) String() string {
	if int(f) < len(faults) {
		return faults[f]
	}
	return "unknown fault"
}

// At returns the byte at src[p], 0 behind the end. A 0 is not part of any JSON
// text.
func At[S Text](src S, p int) byte {
	if uint(p) < uint(len(src)) {
		return src[p]
	}
	return 0
}

// Space returns the position of the first byte from p on that is not white
// space.
func Space[S Text](src S, p int) int {
	for uint(p) < uint(len(src)) && src[p] <= ' ' && IsSpace(src[p]) {
		p++
	}
	return p
}

// IsSpace reports whether c is white space.
func IsSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// IsDigit reports whether c is a decimal digit.
func IsDigit(c byte) bool { return c-'0' <= 9 }

// Word reads one of the words true, false and null. Without one, the position
// is p.
func Word[S Text](src S, p int) (int, Fault) {
	word := ""
	switch At(src, p) {
	case 't':
		word = "true"
	case 'f':
		word = "false"
	case 'n':
		word = "null"
	default:
		return p, Syntax
	}
	if len(src)-p < len(word) || string(src[p:p+len(word)]) != word {
		return p, Syntax
	}
	return p + len(word), None
}

// Value reads a whole value, which begins at p, not with white space. Depth is
// how many objects and arrays it may have within each other. On a fault the
// position is where it was found.
func Value[S Text](src S, p, depth int) (int, Fault) {
	switch c := At(src, p); c {
	case '"':
		p, _, bad := String(src, p)
		return p, bad
	case '{', '[':
		if depth <= 0 {
			return p, TooDeep
		}
		return members(src, p, depth-1)
	case 't', 'f', 'n':
		return Word(src, p)
	}
	if end := plainNumber(src, p); end > p {
		return end, None
	}
	n, ok := ScanNumber(src, p, JSON)
	if !ok {
		return n.End, Syntax
	}
	return n.End, None
}

// members reads the object or array at p. What [Colon] and [Next] do is written
// out here: a large text is nothing else, and this way it is read faster.
func members[S Text](src S, p, depth int) (int, Fault) {
	closing := Closing(src[p])
	p, more := First(src, p)
	for more {
		var bad Fault
		if closing == '}' {
			if p, _, bad = String(src, p); bad != None {
				return p, bad
			}
			if p = Space(src, p); At(src, p) != ':' {
				return p, Syntax
			}
			p = Space(src, p+1)
		}
		if p, bad = Value(src, p, depth); bad != None {
			return p, bad
		}
		p = Space(src, p)
		switch At(src, p) {
		case ',':
			p = Space(src, p+1)
		case closing:
			return p + 1, None
		default:
			return p, Syntax
		}
	}
	return p, None
}

// Closing returns the bracket that closes an object or array, by the one that
// opens it.
func Closing(opening byte) byte { return opening + 2 } // in ASCII, of both kinds

// First enters the object or array at p. It returns the position of its first
// member and true, or the position behind it and false if it is empty.
func First[S Text](src S, p int) (int, bool) {
	closing := Closing(At(src, p))
	p = Space(src, p+1)
	if At(src, p) == closing {
		return p + 1, false
	}
	return p, true
}

// Next goes on behind a member that ends at p. It returns the position of the
// next one and true, or the position behind the object or array and false if
// that was the last.
func Next[S Text](src S, p int, closing byte) (int, bool, Fault) {
	if At(src, p) == ',' && At(src, p+1) > ' ' {
		return p + 1, true, None
	}
	p = Space(src, p)
	switch At(src, p) {
	case ',':
		return Space(src, p+1), true, None
	case closing:
		return p + 1, false, None
	}
	return p, false, Syntax
}

// Colon returns the position of the value whose key ends at p.
func Colon[S Text](src S, p int) (int, Fault) {
	if At(src, p) == ':' && At(src, p+1) > ' ' {
		return p + 1, None
	}
	if p = Space(src, p); At(src, p) != ':' {
		return p, Syntax
	}
	return Space(src, p+1), None
}

// Skip returns the position behind the value at p, -1 if it has no end. It
// looks only for where the value ends, and not whether it is JSON: a value that
// [Value] takes ends in the same place, and for every other text it is a guess.
func Skip[S Text](src S, p int) int {
	switch At(src, p) {
	case '"':
		return SkipString(src, p)
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
	return IsSpace(c)
}

// skipNested skips to the end of the object or array that begins before p.
func skipNested[S Text](src S, p int) int {
	for depth := 1; uint(p) < uint(len(src)); {
		switch src[p] {
		case '"':
			if p = SkipString(src, p); p < 0 {
				return -1
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return p + 1
			}
		}
		p++
	}
	return -1
}

// SkipString returns the position behind the string whose opening quote is at
// p, -1 if it has no end. What is in the string is not looked at.
func SkipString[S Text](src S, p int) int {
	p++
	for uint(p) < uint(len(src)) {
		m := quoteOrBackslash(Load(src, p))
		if m == 0 {
			p += 8
			continue
		}
		p += Index(m)
		switch At(src, p) {
		case '"':
			return p + 1
		case '\\':
			p += 2 // whatever follows the backslash is not the end
		default: // near the end of the text, where Load finds nothing
			p++
		}
	}
	return -1
}
