package decimal

// maxShort is the length of a text that [ShortSize] looks at: whatever it
// holds, its digits fit an int64.
const maxShort = 18

// ShortSize is a short cut for the numbers of every day. If s is a number that
// [ParseJSON] takes, is [Number.Plain], passes [Number.Check], is no integer
// outside int64 and is short, it returns its [Number.Size] and true; for every
// other text, and it may be a number too, it returns false.
func ShortSize(s string) (size int, ok bool) {
	if s == "" || len(s) > maxShort {
		return 0, false
	}
	i, neg := 0, s[0] == '-'
	if neg {
		i++
	}
	start := i
	point := -1           // digits before the point
	first, last := -1, -1 // significant digits, counted from the first digit on
	n := 0                // digits
	for ; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '.' && point < 0 && n > 0:
			point = n
			continue
		case c-'0' > 9:
			return 0, false
		case c != '0':
			last = n
			if first < 0 {
				first = n
			}
		}
		n++
	}
	switch {
	case first < 0:
		return 1, s == "0"
	case point < 0:
		point = n
	case n == point || last != n-1: // nothing, or zeros at the end, of a fraction
		return 0, false
	}
	if s[start] == '0' && point > 1 {
		return 0, false
	}
	size = 2 + (point-1-first)>>1 - (point-1-last)>>1
	if neg {
		size++
	}
	return size, true
}
