package eventitem_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

func binary(v string) types.AttributeValue     { return &types.AttributeValueMemberB{Value: []byte(v)} }
func texts(v ...string) types.AttributeValue   { return &types.AttributeValueMemberSS{Value: v} }
func numbers(v ...string) types.AttributeValue { return &types.AttributeValueMemberNS{Value: v} }
func binaries(v ...string) types.AttributeValue {
	set := &types.AttributeValueMemberBS{}
	for _, b := range v {
		set.Value = append(set.Value, []byte(b))
	}
	return set
}

func TestEqual(t *testing.T) {
	// Values of one group are equal, those of two groups are not.
	groups := [][]types.AttributeValue{
		{nil, (*types.AttributeValueMemberS)(nil), (*types.AttributeValueMemberN)(nil), (*types.AttributeValueMemberB)(nil),
			(*types.AttributeValueMemberBOOL)(nil), (*types.AttributeValueMemberNULL)(nil), (*types.AttributeValueMemberM)(nil),
			(*types.AttributeValueMemberL)(nil), (*types.AttributeValueMemberSS)(nil), (*types.AttributeValueMemberNS)(nil),
			(*types.AttributeValueMemberBS)(nil), (*types.UnknownUnionMember)(nil)},
		{text("")},
		{text("1"), text("1")},
		{text("é")},
		{text("e\u0301")},
		{number("1"), number("1.0"), number("10e-1"), number("+01")},
		{number("-1")},
		{number("0"), number("-0"), number("0.00")},
		{number("1000000000000000000000"), number("1e21")},
		{number("1e999999999"), number("10e999999998")},
		{number("one"), number("one")},
		{binary(""), &types.AttributeValueMemberB{}},
		{binary("1")},
		{boolean(true), boolean(true)},
		{boolean(false)},
		{null(), null()},
		{&types.AttributeValueMemberNULL{}},
		{list(), &types.AttributeValueMemberL{}},
		{list(number("1")), list(number("1.0"))},
		{list(nil)},
		{list(number("1"), number("2"))},
		{list(number("2"), number("1"))},
		{object(nil), object(attrs{})},
		{object(attrs{"a": number("1")}), object(attrs{"a": number("1.00")})},
		{object(attrs{"b": number("1")})},
		{object(attrs{"a": nil})},
		{object(attrs{"a": number("1"), "b": number("1")})},
		{object(attrs{"a": object(attrs{"b": list(numbers("1", "2"))})}), object(attrs{"a": object(attrs{"b": list(numbers("2.0", "1"))})})},
		{texts(), &types.AttributeValueMemberSS{Value: []string{}}},
		{texts("a", "b"), texts("b", "a")},
		{texts("a", "a")},
		{texts("a")},
		{numbers("1", "2", "3"), numbers("3.0", "10e-1", "2"), numbers("2", "3", "1")},
		{numbers("1", "2", "x"), numbers("x", "2", "1")},
		{numbers("1", "2")},
		{binaries("a", "b"), binaries("b", "a")},
		{binaries("a")},
		{&types.UnknownUnionMember{Tag: "X", Value: []byte("1")}, &types.UnknownUnionMember{Tag: "X", Value: []byte("1")}},
		{&types.UnknownUnionMember{Tag: "X", Value: []byte("2")}},
		{&types.UnknownUnionMember{Tag: "Y", Value: []byte("1")}},
	}
	for i, group := range groups {
		for j, other := range groups {
			for _, a := range group {
				for _, b := range other {
					require.Equal(t, i == j, eventitem.Equal(a, b), "%#v and %#v", a, b)
				}
			}
		}
	}
}

func TestEqualLeavesSetsAsTheyAre(t *testing.T) {
	a, b := numbers("3", "1", "2"), numbers("1", "2", "3")
	require.True(t, eventitem.Equal(a, b))
	require.Equal(t, numbers("3", "1", "2"), a)
}
