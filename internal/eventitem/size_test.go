package eventitem_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

func binary(v string) types.AttributeValue {
	return &types.AttributeValueMemberB{Value: []byte(v)}
}
func texts(v ...string) types.AttributeValue {
	return &types.AttributeValueMemberSS{Value: v}
}
func numbers(v ...string) types.AttributeValue {
	return &types.AttributeValueMemberNS{Value: v}
}
func binaries(v ...string) types.AttributeValue {
	set := &types.AttributeValueMemberBS{}
	for _, b := range v {
		set.Value = append(set.Value, []byte(b))
	}
	return set
}

// nested returns n maps within each other around a leaf.
func nested(n int, leaf types.AttributeValue) types.AttributeValue {
	for range n {
		leaf = object(attrs{"a": leaf})
	}
	return leaf
}

// The sizes are those that DynamoDB Local 3.1.0 counts; the engine tests of the
// examples measure them again.
func TestValueSize(t *testing.T) {
	tests := []struct {
		name  string
		value types.AttributeValue
		want  int
	}{
		{"text", text("abcde"), 5},
		{"empty text", text(""), 0},
		{"two bytes a character", text("é"), 2},
		{"four bytes a character", text("😀"), 4},
		{"number", number("12345"), 4},
		{"number in another spelling", number("+1.2345E4"), 4},
		{"empty binary", binary(""), 0},
		{"bytes, not base64", binary("abc"), 3},
		{"true", boolean(true), 1},
		{"null", null(), 1},
		{"empty map", object(attrs{}), 3},
		{"nil map", object(nil), 3},
		{"map", object(attrs{"a": text("xx")}), 3 + 1 + 1 + 2},
		{"map of two", object(attrs{"a": text("xx"), "bb": text("x")}), 3 + 1 + 1 + 2 + 1 + 2 + 1},
		{"map in a map", object(attrs{"c": object(attrs{})}), 3 + 1 + 1 + 3},
		{"empty list", list(), 3},
		{"list", list(text(""), number("1"), boolean(false)), 3 + 1 + 1 + 2 + 1 + 1},
		{"set of texts", texts("a", "bb", "ccc"), 6},
		{"set of numbers", numbers("1", "12", "123", "-1"), 2 + 2 + 3 + 3},
		{"set of binaries", binaries("a", "bb"), 3},
		{"set of many texts", texts(strings.Split(strings.Repeat("a", 40)+"bcdefghijklm", "")[39:]...), 13},

		{"five maps", nested(5, text("x")), 5*(3+1+1) + 1},
		{"as deep as it goes", nested(31, text("x")), 31*(3+1+1) + 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			size, err := eventitem.ValueSize(tt.value)
			require.NoError(t, err)
			require.Equal(t, tt.want, size)
			require.Equal(t, tt.want+2, sizeOf(t, attrs{"é": tt.value}), "and its name")
			if !strings.HasPrefix(tt.name, "set of") {
				require.Zero(t, testing.AllocsPerRun(10, func() { _, _ = eventitem.ValueSize(tt.value) }))
			}
		})
	}
}

