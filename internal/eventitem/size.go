package eventitem

import (
	"fmt"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
)

// ItemSize returns the size of an item in bytes as DynamoDB counts it: the
// UTF-8 bytes of the names and the size of the values. It allocates nothing but
// for sets and errors.
//
// What DynamoDB does not store has no size; the error is a [*ValueError]:
//
//   - a value that is missing: nil, a nil pointer, binary that is nil. The SDK
//     sends something else than was meant, panics, or leaves out an element of a
//     list without a word;
//   - a kind of value that this version of the SDK does not know;
//   - a number that is none or that DynamoDB cannot hold;
//   - a name, at any depth, that is empty or over [MaxName];
//   - a set that is empty or has a member twice, numbers compared by value;
//   - NULL that is false;
//   - nesting that is too deep (a value that contains itself, too).
//
// Text that is not UTF-8 is none of these: the SDK sends U+FFFD for each byte
// that is no part of a character, DynamoDB stores that, and so it is counted.
func ItemSize(item map[string]types.AttributeValue) (int, error) {
	size := 0
	var worst *ValueError
	var worstName string
	for name, value := range item {
		n, err := memberSize(name, value, 1)
		if err != nil && (worst == nil || name < worstName) {
			worst, worstName = err, name
		}
		size += n
	}
	if worst != nil {
		return 0, worst.inMember(worstName).under("")
	}
	return size, nil
}

// ValueSize returns the size of an attribute's value in bytes as DynamoDB
// counts it, without the attribute's name. Errors are those of [ItemSize], with
// a path that starts at the value.
func ValueSize(value types.AttributeValue) (int, error) {
	size, err := valueSize(value, 1)
	if err != nil {
		return 0, err.under("")
	}
	return size, nil
}

// valueSize sizes a value; level is the level of nesting that it has if it is a
// map or list.
func valueSize(value types.AttributeValue, level int) (int, *ValueError) {
	if missing(value) {
		return 0, fault("no value (nil)")
	}
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return textSize(v.Value)
	case *types.AttributeValueMemberN:
		return numberSize(v.Value)
	case *types.AttributeValueMemberB:
		return binarySize(v.Value)
	case *types.AttributeValueMemberBOOL:
		return 1, nil
	case *types.AttributeValueMemberNULL:
		if !v.Value {
			return 0, fault("NULL that is false; DynamoDB has only NULL that is true")
		}
		return 1, nil
	case *types.AttributeValueMemberM:
		return mapSize(v.Value, level)
	case *types.AttributeValueMemberL:
		return listSize(v.Value, level)
	case *types.AttributeValueMemberSS:
		return setSize(v.Value, textSize, Sent)
	case *types.AttributeValueMemberBS:
		return setSize(v.Value, binarySize, func(b []byte) string { return string(b) })
	case *types.AttributeValueMemberNS:
		return setSize(v.Value, numberSize, decimal.Canonical)
	}
	return 0, fault(fmt.Sprintf("a kind of value that is not known: %T", value))
}

// memberSize sizes an attribute or a member of a map, with its name.
func memberSize(name string, value types.AttributeValue, level int) (int, *ValueError) {
	if err := checkAttribute(name); err != nil {
		return 0, err
	}
	size, _ := textSize(name)
	n, err := valueSize(value, level)
	return size + n, err
}

// checkAttribute checks the name of an attribute, or of a member of a map.
func checkAttribute(name string) *ValueError {
	size, _ := textSize(name)
	switch {
	case size == 0:
		return fault("an attribute without a name")
	case size > MaxName:
		return limitFault("the name", size, MaxName)
	}
	return nil
}

func mapSize(m map[string]types.AttributeValue, level int) (int, *ValueError) {
	if level > maxLevel {
		return 0, fault(tooDeep)
	}
	size := nestedSize
	var worst *ValueError
	var worstName string
	for name, value := range m {
		n, err := memberSize(name, value, level+1)
		switch {
		case err == nil:
		case err.Problem == tooDeep: // a map that contains itself has no end
			return 0, err.inMember(name)
		case worst == nil || name < worstName:
			worst, worstName = err, name
		}
		size += n + elementSize
	}
	if worst != nil {
		return 0, worst.inMember(worstName)
	}
	return size, nil
}

func listSize(list []types.AttributeValue, level int) (int, *ValueError) {
	if level > maxLevel {
		return 0, fault(tooDeep)
	}
	size := nestedSize
	for i, value := range list {
		n, err := valueSize(value, level+1)
		if err != nil {
			return 0, err.inElement(i)
		}
		size += n + elementSize
	}
	return size, nil
}

// setSize sizes a set, which has at least one member, and none twice. TextOf is
// a text that only equal members share.
func setSize[T any](set []T, sizeOf func(T) (int, *ValueError), textOf func(T) string) (int, *ValueError) {
	if len(set) == 0 {
		return 0, fault("an empty set, which DynamoDB does not have")
	}
	size := 0
	seen := make(map[string]struct{}, len(set))
	for i, member := range set {
		n, err := sizeOf(member)
		if err != nil {
			return 0, err.inElement(i)
		}
		seen[textOf(member)] = struct{}{}
		if len(seen) == i {
			return 0, fault("a member that the set has already").inElement(i)
		}
		size += n
	}
	return size, nil
}

func numberSize(text string) (int, *ValueError) {
	n, ok := decimal.Parse(text)
	if !ok {
		return 0, fault("not a number")
	}
	if err := n.Check(); err != nil {
		return 0, fault(err.Error() + ", which a DynamoDB number cannot hold")
	}
	return n.Size(), nil
}

// textSize is the size of a text as the SDK sends it.
func textSize(text string) (int, *ValueError) {
	if !utf8.ValidString(text) {
		text = Sent(text)
	}
	return len(text), nil
}

// Sent returns a text as the SDK sends it: as it is if it is UTF-8, else with
// U+FFFD for each byte that is no part of a character.
func Sent(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	return string([]rune(text))
}

func binarySize(data []byte) (int, *ValueError) {
	if data == nil {
		return 0, fault("a nil slice, which the SDK sends as nothing; an empty one is a value")
	}
	return len(data), nil
}
