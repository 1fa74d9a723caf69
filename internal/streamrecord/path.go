package streamrecord

import (
	"strconv"
	"strings"
)

// A path is for a person: it ends with an ellipsis where it gets long.
const (
	maxPathDepth = 40
	maxPathKey   = 64
)

// path returns the path to the end of src, which begins with the DynamoDB JSON
// value that is called root: "event.payload.lines[2].price". It reads src once
// more from its beginning, which only a damaged record costs.
func path(src []byte, root string) string {
	type level struct {
		array bool
		key   []byte
		index int
	}
	var levels [maxPathDepth]level
	depth := 0 // may exceed what levels has room for
	top := func() *level {
		if depth == 0 || depth > len(levels) {
			return &level{}
		}
		return &levels[depth-1]
	}
	for p := 0; p < len(src); p++ {
		switch src[p] {
		case '{', '[':
			depth++
			*top() = level{array: src[p] == '['}
		case '}', ']':
			depth = max(depth-1, 0)
		case ',':
			top().index++
			top().key = nil
		case '"':
			end := skipString(src, p+1)
			if end < 0 {
				p = len(src)
				continue
			}
			if at(src, space(src, end)) == ':' {
				top().key = src[p+1 : end-1]
			}
			p = end - 1
		}
	}
	var b strings.Builder
	b.WriteString(root)
	// every other level is the type of the value, not a part of the path
	for i := 1; i < min(depth, len(levels)); i += 2 {
		switch l := levels[i]; {
		case l.array:
			b.WriteString("[" + strconv.Itoa(l.index) + "]")
		case l.key != nil:
			b.WriteString("." + printable(l.key))
		}
	}
	if depth > len(levels) {
		b.WriteString("…")
	}
	return b.String()
}

// printable returns a key as it can stand in a log.
func printable(key []byte) string {
	cut := ""
	if len(key) > maxPathKey {
		key, cut = key[:maxPathKey], "…"
	}
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(string(key), "\uFFFD")) + cut
}
