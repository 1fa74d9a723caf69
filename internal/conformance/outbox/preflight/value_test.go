package preflight

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// background is the context of every call: one that is cut off at a test's end
// would be neither taken nor refused.
var background = context.Background()

func text(v string) types.AttributeValue     { return &types.AttributeValueMemberS{Value: v} }
func number(v string) types.AttributeValue   { return &types.AttributeValueMemberN{Value: v} }
func binary(v string) types.AttributeValue   { return &types.AttributeValueMemberB{Value: []byte(v)} }
func null(v bool) types.AttributeValue       { return &types.AttributeValueMemberNULL{Value: v} }
func boolean(v bool) types.AttributeValue    { return &types.AttributeValueMemberBOOL{Value: v} }
func object(v attrs) types.AttributeValue    { return &types.AttributeValueMemberM{Value: v} }
func texts(v ...string) types.AttributeValue { return &types.AttributeValueMemberSS{Value: v} }
func numbers(v ...string) types.AttributeValue {
	return &types.AttributeValueMemberNS{Value: v}
}

func list(v ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: v}
}

func binaries(v ...string) types.AttributeValue {
	set := &types.AttributeValueMemberBS{}
	for _, b := range v {
		set.Value = append(set.Value, []byte(b))
	}
	return set
}

// maps returns n maps within each other around a leaf, lists likewise.
func maps(n int, leaf types.AttributeValue) types.AttributeValue {
	for range n {
		leaf = object(attrs{"a": leaf})
	}
	return leaf
}

func lists(n int, leaf types.AttributeValue) types.AttributeValue {
	for range n {
		leaf = list(leaf)
	}
	return leaf
}
