package streamrecord

import (
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// source is the JSON that is read, and a buffer for the texts in it that have
// escapes.
type source struct {
	src     []byte
	scratch []byte
}

// key reads the key at src[p] and returns it with the position of its value, -1
// if it is no key of a member. It is valid until the next call of key or text.
// A key that is not valid JSON is nil, which is no name.
func (s *source) key(p int) ([]byte, int) {
	name, p, _ := s.text(p)
	p, bad := jsonlex.Colon(s.src, p)
	if bad != jsonlex.None {
		return nil, -1
	}
	return name, p
}

// text reads the string at src[p] and reports whether it is valid JSON. The
// position is the one behind it, -1 if it is no string or has no end. The text
// is valid until the next call of key or text.
func (s *source) text(p int) ([]byte, int, bool) {
	end, plain, bad := jsonlex.String(s.src, p)
	switch {
	case bad == jsonlex.None && plain:
		return s.src[p+1 : end-1], end, true
	case bad == jsonlex.None:
		return s.unescaped(s.src, p), end, true
	case jsonlex.At(s.src, p) == '"':
		return nil, jsonlex.SkipString(s.src, p), false
	}
	return nil, -1, false
}

// unescaped returns the text of the valid string at text[p], until the next
// call of key or text.
func (s *source) unescaped(text []byte, p int) []byte {
	s.scratch = jsonlex.AppendText(s.scratch[:0], text, p)
	return s.scratch
}

func isNull(src []byte, p, end int) bool {
	return end >= 0 && string(src[p:end]) == "null"
}
