package jsonlex

import "iter"

// Member is a member of an object: where its key and its value begin, and where
// the value ends.
type Member struct{ Key, Value, End int }

// Name returns the member's name, "" if the key is no valid string.
func (m Member) Name(src []byte) string {
	if _, _, bad := String(src, m.Key); bad != None {
		return ""
	}
	return string(AppendText(nil, src, m.Key))
}

// Members yields the members of the object at p, and nothing if there is none.
// It ends where the text is no object any more: like [Skip], it looks only for
// where values end.
func Members(src []byte, p int) iter.Seq[Member] {
	return func(yield func(Member) bool) {
		if At(src, p) != '{' {
			return
		}
		p, more := First(src, p)
		for more && At(src, p) == '"' {
			key := SkipString(src, p)
			if key < 0 {
				return
			}
			value, bad := Colon(src, key)
			end := Skip(src, value)
			if bad != None || end < 0 || !yield(Member{p, value, end}) {
				return
			}
			if p, more, bad = Next(src, end, '}'); bad != None {
				return
			}
		}
	}
}

// Elements yields where the elements of the array at p begin and end, as Members
// does.
func Elements(src []byte, p int) iter.Seq2[int, int] {
	return func(yield func(int, int) bool) {
		if At(src, p) != '[' {
			return
		}
		p, more := First(src, p)
		for more {
			end := Skip(src, p)
			if end < 0 || !yield(p, end) {
				return
			}
			var bad Fault
			if p, more, bad = Next(src, end, ']'); bad != None {
				return
			}
		}
	}
}

// Find returns the value at the end of a path of names, from the object at p on;
// nil if there is none.
func Find(src []byte, p int, path ...string) []byte {
	for k, name := range path {
		found := false
		for m := range Members(src, p) {
			if m.Name(src) != name {
				continue
			}
			if k == len(path)-1 {
				return src[m.Value:m.End:m.End]
			}
			p, found = m.Value, true
			break
		}
		if !found {
			return nil
		}
	}
	return nil
}
