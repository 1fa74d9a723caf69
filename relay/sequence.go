package relay

import "strings"

// A sequence number of DynamoDB Streams is a string of 21 to 40 digits
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html);
// other engines pad it with zeros or give short ones. It is compared as an
// integer of any length.

// isSequence reports whether s is a sequence number.
func isSequence(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// lessSequence reports whether a is lower than b. Both must be sequence
// numbers.
func lessSequence(a, b string) bool {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}

// sequenceKey is a sequence number of up to 48 digits without leading zeros,
// two digits a byte, and its length.
type sequenceKey struct {
	digits [24]byte
	n      uint8
}

// packSequence returns the key of s, false if s is no sequence number or too
// long.
func packSequence(s string) (k sequenceKey, ok bool) {
	if !isSequence(s) {
		return k, false
	}
	s = strings.TrimLeft(s, "0")
	if len(s) > 2*len(k.digits) {
		return k, false
	}
	k.n = uint8(len(s))
	for i := range len(s) {
		k.digits[i/2] |= (s[i] - '0') << (4 * (i % 2))
	}
	return k, true
}
