package itemsize

import (
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
)

func (w walk) texts(set []string) (int, *Fault) {
	return checkedSet(w, set, func(s string) (int, *Fault) { return textSize(s), nil }, Sent)
}

func (w walk) numbers(set []string) (int, *Fault) {
	return checkedSet(w, set, w.number, decimal.Canonical)
}

func (w walk) binaries(set [][]byte) (int, *Fault) {
	return checkedSet(w, set, binarySize, func(b []byte) string { return string(b) })
}

// checkedSet sizes a set. Checked, it has one member at least, and no two that
// identity makes the same.
func checkedSet[T any](w walk, set []T, sizeOf func(T) (int, *Fault), identity func(T) string) (int, *Fault) {
	size := 0
	for i, member := range set {
		n, fault := sizeOf(member)
		if fault != nil {
			return 0, fault.inElement(i)
		}
		size += n
	}
	if !w.strict {
		return size, nil
	}
	if len(set) == 0 {
		return 0, wrong("an empty set, which DynamoDB does not have")
	}
	seen := make(map[string]struct{}, len(set))
	for i, member := range set {
		id := identity(member)
		if _, ok := seen[id]; ok {
			return 0, wrong("a member that the set has already").inElement(i)
		}
		seen[id] = struct{}{}
	}
	return size, nil
}

// unstorable says why DynamoDB does not hold a number, "" if it does. A zero is
// ranged by the exponent that it is written with: 0e125 is taken, 0e126 is not, as
// the public conformance suite paritysuite/dynamodb-conformance has seen it in all
// regions (tests/tier3/limits/numberExponent.test.ts).
func unstorable(text string, n *decimal.Number) string {
	if err := n.Check(); err != nil {
		return err.Error() + ", which a DynamoDB number cannot hold"
	}
	at := strings.IndexAny(text, "eE")
	if n.Digits() > 0 || at < 0 {
		return ""
	}
	exponent, ok := decimal.Int64(strings.TrimPrefix(text[at+1:], "+"))
	if !ok || exponent < decimal.MinExponent || exponent > decimal.MaxExponent {
		return "a zero with an exponent outside the range of DynamoDB's numbers"
	}
	return ""
}
