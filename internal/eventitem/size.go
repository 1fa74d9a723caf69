package eventitem

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
)

// ItemSize returns the size of an item in bytes as DynamoDB counts it: the
// UTF-8 bytes of the names and the size of the values. It allocates nothing
// unless there is an error.
//
// The error is a [*ValueError] for what has no size, because DynamoDB does not
// store it: a value that is missing (nil, a nil pointer, binary that is nil), a
// kind that this version of the SDK does not know, a number that is none or that
// DynamoDB can not hold, nesting that is too deep (a value that contains itself,
// too). What else DynamoDB refuses in an item, such as an empty set, has a size.
func ItemSize(item map[string]types.AttributeValue) (int, error) {
	size := 0
	var worst *ValueError
	var worstName string
	for name, value := range item {
		n, err := valueSize(value, 1)
		if err != nil && (worst == nil || name < worstName) {
			worst, worstName = err, name
		}
		size += len(name) + n
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
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		if v != nil {
			return len(v.Value), nil
		}
	case *types.AttributeValueMemberN:
		if v != nil {
			return numberSize(v.Value)
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
			return 1, nil
		}
	case *types.AttributeValueMemberM:
		if v != nil {
			return mapSize(v.Value, level)
		}
	case *types.AttributeValueMemberL:
		if v != nil {
			return listSize(v.Value, level)
		}
	case *types.AttributeValueMemberSS:
		if v != nil {
			return setSize(v.Value, textSize)
		}
	case *types.AttributeValueMemberBS:
		if v != nil {
			return setSize(v.Value, binarySize)
		}
	case *types.AttributeValueMemberNS:
		if v != nil {
			return setSize(v.Value, numberSize)
		}
	case nil:
	default:
		return 0, fault(fmt.Sprintf("a kind of value that is not known: %T", value))
	}
	return 0, fault("no value (nil)")
}

func mapSize(m map[string]types.AttributeValue, level int) (int, *ValueError) {
	if level > maxLevel {
		return 0, fault(tooDeep)
	}
	size := nestedSize
	var worst *ValueError
	var worstName string
	for name, value := range m {
		n, err := valueSize(value, level+1)
		switch {
		case err == nil:
		case err.Problem == tooDeep: // a map that contains itself has no end
			return 0, err.inMember(name)
		case worst == nil || name < worstName:
			worst, worstName = err, name
		}
		size += len(name) + n + elementSize
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

func numberSize(text string) (int, *ValueError) {
	if size, ok := decimal.ShortSize(text); ok {
		return size, nil
	}
	n, ok := decimal.Parse(text)
	if !ok {
		return 0, fault("not a number")
	}
	if err := n.Check(); err != nil {
		return 0, fault(err.Error() + ", which a DynamoDB number can not hold")
	}
	return n.Size(), nil
}

func textSize(text string) (int, *ValueError) { return len(text), nil }

func binarySize(data []byte) (int, *ValueError) {
	if data == nil {
		return 0, fault("a nil slice, which the SDK sends as nothing; an empty one is a value")
	}
	return len(data), nil
}

func setSize[T any](set []T, sizeOf func(T) (int, *ValueError)) (int, *ValueError) {
	size := 0
	for i, member := range set {
		n, err := sizeOf(member)
		if err != nil {
			return 0, err.inElement(i)
		}
		size += n
	}
	return size, nil
}
