package eventitem

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Problems that both forms of a payload have in common.
const (
	badUTF8       = "not valid UTF-8"
	loneSurrogate = "half of a surrogate pair, which is no character"
	duplicateKey  = "the key occurs twice in its object"
)

// scanner reads JSON as RFC 8259 has it, and refuses what encoding/json lets
// pass or repairs in silence: bytes that are not UTF-8 and lone surrogates.
// Strings come out as pieces of src where that is possible.
type scanner struct {
	src   string
	pos   int
	arena strings.Builder // of strings that src does not hold as they are
}

// malformed is the fault of a text that is not JSON at pos.
func (s *scanner) malformed() *ValueError {
	return fault("not valid JSON at byte " + strconv.Itoa(min(s.pos, len(s.src))))
}

// end is malformed unless only whitespace is left.
func (s *scanner) end() *ValueError {
	s.space()
	if s.pos < len(s.src) {
		return s.malformed()
	}
	return nil
}

// space skips insignificant whitespace.
func (s *scanner) space() {
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

// peek returns the byte at pos, 0 at the end. No JSON text has a 0 outside of
// a string's escapes.
func (s *scanner) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

// accept skips the byte c if it comes next, and reports whether it did.
func (s *scanner) accept(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.pos++
	return true
}

// word skips a literal name if it comes next, and reports whether it did.
func (s *scanner) word(name string) bool {
	if !strings.HasPrefix(s.src[s.pos:], name) {
		return false
	}
	s.pos += len(name)
	return true
}

// numberText skips and returns all bytes that could belong to a number.
func (s *scanner) numberText() string {
	start := s.pos
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c-'0' <= 9, c == '-', c == '+', c == '.', c == 'e', c == 'E':
			s.pos++
		default:
			return s.src[start:s.pos]
		}
	}
	return s.src[start:]
}

// Classes of bytes within a string; everything else stands for itself.
const (
	other = iota
	quote
	backslash
	control
	multibyte
)

var classes = func() (table [256]uint8) {
	for c := range 0x20 {
		table[c] = control
	}
	for c := 0x80; c < 0x100; c++ {
		table[c] = multibyte
	}
	table['"'], table['\\'] = quote, backslash
	return table
}()

// text reads a string. It returns its value and the number of bytes that it
// has as published JSON, quotes and minimal escapes included.
func (s *scanner) text() (value string, published int, err *ValueError) {
	if !s.accept('"') {
		return "", 0, s.malformed()
	}
	start := s.pos
	for s.pos < len(s.src) {
		switch classes[s.src[s.pos]] {
		case other:
			s.pos++
		case quote:
			value = s.src[start:s.pos]
			s.pos++
			return value, len(value) + 2, nil
		case backslash:
			return s.escapedText(start)
		case multibyte:
			if !s.multi() {
				return "", 0, fault(badUTF8)
			}
		default:
			return "", 0, s.malformed()
		}
	}
	return "", 0, s.malformed()
}

// multi skips one character of several bytes and reports whether it is valid.
func (s *scanner) multi() bool {
	r, size := utf8.DecodeRuneInString(s.src[s.pos:])
	s.pos += size
	return r != utf8.RuneError || size > 1
}

// escapedText goes on with a string that began at start, from its first
// backslash at pos.
func (s *scanner) escapedText(start int) (value string, published int, err *ValueError) {
	s.reserve(s.textEnd() - start)
	begin := s.arena.Len()
	published = 2
	plain := start // not yet copied to the arena
	for s.pos < len(s.src) {
		switch classes[s.src[s.pos]] {
		case other:
			s.pos++
		case quote:
			s.arena.WriteString(s.src[plain:s.pos])
			published += s.pos - plain
			s.pos++
			return s.arena.String()[begin:], published, nil
		case multibyte:
			if !s.multi() {
				return "", 0, fault(badUTF8)
			}
		case backslash:
			s.arena.WriteString(s.src[plain:s.pos])
			published += s.pos - plain
			r, err := s.escape()
			if err != nil {
				return "", 0, err
			}
			s.arena.WriteRune(r)
			published += publishedRune(r)
			plain = s.pos
		default:
			return "", 0, s.malformed()
		}
	}
	return "", 0, s.malformed()
}

// textEnd returns where the string ends that pos is in, at the latest.
func (s *scanner) textEnd() int {
	for end := s.pos; ; end++ {
		next := strings.IndexByte(s.src[end:], '"')
		if next < 0 {
			return len(s.src)
		}
		end += next
		backslashes := end
		for backslashes > s.pos && s.src[backslashes-1] == '\\' {
			backslashes--
		}
		if (end-backslashes)%2 == 0 {
			return end
		}
	}
}

// reserve makes room for a string of n bytes in the arena, without moving what
// is there: what was handed out of a full one stays where it is.
func (s *scanner) reserve(n int) {
	const chunk = 1024
	if s.arena.Cap()-s.arena.Len() >= n {
		return
	}
	s.arena = strings.Builder{}
	s.arena.Grow(max(n, min(chunk, len(s.src)-s.pos)))
}

// escape reads an escape sequence, both of them for a surrogate pair.
func (s *scanner) escape() (rune, *ValueError) {
	s.pos++ // backslash
	c := s.peek()
	s.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return s.unicodeEscape()
	}
	return 0, s.malformed()
}

func (s *scanner) unicodeEscape() (rune, *ValueError) {
	r, ok := s.hex4()
	if !ok {
		return 0, s.malformed()
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if !s.word(`\u`) {
		return 0, fault(loneSurrogate)
	}
	low, ok := s.hex4()
	if !ok {
		return 0, s.malformed()
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, fault(loneSurrogate)
	}
	return r, nil
}

// hex4 reads four hexadecimal digits.
func (s *scanner) hex4() (r rune, ok bool) {
	if len(s.src)-s.pos < 4 {
		return 0, false
	}
	for _, c := range []byte(s.src[s.pos : s.pos+4]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	s.pos += 4
	return r, true
}

// publishedRune is the number of bytes of a character in published JSON.
func publishedRune(r rune) int {
	switch {
	case r == '"' || r == '\\' || r == '\b' || r == '\f' || r == '\n' || r == '\r' || r == '\t':
		return 2
	case r < 0x20:
		return 6
	}
	return utf8.RuneLen(r)
}

// publishedText is the number of bytes of a string in published JSON, quotes
// included; ok reports whether s is valid UTF-8.
func publishedText(s string) (size int, ok bool) {
	size = len(s) + 2
	ascii := true
	for i := range len(s) {
		switch classes[s[i]] {
		case other:
		case multibyte:
			ascii = false
		default:
			size += publishedRune(rune(s[i])) - 1
		}
	}
	return size, ascii || utf8.ValidString(s)
}
