package eventitem

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
)

// values makes the attribute values of one item, and counts on the way.
//
// An item has dozens of them, and to the SDK each is a pointer. They are
// allocated a chunk at a time, which halves the time of the whole: all of them
// live as long as the item.
type values struct {
	size      int // bytes that DynamoDB counts for what was made
	published int // bytes of what was made as published JSON

	texts   slab[types.AttributeValueMemberS]
	numbers slab[types.AttributeValueMemberN]
	objects slab[types.AttributeValueMemberM]
	arrays  slab[types.AttributeValueMemberL]
	bools   slab[types.AttributeValueMemberBOOL]
	nulls   slab[types.AttributeValueMemberNULL]
}

// text makes an S. How long it is when it is published, the caller adds.
func (v *values) text(text string) types.AttributeValue {
	v.size += len(text)
	box := v.texts.take(16)
	box.Value = text
	return box
}

// number makes an N of a number that [decimal.Number.Check] accepts.
func (v *values) number(n *decimal.Number) types.AttributeValue {
	text := n.Text()
	v.size += n.Size()
	v.published += len(text)
	box := v.numbers.take(8)
	box.Value = text
	return box
}

// integer makes an N.
func (v *values) integer(i int64) types.AttributeValue {
	n, _ := decimal.Parse(strconv.FormatInt(i, 10))
	return v.number(&n)
}

// word makes a BOOL or NULL, by the first letter of its name.
func (v *values) word(first byte) types.AttributeValue {
	v.size++
	if first == 'n' {
		box := v.nulls.take(1)
		box.Value = true
		return box
	}
	box := v.bools.take(4)
	box.Value = first == 't'
	return box
}

// object makes an M. Its members have been counted.
func (v *values) object(m map[string]types.AttributeValue) types.AttributeValue {
	v.size += itemsize.Nested
	v.published += len("{}")
	box := v.objects.take(8)
	box.Value = m
	return box
}

// array makes an L. Its elements have been counted.
func (v *values) array(list []types.AttributeValue) types.AttributeValue {
	v.size += itemsize.Nested + len(list)*itemsize.Element
	v.published += len("[]")
	box := v.arrays.take(2)
	box.Value = list
	return box
}

// slab hands out pointers to zero values of T.
type slab[T any] struct {
	free []T
	next int // size of the next chunk
}

const maxChunk = 64

func (s *slab[T]) take(first int) *T {
	if len(s.free) == 0 {
		s.next = min(max(first, 2*s.next), maxChunk)
		s.free = make([]T, s.next)
	}
	p := &s.free[0]
	s.free = s.free[1:]
	return p
}
