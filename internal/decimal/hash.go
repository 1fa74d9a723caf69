package decimal

import "hash/maphash"

// Hash returns a hash that equal numbers share, however they are written. It
// allocates nothing for a number that [Number.Check] accepts.
func (n *Number) Hash(seed maphash.Seed) uint64 {
	var few [MaxDigits]byte
	digits := n.appendDigits(few[:0], n.Digits())
	hash := maphash.Bytes(seed, digits)*31 + uint64(n.exp)
	if n.neg {
		hash = ^hash
	}
	return hash
}
