package eventitem_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

func TestExpressionsSize(t *testing.T) {
	tests := []struct {
		name        string
		expressions eventitem.Expressions
		want        int // on top of the expressions' own bytes
	}{
		{"none", eventitem.Expressions{}, 0},
		{"none, with empty maps", eventitem.Expressions{Names: map[string]string{}, Values: attrs{}}, 0},
		{"no placeholder", conditioned("attribute_not_exists(pk)", nil, nil), 0},
		{"name", conditioned("attribute_not_exists(#k)", map[string]string{"#k": "né"}, nil), 3},
		{"name that is not UTF-8", conditioned("attribute_not_exists(#k)", map[string]string{"#k": "n\xff"}, nil), 4},
		{"name and value", conditioned("#k = :v", map[string]string{"#k": "né"}, attrs{":v": text("12345")}), 3 + 5},
		{"each time it occurs", conditioned("#k = :v OR #k.#k[0] = :v", map[string]string{"#k": "né"}, attrs{":v": text("12345")}), 3*3 + 2*5},
		{"a longer one begins with it", conditioned("#kk = :v2 AND #k=:v", map[string]string{"#k": "né", "#kk": "name"}, attrs{":v": text("12345"), ":v2": number("12")}), 4 + 2 + 3 + 5},
		{"in each expression", updated("SET #k = :v", "#k <> :v", map[string]string{"#k": "né"}, attrs{":v": text("12345")}), 2*3 + 2*5},
		{"used in one of them", updated("SET #a = :b", "a <> :v", map[string]string{"#a": "x"}, attrs{":v": text("12"), ":b": text("345")}), 1 + 2 + 3},
		{"digits and underscores", conditioned("#1 = :_", map[string]string{"#1": "x"}, attrs{":_": text("12")}), 3},
		{"longest", conditioned("x = :v"+strings.Repeat(" ", 4090), nil, attrs{":v": text("1")}), 1},
		{"longest placeholder", conditioned("x = :"+strings.Repeat("v", 254), nil, attrs{":" + strings.Repeat("v", 254): text("1")}), 1},
		{"largest", conditioned("x = :v", nil, attrs{":v": text(strings.Repeat("x", 1<<20-6))}), 1<<20 - 6},
		{"largest map", conditioned("x = :v", nil, attrs{":v": object(attrs{"a": text(strings.Repeat("x", 409600-1))})}), 409600 + 4},
		{"largest list", conditioned("x = :v", nil, attrs{":v": list(text(strings.Repeat("x", 409600)))}), 409600 + 4},
		{"deepest", conditioned("x = :v", nil, attrs{":v": nested(32, text("x"))}), 32*5 + 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			for _, e := range []*string{tt.expressions.Condition, tt.expressions.Update} {
				if e != nil {
					want += len(*e)
				}
			}
			size, err := tt.expressions.Size()
			require.NoError(t, err)
			require.Equal(t, want, size)
			if tt.name != "name that is not UTF-8" {
				require.Zero(t, testing.AllocsPerRun(10, func() { _, _ = tt.expressions.Size() }))
			}
		})
	}
}

