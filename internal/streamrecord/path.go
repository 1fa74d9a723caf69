package streamrecord

import "github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"

// maxPathDepth is how deep a path leads. What is deeper is not named.
const maxPathDepth = 40

// path returns the path to the end of src, which begins with the DynamoDB JSON
// value that is called root: event.payload.lines[2].price. It reads src once
// more from its beginning, which only a damaged record costs.
func path(src []byte, root string) string {
	var levels [maxPathDepth]struct {
		array bool
		key   int // position of the key, 0 if there is none
		index int
	}
	depth := 0 // may exceed what levels has room for
	for p := 0; p < len(src); p++ {
		top := &levels[min(max(depth-1, 0), maxPathDepth-1)]
		switch src[p] {
		case '{', '[':
			if depth++; depth <= maxPathDepth {
				top = &levels[depth-1]
				top.array, top.key, top.index = src[p] == '[', 0, 0
			}
		case '}', ']':
			depth = max(depth-1, 0)
		case ',':
			if depth <= maxPathDepth {
				top.index, top.key = top.index+1, 0
			}
		case '"':
			end := jsonlex.SkipString(src, p)
			if end < 0 {
				end = len(src)
			} else if depth <= maxPathDepth && jsonlex.At(src, jsonlex.Space(src, end)) == ':' {
				top.key = p
			}
			p = end - 1
		}
	}
	path := []byte(root)
	// every other level is the type of the value, not a part of the path
	for i := 1; i < min(depth, maxPathDepth); i += 2 {
		switch l := levels[i]; {
		case l.array:
			path = jsonlex.AppendIndex(path, l.index)
		case l.key != 0:
			path = jsonlex.AppendKey(path, keyAt(src, l.key))
		}
	}
	if depth > maxPathDepth {
		path = append(path, "…"...)
	}
	return jsonlex.Path(path)
}

// keyAt returns the key at src[p], as it is there if it is not valid.
func keyAt(src []byte, p int) string {
	if end, _, bad := jsonlex.String(src, p); bad != jsonlex.None {
		return string(src[p+1 : end])
	}
	return string(jsonlex.AppendText(nil, src, p))
}
