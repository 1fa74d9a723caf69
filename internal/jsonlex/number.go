package jsonlex

// Grammar says which texts are numbers.
type Grammar uint8

const (
	// JSON is the grammar of RFC 8259.
	JSON Grammar = iota

	// DynamoDB is what DynamoDB takes as the text of an N: JSON's numbers, and
	// beside them a leading plus sign, leading zeros, and a point with digits
	// on one of its sides only.
	DynamoDB
)

// Number says where the parts of a number are in its text.
type Number struct {
	Negative         bool
	IntFrom, IntTo   int // digits before the point; empty for .5, which is no JSON
	FracFrom, FracTo int // digits behind the point; empty without
	ExpFrom          int // digits of the exponent; End without
	ExpNegative      bool
	End              int // behind the number
}

// ScanNumber reads the longest number at p. If there is none, ok is false and
// End is where it went wrong.
func ScanNumber[S Text](src S, p int, g Grammar) (n Number, ok bool) {
	switch At(src, p) {
	case '-':
		n.Negative = true
		p++
	case '+':
		if g == JSON {
			return Number{End: p}, false
		}
		p++
	}
	n.IntFrom = p
	p = digits(src, p)
	if g == JSON && p > n.IntFrom+1 && src[n.IntFrom] == '0' {
		p = n.IntFrom + 1 // a number ends behind a zero that leads
	}
	n.IntTo, n.FracFrom, n.FracTo = p, p, p
	if g == JSON && n.IntTo == n.IntFrom {
		n.End = p
		return n, false
	}
	if At(src, p) == '.' {
		n.FracFrom = p + 1
		n.FracTo = digits(src, p+1)
		p = n.FracTo
		if g == JSON && n.FracFrom == n.FracTo {
			n.End = p
			return n, false
		}
	}
	if n.IntFrom == n.IntTo && n.FracFrom == n.FracTo {
		n.End = n.IntFrom
		return n, false
	}
	n.ExpFrom, n.End = p, p
	if c := At(src, p); c != 'e' && c != 'E' {
		return n, true
	}
	p++
	switch At(src, p) {
	case '-':
		n.ExpNegative = true
		p++
	case '+':
		p++
	}
	n.ExpFrom = p
	n.End = digits(src, p)
	return n, n.End > p
}

// digits returns the position of the first byte from p on that is not a digit.
func digits[S Text](src S, p int) int {
	for uint(p) < uint(len(src)) && IsDigit(src[p]) {
		p++
	}
	return p
}