func TestValuesWithoutASize(t *testing.T) {
	self := object(attrs{"x": text("y")}).(*types.AttributeValueMemberM)
	self.Value["a"], self.Value["b"] = self, self
	loop := &types.AttributeValueMemberL{Value: make([]types.AttributeValue, 1)}
	loop.Value[0] = loop
	tests := []struct {
		name  string
		value types.AttributeValue
		want  string
	}{
		{"nil", nil, "v: no value (nil)"},
		{"nil S", (*types.AttributeValueMemberS)(nil), "v: no value (nil)"},
		{"nil N", (*types.AttributeValueMemberN)(nil), "v: no value (nil)"},
		{"nil B", (*types.AttributeValueMemberB)(nil), "v: no value (nil)"},
		{"nil BOOL", (*types.AttributeValueMemberBOOL)(nil), "v: no value (nil)"},
		{"nil NULL", (*types.AttributeValueMemberNULL)(nil), "v: no value (nil)"},
		{"nil M", (*types.AttributeValueMemberM)(nil), "v: no value (nil)"},
		{"nil L", (*types.AttributeValueMemberL)(nil), "v: no value (nil)"},
		{"nil SS", (*types.AttributeValueMemberSS)(nil), "v: no value (nil)"},
		{"nil NS", (*types.AttributeValueMemberNS)(nil), "v: no value (nil)"},
		{"nil BS", (*types.AttributeValueMemberBS)(nil), "v: no value (nil)"},
		{"binary that is nil", &types.AttributeValueMemberB{}, "v: a nil slice"},
		{"nil in a set", &types.AttributeValueMemberBS{Value: [][]byte{{}, nil}}, "v[1]: a nil slice"},
		{"of a later SDK", &types.UnknownUnionMember{Tag: "X"}, "v: a kind of value that is not known: *types.UnknownUnionMember"},
		{"nil within a map", object(attrs{"a": list(text(""), nil)}), "v.a[1]: no value (nil)"},
		{"first of several", object(attrs{"c": nil, "b": nil, "d": nil}), "v.b: no value (nil)"},
		{"no number", number("one"), "v: not a number"},
		{"empty number", number(""), "v: not a number"},
		{"39 digits", number(strings.Repeat("9", 39)), "v: more than 38 significant digits"},
		{"out of range", list(number("1e126")), "v[0]: magnitude outside 1E-130 to 9.99E+125"},
		{"no number in a set", numbers("1", "x"), "v[1]: not a number"},
		{"NULL that is false", &types.AttributeValueMemberNULL{}, "v: NULL that is false"},
		{"no set of texts", texts(), "v: an empty set"},
		{"no set of numbers", list(numbers()), "v[0]: an empty set"},
		{"no set of binaries", binaries(), "v: an empty set"},
		{"text twice", texts("a", "b", "a"), "v[2]: a member that the set has already"},
		{"empty text twice", texts("", ""), "v[1]: a member that the set has already"},
		{"two texts that are sent as one", texts("\xff", "\xfe"), "v[1]: a member that the set has already"},
		{"number twice", numbers("1", "2", "1.0"), "v[2]: a member that the set has already"},
		{"zero twice", numbers("0", "-0"), "v[1]: a member that the set has already"},
		{"binary twice", object(attrs{"s": binaries("a", "a")}), "v.s[1]: a member that the set has already"},
		{"without a name", object(attrs{"": text("x")}), `v[""]: an attribute without a name`},
		{"long name", object(attrs{strings.Repeat("n", 65536): text("x")}), "the name: 65536 bytes, at most 65535"},
		{"name that is long when it is sent", object(attrs{strings.Repeat("n", 65533) + "\xff": text("x")}), "the name: 65536 bytes, at most 65535"},
		{"too deep", nested(31, object(attrs{})), "nested too deep"},
		{"contains itself", self, "nested too deep"},
		{"list that contains itself", loop, "nested too deep"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 5 { // maps are walked in any order
				_, err := eventitem.ItemSize(attrs{"pk": text("x"), "v": tt.value})
				require.ErrorContains(t, err, tt.want)
				require.ErrorAs(t, err, new(*eventitem.ValueError))
			}
			_, err := eventitem.ValueSize(tt.value)
			require.ErrorAs(t, err, new(*eventitem.ValueError))
		})
	}
}

// A set of any size is checked.
func TestLargeSets(t *testing.T) {
	var text, plain, floats []string
	var binary [][]byte
	for i := range 20_000 {
		n := strconv.Itoa(i)
		text, binary = append(text, n), append(binary, []byte(n))
		plain = append(plain, n)
		floats = append(floats, "123456789012345678901234567890"+n) // equal as floats
	}
	last := len(text) - 1
	for name, set := range map[string]struct{ once, twice types.AttributeValue }{
		"texts":                 {texts(text...), texts(append(text[:last:last], "17")...)},
		"binaries":              {&types.AttributeValueMemberBS{Value: binary}, &types.AttributeValueMemberBS{Value: append(binary[:last:last], []byte("17"))}},
		"numbers":               {numbers(plain...), numbers(append(plain[:last:last], "17.0")...)},
		"numbers at a distance": {numbers(floats...), numbers(append(floats[:last:last], "1234567890123456789012345678901.7e1")...)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := eventitem.ValueSize(set.once)
			require.NoError(t, err)
			_, err = eventitem.ValueSize(set.twice)
			require.EqualError(t, err, "[19999]: a member that the set has already")
		})
	}
}

func BenchmarkItemSize(b *testing.B) {
	for _, size := range payloadSizes {
		b.Run(size.name, func(b *testing.B) {
			it, err := eventitem.Encode(newEvent(string(size.payload(b))), layoutOfBenchmarks, eventitem.Map, 0)
			require.NoError(b, err)
			b.SetBytes(int64(it.Size))
			b.ReportAllocs()
			for b.Loop() {
				_, _ = eventitem.ItemSize(it.Attrs)
			}
		})
	}
}
