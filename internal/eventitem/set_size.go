package eventitem

import (
	"hash/maphash"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
)

// setSize sizes a set, which has one member at least and none twice.
func setSize[T any](set []T, sizeOf func(T) (int, *ValueError), hashOf func(T) uint64, equal func(a, b T) bool) (int, *ValueError) {
	if len(set) == 0 {
		return 0, fault("an empty set, which DynamoDB does not have")
	}
	size := 0
	for i, member := range set {
		n, err := sizeOf(member)
		if err != nil {
			return 0, err.inElement(i)
		}
		size += n
	}
	if i := repeated(set, hashOf, equal); i >= 0 {
		return 0, fault("a member that the set has already").inElement(i)
	}
	return size, nil
}

// textSetSize sizes a set of texts. Two that differ may be sent as one.
func textSetSize(set []string) (int, *ValueError) {
	if slices.ContainsFunc(set, func(s string) bool { return !utf8.ValidString(s) }) {
		sent := make([]string, len(set))
		for i, s := range set {
			sent[i] = Sent(s)
		}
		set = sent
	}
	return setSize(set, textSize, textHash, func(a, b string) bool { return a == b })
}

var setSeed = maphash.MakeSeed()

func textHash(s string) uint64  { return maphash.String(setSeed, s) }
func bytesHash(b []byte) uint64 { return maphash.Bytes(setSeed, b) }

// numberHash is the hash of a text that is a number.
func numberHash(text string) uint64 {
	n, _ := decimal.Parse(text)
	return n.Hash(setSeed)
}

// fewMembers is how many members are compared each with each.
const fewMembers = 8

// repeated returns the index of a member that came before, -1 if there is none.
func repeated[T any](set []T, hashOf func(T) uint64, equal func(a, b T) bool) int {
	if len(set) <= fewMembers {
		for i := range set {
			for _, other := range set[:i] {
				if equal(set[i], other) {
					return i
				}
			}
		}
		return -1
	}
	table := hashTables.Get().(*hashTable)
	defer table.release()
	table.grow(len(set))
	for i, member := range set {
		for at := hashOf(member); ; at++ {
			slot := &(*table)[at&uint64(len(*table)-1)]
			if *slot == 0 {
				*slot = int32(i + 1)
				break
			}
			if equal(set[*slot-1], member) {
				return i
			}
		}
	}
	return -1
}

// hashTable has the index of a member, plus 1, at its hash or the next free
// place; its length is a power of two.
type hashTable []int32

// maxKeptTable is the length of the longest table that is kept. An item of 400
// KB has sets of some hundred thousand members at most.
const maxKeptTable = 1 << 18

var hashTables = sync.Pool{New: func() any { return new(hashTable) }}

// grow makes an empty table that is filled to a half at most by members.
func (t *hashTable) grow(members int) {
	length := 2 * fewMembers
	for length < 2*members {
		length *= 2
	}
	if cap(*t) < length {
		*t = make(hashTable, length)
		return
	}
	*t = (*t)[:length]
	clear(*t)
}

func (t *hashTable) release() {
	if cap(*t) <= maxKeptTable {
		hashTables.Put(t)
	}
}
