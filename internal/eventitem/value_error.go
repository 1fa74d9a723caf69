package eventitem

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ValueError says which value of an event cannot be stored or published, and
// why. It has no package prefix and names no event, for it is the detail of an
// error that does both. It holds keys of the payload, never values.
type ValueError struct {
	// Path leads to the value: payload.lines[3].price, headers.timestamp, or
	// the name of an attribute of the item. A key that could be misread, such
	// as one with a dot, is quoted: payload["a.b"]. A long path is shortened
	// in the middle.
	Path string

	// Problem is what is wrong with it, with the limit if there is one. It may
	// be empty where Size and Limit say all.
	Problem string

	// Size and Limit are bytes, where [ItemSize] or [Expressions.Size] found a
	// limit passed; else 0.
	Size, Limit int

	// MapOnly reports that the fault is one of the form [Map] alone: [JSONText]
	// does not mind this value. It may mind another one.
	MapOnly bool

	steps []step // from the innermost to the outermost, until Path is made
}

func (e *ValueError) Error() string {
	text := e.Path
	if e.Problem != "" {
		text += ": " + e.Problem
	}
	if e.Limit > 0 {
		text += fmt.Sprintf(": %d bytes, at most %d", e.Size, e.Limit)
	}
	return text
}

// step is one level of a path: the key of a member, or the index of an element.
type step struct {
	key   string
	index int // -1: key is meant
}

const (
	maxPathKey = 64  // bytes of one key
	maxPath    = 400 // bytes of a path
)

func fault(problem string) *ValueError    { return &ValueError{Problem: problem} }
func mapFault(problem string) *ValueError { return &ValueError{Problem: problem, MapOnly: true} }
func limitFault(problem string, size, limit int) *ValueError {
	return &ValueError{Problem: problem, Size: size, Limit: limit}
}
func faultAt(path, problem string) *ValueError {
	return &ValueError{Path: path, Problem: problem}
}

// inMember and inElement note, on an error's way out, where it came from.
func (e *ValueError) inMember(key string) *ValueError {
	e.steps = append(e.steps, step{key: key, index: -1})
	return e
}

func (e *ValueError) inElement(index int) *ValueError {
	e.steps = append(e.steps, step{index: index})
	return e
}

// under makes the Path: root and the steps below it.
func (e *ValueError) under(root string) *ValueError {
	path := []byte(root)
	for i := len(e.steps) - 1; i >= 0; i-- {
		path = e.steps[i].appendTo(path)
	}
	e.steps = nil
	if len(path) > maxPath {
		head := strings.ToValidUTF8(string(path[:maxPath/2]), "")
		tail := strings.ToValidUTF8(string(path[len(path)-maxPath/2:]), "")
		e.Path = head + "…" + tail
		return e
	}
	e.Path = string(path)
	return e
}

func (s step) appendTo(path []byte) []byte {
	if s.index >= 0 {
		path = append(path, '[')
		path = strconv.AppendInt(path, int64(s.index), 10)
		return append(path, ']')
	}
	if isIdentifier(s.key) && len(s.key) <= maxPathKey {
		if len(path) > 0 {
			path = append(path, '.')
		}
		return append(path, s.key...)
	}
	key := s.key
	if len(key) > maxPathKey {
		cut := maxPathKey
		for cut > 0 && !utf8.RuneStart(key[cut]) {
			cut--
		}
		key = key[:cut] + "…"
	}
	path = append(path, '[')
	path = strconv.AppendQuote(path, key)
	return append(path, ']')
}

// isIdentifier reports whether a key can stand in a path without quotes.
func isIdentifier(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '-') {
			return false
		}
	}
	return s != ""
}
