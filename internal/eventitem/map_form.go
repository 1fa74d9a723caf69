package eventitem

import (
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
)

// builder makes attribute values of JSON, in one pass, and counts on the way.
type builder struct {
	scanner
	size      int // bytes that DynamoDB counts for what was made
	published int // bytes of what was made as published JSON

	texts   slab[types.AttributeValueMemberS]
	numbers slab[types.AttributeValueMemberN]
	maps    slab[types.AttributeValueMemberM]
	lists   slab[types.AttributeValueMemberL]
	bools   slab[types.AttributeValueMemberBOOL]
	nulls   slab[types.AttributeValueMemberNULL]

	// Members and elements of the objects and arrays that are open, so that
	// maps and slices are made in their final size.
	members  []pair
	elements []types.AttributeValue

	digits []byte // of one number
}

type pair struct {
	key   string
	value types.AttributeValue
}

var builders = sync.Pool{New: func() any { return new(builder) }}

// release gives b back, without anything of the item that it made.
func (b *builder) release() {
	const keep = 4096 // members and elements; a larger stack is not kept
	if cap(b.members) > keep || cap(b.elements) > keep {
		return
	}
	clear(b.members) // something is left only of what was refused
	clear(b.elements)
	*b = builder{members: b.members[:0], elements: b.elements[:0], digits: b.digits[:0]}
	builders.Put(b)
}

// json makes the attribute value of a JSON text, whose own level of nesting
// within the item is level.
func (b *builder) json(text string, level int) (types.AttributeValue, *ValueError) {
	b.src, b.pos = text, 0
	b.arena = strings.Builder{}
	b.space()
	v, err := b.value(level)
	if err != nil {
		return nil, err
	}
	return v, b.end()
}

func (b *builder) value(level int) (types.AttributeValue, *ValueError) {
	switch b.peek() {
	case '{':
		return b.object(level)
	case '[':
		return b.array(level)
	case '"':
		text, published, err := b.text()
		if err != nil {
			return nil, err
		}
		b.published += published
		return b.textBox(text), nil
	case 't':
		return b.boolean("true", true)
	case 'f':
		return b.boolean("false", false)
	case 'n':
		if !b.word("null") {
			return nil, b.malformed()
		}
		b.size++
		b.published += len("null")
		box := b.nulls.take(1)
		box.Value = true
		return box, nil
	}
	return b.number()
}

// textBox makes an S and counts it as stored.
func (b *builder) textBox(text string) *types.AttributeValueMemberS {
	b.size += len(text)
	box := b.texts.take(16)
	box.Value = text
	return box
}

func (b *builder) boolean(word string, value bool) (types.AttributeValue, *ValueError) {
	if !b.word(word) {
		return nil, b.malformed()
	}
	b.size++
	b.published += len(word)
	box := b.bools.take(4)
	box.Value = value
	return box, nil
}

func (b *builder) number() (types.AttributeValue, *ValueError) {
	text := b.numberText()
	if size, ok := decimal.ShortSize(text); ok {
		return b.numberBox(text, size), nil
	}
	n, ok := decimal.ParseJSON(text)
	if !ok {
		return nil, b.malformed()
	}
	if err := n.Check(); err != nil {
		return nil, numberFault(text, n, err.Error()+", which a DynamoDB number cannot hold")
	}
	if n.IsInteger() && !n.FitsInt64() {
		return nil, numberFault(text, n, bigInteger)
	}
	if !n.Plain() {
		b.digits = n.AppendPlain(b.digits[:0])
		b.reserve(len(b.digits))
		begin := b.arena.Len()
		b.arena.Write(b.digits)
		text = b.arena.String()[begin:]
	}
	return b.numberBox(text, n.Size()), nil
}

// numberBox makes an N and counts it, of a given size as stored, and as
// published.
func (b *builder) numberBox(text string, size int) *types.AttributeValueMemberN {
	b.size += size
	b.published += len(text)
	box := b.numbers.take(8)
	box.Value = text
	return box
}

func (b *builder) object(level int) (types.AttributeValue, *ValueError) {
	if level > maxLevel {
		return nil, mapFault(tooDeep)
	}
	b.pos++ // brace
	b.size += nestedSize
	b.published += len("{}")
	base := len(b.members)
	b.space()
	for more := !b.accept('}'); more; {
		key, published, err := b.text()
		if err != nil {
			return nil, err
		}
		if err := checkName(key); err != nil {
			return nil, err.inMember(key)
		}
		b.space()
		if !b.accept(':') {
			return nil, b.malformed()
		}
		b.space()
		b.size += len(key) + elementSize
		b.published += published + len(":")
		v, err := b.value(level + 1)
		if err != nil {
			return nil, err.inMember(key)
		}
		b.members = append(b.members, pair{key, v})
		b.space()
		switch {
		case b.accept(','):
			b.published++
			b.space()
		case b.accept('}'):
			more = false
		default:
			return nil, b.malformed()
		}
	}
	members := b.members[base:]
	m := make(map[string]types.AttributeValue, len(members))
	for _, mem := range members {
		m[mem.key] = mem.value
	}
	if len(m) != len(members) {
		return nil, fault(duplicateKey).inMember(firstRepeated(members))
	}
	clear(members)
	b.members = b.members[:base]
	box := b.maps.take(8)
	box.Value = m
	return box, nil
}

// firstRepeated returns the key of the first member that repeats another.
func firstRepeated(members []pair) string {
	seen := make(map[string]bool, len(members))
	for _, mem := range members {
		if seen[mem.key] {
			return mem.key
		}
		seen[mem.key] = true
	}
	return ""
}

func (b *builder) array(level int) (types.AttributeValue, *ValueError) {
	if level > maxLevel {
		return nil, mapFault(tooDeep)
	}
	b.pos++ // bracket
	b.size += nestedSize
	b.published += len("[]")
	base := len(b.elements)
	b.space()
	for more := !b.accept(']'); more; {
		b.size += elementSize
		v, err := b.value(level + 1)
		if err != nil {
			return nil, err.inElement(len(b.elements) - base)
		}
		b.elements = append(b.elements, v)
		b.space()
		switch {
		case b.accept(','):
			b.published++
			b.space()
		case b.accept(']'):
			more = false
		default:
			return nil, b.malformed()
		}
	}
	elements := b.elements[base:]
	list := make([]types.AttributeValue, len(elements))
	copy(list, elements)
	clear(elements)
	b.elements = b.elements[:base]
	box := b.lists.take(2)
	box.Value = list
	return box, nil
}
