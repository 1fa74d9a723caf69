package eventitem

import (
	"bytes"
	"maps"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
)

// Equal reports whether two values are the same to DynamoDB: numbers however
// they are written, sets in any order, nil and empty slices and maps alike. A
// missing value (nil, or a nil pointer) equals only a missing one. Values that
// contain themselves are not supported.
func Equal(a, b types.AttributeValue) bool {
	if missing(a) || missing(b) {
		return missing(a) && missing(b)
	}
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		return ok && decimal.Equal(a.Value, b.Value)
	case *types.AttributeValueMemberB:
		b, ok := b.(*types.AttributeValueMemberB)
		return ok && bytes.Equal(a.Value, b.Value)
	case *types.AttributeValueMemberBOOL:
		b, ok := b.(*types.AttributeValueMemberBOOL)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberNULL:
		b, ok := b.(*types.AttributeValueMemberNULL)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberM:
		b, ok := b.(*types.AttributeValueMemberM)
		return ok && maps.EqualFunc(a.Value, b.Value, Equal)
	case *types.AttributeValueMemberL:
		b, ok := b.(*types.AttributeValueMemberL)
		return ok && slices.EqualFunc(a.Value, b.Value, Equal)
	case *types.AttributeValueMemberSS:
		b, ok := b.(*types.AttributeValueMemberSS)
		return ok && equalSets(a.Value, b.Value, func(s string) string { return s })
	case *types.AttributeValueMemberBS:
		b, ok := b.(*types.AttributeValueMemberBS)
		return ok && equalSets(a.Value, b.Value, func(b []byte) string { return string(b) })
	case *types.AttributeValueMemberNS:
		b, ok := b.(*types.AttributeValueMemberNS)
		return ok && equalSets(a.Value, b.Value, decimal.Canonical)
	case *types.UnknownUnionMember:
		b, ok := b.(*types.UnknownUnionMember)
		return ok && a.Tag == b.Tag && bytes.Equal(a.Value, b.Value)
	}
	return false
}

// missing reports whether v is nil or a nil pointer.
func missing(v types.AttributeValue) bool {
	return v == nil || reflect.ValueOf(v).IsNil()
}

// equalSets compares two sets by a text that says which member one is.
func equalSets[T any](a, b []T, textOf func(T) string) bool {
	if len(a) != len(b) {
		return false
	}
	sorted := func(set []T) []string {
		texts := make([]string, len(set))
		for i, member := range set {
			texts[i] = textOf(member)
		}
		slices.Sort(texts)
		return texts
	}
	return slices.Equal(sorted(a), sorted(b))
}
