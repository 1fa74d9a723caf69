package eventitem

import (
	"bytes"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
)

// Equal reports whether two values are the same to DynamoDB: numbers however
// they are written, sets in any order, nil and empty slices and maps alike. A
// missing value (nil, or a nil pointer) equals only a missing one. Values that
// contain themselves are not supported.
func Equal(a, b types.AttributeValue) bool {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		if a != nil && b != nil {
			return ok && a.Value == b.Value
		}
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		if a != nil && b != nil {
			return ok && decimal.Equal(a.Value, b.Value)
		}
	case *types.AttributeValueMemberB:
		b, ok := b.(*types.AttributeValueMemberB)
		if a != nil && b != nil {
			return ok && bytes.Equal(a.Value, b.Value)
		}
	case *types.AttributeValueMemberBOOL:
		b, ok := b.(*types.AttributeValueMemberBOOL)
		if a != nil && b != nil {
			return ok && a.Value == b.Value
		}
	case *types.AttributeValueMemberNULL:
		b, ok := b.(*types.AttributeValueMemberNULL)
		if a != nil && b != nil {
			return ok && a.Value == b.Value
		}
	case *types.AttributeValueMemberM:
		b, ok := b.(*types.AttributeValueMemberM)
		if a != nil && b != nil {
			return ok && equalMaps(a.Value, b.Value)
		}
	case *types.AttributeValueMemberL:
		b, ok := b.(*types.AttributeValueMemberL)
		if a != nil && b != nil {
			return ok && slices.EqualFunc(a.Value, b.Value, Equal)
		}
	case *types.AttributeValueMemberSS:
		b, ok := b.(*types.AttributeValueMemberSS)
		if a != nil && b != nil {
			return ok && equalSets(a.Value, b.Value, strings.Compare)
		}
	case *types.AttributeValueMemberBS:
		b, ok := b.(*types.AttributeValueMemberBS)
		if a != nil && b != nil {
			return ok && equalSets(a.Value, b.Value, bytes.Compare)
		}
	case *types.AttributeValueMemberNS:
		b, ok := b.(*types.AttributeValueMemberNS)
		if a != nil && b != nil {
			return ok && equalSets(a.Value, b.Value, compareNumbers)
		}
	case *types.UnknownUnionMember:
		b, ok := b.(*types.UnknownUnionMember)
		if a != nil && b != nil {
			return ok && a.Tag == b.Tag && bytes.Equal(a.Value, b.Value)
		}
	}
	return missing(a) && missing(b)
}

// missing reports whether v is nil or a nil pointer.
func missing(v types.AttributeValue) bool {
	switch v := v.(type) {
	case nil:
		return true
	case *types.AttributeValueMemberS:
		return v == nil
	case *types.AttributeValueMemberN:
		return v == nil
	case *types.AttributeValueMemberB:
		return v == nil
	case *types.AttributeValueMemberBOOL:
		return v == nil
	case *types.AttributeValueMemberNULL:
		return v == nil
	case *types.AttributeValueMemberM:
		return v == nil
	case *types.AttributeValueMemberL:
		return v == nil
	case *types.AttributeValueMemberSS:
		return v == nil
	case *types.AttributeValueMemberBS:
		return v == nil
	case *types.AttributeValueMemberNS:
		return v == nil
	case *types.UnknownUnionMember:
		return v == nil
	}
	return false
}

func equalMaps(a, b map[string]types.AttributeValue) bool {
	if len(a) != len(b) {
		return false
	}
	for name, value := range a {
		other, ok := b[name]
		if !ok || !Equal(value, other) {
			return false
		}
	}
	return true
}

func equalSets[T any](a, b []T, compare func(T, T) int) bool {
	if len(a) != len(b) {
		return false
	}
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, compare)
	slices.SortFunc(b, compare)
	return slices.EqualFunc(a, b, func(x, y T) bool { return compare(x, y) == 0 })
}

// compareNumbers orders the texts of numbers by value. Texts that are no
// numbers come first, in their own order.
func compareNumbers(a, b string) int {
	na, okA := decimal.Parse(a)
	nb, okB := decimal.Parse(b)
	switch {
	case okA && okB:
		return decimal.Compare(na, nb)
	case okA:
		return 1
	case okB:
		return -1
	}
	return strings.Compare(a, b)
}