func TestExpressionsWithoutASize(t *testing.T) {
	long := func(n int) string { return strings.Repeat("n", n) }
	names := func(placeholder, name string) map[string]string { return map[string]string{placeholder: name} }
	tests := []struct {
		name        string
		expressions eventitem.Expressions
		want        string
	}{
		{"empty condition", conditioned("", nil, nil), "ConditionExpression: empty"},
		{"blank condition", conditioned(" \t\n", nil, nil), "ConditionExpression: empty"},
		{"empty update", updated("", "a = b", nil, nil), "UpdateExpression: empty"},
		{"long condition", conditioned("a = b"+strings.Repeat(" ", 4092), nil, nil), "ConditionExpression: 4097 bytes, at most 4096"},
		{"name not defined", conditioned("attribute_exists(#a)", nil, nil), `ConditionExpression: the placeholder "#a" is not defined`},
		{"value not defined", updated("SET a = :a, b = :ab", "c = d", nil, attrs{":a": text("x")}), `UpdateExpression: the placeholder ":ab" is not defined`},
		{"placeholder without a name", conditioned("a = : b", nil, nil), `ConditionExpression: the placeholder ":" is not defined`},
		{"name not used", conditioned("attribute_exists(#a)", map[string]string{"#a": "x", "#b": "y"}, nil), `ExpressionAttributeNames["#b"]: not used`},
		{"value not used", conditioned("a = b", nil, attrs{":a": text("x")}), `ExpressionAttributeValues[":a"]: not used`},
		{"names without an expression", eventitem.Expressions{Names: names("#a", "x")}, `ExpressionAttributeNames["#a"]: not used`},
		{"values without an expression", eventitem.Expressions{Values: attrs{":a": text("x")}}, `ExpressionAttributeValues[":a"]: not used`},
		{"no names", conditioned("a = b", map[string]string{}, nil), "ExpressionAttributeNames: empty"},
		{"no values", conditioned("a = b", nil, attrs{}), "ExpressionAttributeValues: empty"},
		{"name without #", conditioned("a = #a", map[string]string{"a": "x", "#a": "x"}, nil), "ExpressionAttributeNames.a: not a placeholder"},
		{"value without :", conditioned("a = :a", nil, attrs{"a": text("x"), ":a": text("x")}), "ExpressionAttributeValues.a: not a placeholder"},
		{"value as a name", conditioned("a = #a", nil, attrs{"#a": text("x")}), `ExpressionAttributeValues["#a"]: not a placeholder`},
		{"# alone", conditioned("a = #", names("#", "x"), nil), `ExpressionAttributeNames["#"]: not a placeholder`},
		{"other character", conditioned("a = #a-b", map[string]string{"#a": "x", "#a-b": "x"}, nil), `ExpressionAttributeNames["#a-b"]: not a placeholder`},
		{"long placeholder", conditioned("a = #"+long(255), names("#"+long(255), "x"), nil), "the placeholder: 256 bytes, at most 255"},
		{"empty name", conditioned("a = #a", names("#a", ""), nil), `ExpressionAttributeNames["#a"]: an attribute without a name`},
		{"long name", conditioned("a = #a", names("#a", long(65536)), nil), `ExpressionAttributeNames["#a"]: the name: 65536 bytes, at most 65535`},
		{"no value", conditioned("a = :v OR b = :w", nil, attrs{":v": list(nil), ":w": nil}), `ExpressionAttributeValues[":v"][0]: no value (nil)`},
		{"empty set", conditioned("a = :v", nil, attrs{":v": texts()}), `ExpressionAttributeValues[":v"]: an empty set`},
		{"too deep", conditioned("a = :v", nil, attrs{":v": nested(33, text("x"))}), "nested too deep"},
		{"too large", conditioned("x = :v", nil, attrs{":v": text(long(1<<20 - 5))}), "ConditionExpression: so far, with what its placeholders stand for: 1048577 bytes, at most 1048576"},
		{"map too large", conditioned("x = :v", nil, attrs{":v": object(attrs{"a": text(long(409600))})}), `ExpressionAttributeValues[":v"]: 409601 bytes, at most 409600`},
		{"list too large", conditioned("x = :v", nil, attrs{":v": list(text(""), text(long(409601)))}), `ExpressionAttributeValues[":v"]: 409601 bytes, at most 409600`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.expressions.Size()
			require.ErrorContains(t, err, tt.want)
			require.ErrorAs(t, err, new(*eventitem.ValueError))
		})
	}
}

func conditioned(condition string, names map[string]string, values attrs) eventitem.Expressions {
	return eventitem.Expressions{Condition: &condition, Names: names, Values: values}
}

func updated(update, condition string, names map[string]string, values attrs) eventitem.Expressions {
	return eventitem.Expressions{Update: &update, Condition: &condition, Names: names, Values: values}
}
