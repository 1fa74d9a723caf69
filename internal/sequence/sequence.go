// Package sequence compares sequence numbers of DynamoDB Streams. One is a
// string of 21 to 40 digits
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html);
// other engines pad it with zeros or give short ones. It is compared as an
// integer of any length.
package sequence

import "strings"

// Valid reports whether s is a sequence number.
func Valid(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// Less reports whether a is lower than b. Both must be sequence numbers.
func Less(a, b string) bool {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	if len(a) != len(b) {
		return len(a) < len(b)
	}
	return a < b
}
