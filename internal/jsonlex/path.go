package jsonlex

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A path leads a person to a value: payload.lines[3].price. A key that could be
// misread, such as one with a dot, is quoted: payload["a.b"]. A long key is cut,
// and a long path is shortened in the middle.
const (
	MaxPathKey = 64  // bytes of one key
	MaxPath    = 400 // bytes of a path
)

// AppendKey appends the key of an object's member to a path.
func AppendKey(path []byte, key string) []byte {
	if isIdentifier(key) && len(key) <= MaxPathKey {
		if len(path) > 0 {
			path = append(path, '.')
		}
		return append(path, key...)
	}
	if len(key) > MaxPathKey {
		cut := MaxPathKey
		for cut > 0 && !utf8.RuneStart(key[cut]) {
			cut--
		}
		key = key[:cut] + "…"
	}
	path = append(path, '[')
	path = strconv.AppendQuote(path, key)
	return append(path, ']')
}

// AppendIndex appends the index of an array's element to a path.
func AppendIndex(path []byte, index int) []byte {
	path = append(path, '[')
	path = strconv.AppendInt(path, int64(index), 10)
	return append(path, ']')
}

// Trail collects a path from its end, as an error does on its way out of a value
// within others.
type Trail []step

// step is the key of a member, or the index of an element.
type step struct {
	key   string
	index int // -1: the key is meant
}

// Key notes that the trail so far is that of a member's value.
func (t *Trail) Key(key string) { *t = append(*t, step{key: key, index: -1}) }

// Index notes that the trail so far is that of an element.
func (t *Trail) Index(index int) { *t = append(*t, step{index: index}) }

// Path returns the path that begins with root and goes on with the trail.
func (t Trail) Path(root string) string {
	path := []byte(root)
	for _, s := range slices.Backward(t) {
		if s.index < 0 {
			path = AppendKey(path, s.key)
		} else {
			path = AppendIndex(path, s.index)
		}
	}
	return Path(path)
}

// Path returns a path as a text of at most [MaxPath] bytes and an ellipsis.
func Path(path []byte) string {
	if len(path) <= MaxPath {
		return string(path)
	}
	head := strings.ToValidUTF8(string(path[:MaxPath/2]), "")
	tail := strings.ToValidUTF8(string(path[len(path)-MaxPath/2:]), "")
	return head + "…" + tail
}

// isIdentifier reports whether a key can stand in a path without quotes.
func isIdentifier(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		if !letter && (i == 0 || !IsDigit(c) && c != '-') {
			return false
		}
	}
	return s != ""
}

// AppendPathTo appends to a path the steps that lead to the innermost value in
// which the byte at src[at] is. The text is valid JSON; of another one, the
// steps are those that can be seen.
func AppendPathTo[S Text](path []byte, src S, at int) []byte {
	p := Space(src, 0)
	for at > p {
		opening := At(src, p)
		if opening != '{' && opening != '[' {
			break
		}
		next, more := First(src, p)
		for index := 0; ; index++ {
			key := next
			if opening == '{' {
				next, _ = Colon(src, SkipString(src, key))
			}
			p = next
			if next = Skip(src, p); !more || next < 0 || at < p {
				return path
			}
			if at < next {
				if opening == '{' {
					path = AppendKey(path, string(AppendText(nil, src, key)))
				} else {
					path = AppendIndex(path, index)
				}
				break
			}
			next, more, _ = Next(src, next, Closing(opening))
		}
	}
	return path
}
