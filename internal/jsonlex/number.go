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
	ExpNegative      bool
	IntFrom, IntTo   int // digits before the point; none in .5, which is no JSON
	FracFrom, FracTo int // digits behind the point; none without one
	ExpFrom          int // digits of the exponent, up to End; none without one
	End              int // behind the number

	// First and Last are the first and the last digit that is not 0, exponent
	// left out; Last < First if there is none.
	First, Last int
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
			n.End = p
			return n, false
		}
		p++
	}
	n.IntFrom, n.Last = p, -1
	for ; uint(p) < uint(len(src)) && IsDigit(src[p]); p++ {
		if src[p] != '0' {
			if n.Last < 0 {
				n.First = p
			}
			n.Last = p
		}
	}
	n.IntTo, n.FracFrom, n.FracTo = p, p, p
	digits := p - n.IntFrom
	if g == JSON && (digits == 0 || digits > 1 && src[n.IntFrom] == '0') {
		n.End = min(n.IntFrom+1, p) // where there is no digit, or one behind a zero
		return n, false
	}
	if At(src, p) == '.' {
		n.FracFrom = p + 1
		for p++; uint(p) < uint(len(src)) && IsDigit(src[p]); p++ {
			if src[p] != '0' {
				if n.Last < 0 {
					n.First = p
				}
				n.Last = p
			}
		}
		n.FracTo = p
		after := p - n.FracFrom
		if digits += after; after == 0 && g == JSON || digits == 0 {
			n.End = p
			return n, false
		}
	} else if digits == 0 {
		n.End = p
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
	for uint(p) < uint(len(src)) && IsDigit(src[p]) {
		p++
	}
	n.End = p
	return n, p > n.ExpFrom
}

// plainNumber returns the position behind the number at p, if it is one as most
// are: digits that do not begin with a zero, and perhaps a fraction; else p.
func plainNumber[S Text](src S, p int) int {
	if At(src, p) == '0' {
		return p
	}
	end := skipDigits(src, p)
	if end > p && At(src, end) == '.' && IsDigit(At(src, end+1)) {
		end = skipDigits(src, end+1)
	}
	if c := At(src, end); c == '.' || c == 'e' || c == 'E' {
		return p
	}
	return end
}

func skipDigits[S Text](src S, p int) int {
	for uint(p) < uint(len(src)) && IsDigit(src[p]) {
		p++
	}
	return p
}
