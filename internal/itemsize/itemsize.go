// Package itemsize weighs items and values as DynamoDB does, and says what is
// wrong with them.
//
// [Measure] looks only for what the SDK would not send as it was meant; all else is
// left to DynamoDB. [Check] and [CheckValue] also look for what DynamoDB does not
// store. All are pure functions that allocate nothing unless there is an error, but
// for sets that are checked.
package itemsize

import (
	"fmt"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
)

// DynamoDB's rules for an item
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
const (
	// MaxLevel is how deep maps and lists of an item may nest: an attribute
	// that is a map or list is level 1. AWS says 32 levels without saying what
	// is one; it takes 31 maps or lists within each other, whatever the
	// innermost holds.
	MaxLevel = 31

	// MaxPartitionKey and MaxSortKey bound the bytes of a key's value. It has
	// at least one.
	MaxPartitionKey = 2048
	MaxSortKey      = 1024

	// MaxName bounds the bytes of an attribute's name, at any depth. It has at
	// least one.
	MaxName = 65535
)

// How the size of an item is counted
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
const (
	Nested  = 3 // of a map or list, however empty
	Element = 1 // of each member and element, on top of its name and value
)

// endless is the depth at which a value is taken to contain itself. The SDK would
// never come to an end with it.
const endless = 1000

// Measure returns the size of an item in bytes as DynamoDB counts it: the UTF-8
// bytes of the names and the size of the values. What is no number counts
// nothing, for DynamoDB does not take the item.
//
// The error is a [*Fault], for what is not sent as it was meant: a value that is
// missing (nil, a nil pointer, binary that is nil), which the SDK sends as
// something else or as broken JSON, or panics over, or leaves out of a list
// without a word; a kind of value that this version of the SDK does not know,
// likewise; and a value that contains itself.
//
// Text that is not UTF-8 is none of these: the SDK sends U+FFFD for each byte
// that is no part of a character, DynamoDB stores that, and so it is counted.
func Measure(item map[string]types.AttributeValue) (int, error) {
	return weighed(walk{}.members(item, 0, 1))
}

// Check returns what Measure does. Its errors are also for what DynamoDB does not
// store:
//
//   - a text in the place of a number, or a number that DynamoDB cannot hold;
//   - a name, at any depth, that is empty or over [MaxName];
//   - a set that is empty or has a member twice, numbers compared by value;
//   - NULL that is false;
//   - nesting beyond [MaxLevel].
func Check(item map[string]types.AttributeValue) (int, error) {
	return weighed(walk{strict: true, deepest: MaxLevel}.members(item, 0, 1))
}

// CheckValue is Check for one value of an expression. Its depth is no fault: in a
// transaction, AWS looks at it only once it is stored.
func CheckValue(value types.AttributeValue) (int, error) {
	return weighed(walk{strict: true}.value(value, 1))
}

// walk is how a value is looked at.
type walk struct {
	strict  bool
	deepest int // level of nesting; 0 is as deep as there is an end
}

func weighed(size int, fault *Fault) (int, error) {
	if fault != nil {
		return 0, fault.placed()
	}
	return size, nil
}

// value sizes a value; level is the level of nesting that it has if it is a map
// or list.
func (w walk) value(value types.AttributeValue, level int) (int, *Fault) {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		if v != nil {
			return textSize(v.Value), nil
		}
	case *types.AttributeValueMemberN:
		if v != nil {
			return w.number(v.Value)
		}
	case *types.AttributeValueMemberB:
		if v != nil {
			return binarySize(v.Value)
		}
	case *types.AttributeValueMemberBOOL:
		if v != nil {
			return 1, nil
		}
	case *types.AttributeValueMemberNULL:
		if v != nil {
			if w.strict && !v.Value {
				return 0, wrong("NULL that is false; DynamoDB has only NULL that is true")
			}
			return 1, nil
		}
	case *types.AttributeValueMemberM:
		if v != nil {
			if fault := w.tooDeep(level); fault != nil {
				return 0, fault
			}
			size, fault := w.members(v.Value, Element, level+1)
			return Nested + size, fault
		}
	case *types.AttributeValueMemberL:
		if v != nil {
			return w.list(v.Value, level)
		}
	case *types.AttributeValueMemberSS:
		if v != nil {
			return w.texts(v.Value)
		}
	case *types.AttributeValueMemberNS:
		if v != nil {
			return w.numbers(v.Value)
		}
	case *types.AttributeValueMemberBS:
		if v != nil {
			return w.binaries(v.Value)
		}
	case nil:
	default:
		return 0, wrong(fmt.Sprintf("a kind of value that is not known: %T", value))
	}
	return 0, wrong("no value (nil)")
}

func (w walk) tooDeep(level int) *Fault {
	switch {
	case w.deepest > 0 && level > w.deepest:
		return &Fault{Problem: fmt.Sprintf("nested too deep: DynamoDB takes %d maps and lists within each other, counted from the attribute of the item", w.deepest), deep: true}
	case level > endless:
		return &Fault{Problem: "nested without end", deep: true}
	}
	return nil
}

// members sizes attributes, or members of a map, whose values have a level of
// nesting; each counts for extra bytes. Of several faults, it is always that of
// the first name that is reported, but for one of nesting: a map that contains
// itself has no end.
func (w walk) members(m map[string]types.AttributeValue, extra, level int) (int, *Fault) {
	size := 0
	var worst *Fault
	var worstName string
	for name, value := range m {
		fault := w.name(name)
		if fault == nil {
			var n int
			n, fault = w.value(value, level)
			size += textSize(name) + n + extra
		}
		switch {
		case fault == nil:
		case fault.deep:
			return 0, fault.inMember(name)
		case worst == nil || name < worstName:
			worst, worstName = fault, name
		}
	}
	if worst != nil {
		return 0, worst.inMember(worstName)
	}
	return size, nil
}

// CheckName returns an error if no attribute, and no member of a map, can have
// the name.
func CheckName(name string) error {
	if fault := (walk{strict: true}).name(name); fault != nil {
		return fault.placed()
	}
	return nil
}

func (w walk) name(name string) *Fault {
	if !w.strict {
		return nil
	}
	switch size := textSize(name); {
	case size == 0:
		return wrong("an attribute without a name")
	case size > MaxName:
		return &Fault{Problem: "the name", Size: size, Limit: MaxName}
	}
	return nil
}

func (w walk) list(list []types.AttributeValue, level int) (int, *Fault) {
	if fault := w.tooDeep(level); fault != nil {
		return 0, fault
	}
	size := Nested
	for i, value := range list {
		n, fault := w.value(value, level+1)
		if fault != nil {
			return 0, fault.inElement(i)
		}
		size += n + Element
	}
	return size, nil
}

func (w walk) number(text string) (int, *Fault) {
	n, ok := decimal.Parse(text)
	if !ok {
		if w.strict {
			return 0, wrong("not a number")
		}
		return 0, nil
	}
	if w.strict {
		if problem := unstorable(text, &n); problem != "" {
			return 0, wrong(problem)
		}
	}
	return n.Size(), nil
}

// textSize is the size of a text as the SDK sends it.
func textSize(text string) int {
	if !utf8.ValidString(text) {
		text = Sent(text)
	}
	return len(text)
}

// Sent returns a text as the SDK sends it: as it is if it is UTF-8, else with
// U+FFFD for each byte that is no part of a character.
func Sent(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}

func binarySize(data []byte) (int, *Fault) {
	if data == nil {
		return 0, wrong("a nil slice, which the SDK sends as nothing; an empty one is a value")
	}
	return len(data), nil
}
