package decimal

import "strings"

// Compare returns -1, 0 or 1 as a is less than, equal to or greater than b.
func Compare(a, b Number) int {
	if s := sign(a) - sign(b); s != 0 {
		return clamp(s)
	}
	if a.count == 0 {
		return 0
	}
	order := clampInt64(a.exp - b.exp)
	if order == 0 {
		order = compareDigits(a.digits, b.digits)
	}
	if a.neg {
		return -order
	}
	return order
}

// Equal reports whether two texts are the same number: 1, 1.0 and 10E-1 are. A
// text that is not a number equals only itself.
func Equal(a, b string) bool {
	if a == b {
		return true
	}
	na, okA := Parse(a)
	nb, okB := Parse(b)
	return okA && okB && Compare(na, nb) == 0
}

// compareDigits compares two runs of significant digits whose first digits
// have the same power of ten. Neither ends in a zero, so the longer of two with
// a common start is the greater.
func compareDigits(a, b string) int {
	if strings.IndexByte(a, '.') < 0 && strings.IndexByte(b, '.') < 0 {
		return strings.Compare(a, b)
	}
	i, j := 0, 0
	for {
		if i < len(a) && a[i] == '.' {
			i++
		}
		if j < len(b) && b[j] == '.' {
			j++
		}
		switch {
		case i == len(a) || j == len(b):
			return clamp((len(a) - i) - (len(b) - j))
		case a[i] != b[j]:
			return clamp(int(a[i]) - int(b[j]))
		}
		i++
		j++
	}
}

func sign(n Number) int {
	switch {
	case n.count == 0:
		return 0
	case n.neg:
		return -1
	}
	return 1
}

func clamp(i int) int { return clampInt64(int64(i)) }

func clampInt64(i int64) int {
	switch {
	case i < 0:
		return -1
	case i > 0:
		return 1
	}
	return 0
}
