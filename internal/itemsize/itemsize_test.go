package itemsize_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
)

type attrs = map[string]types.AttributeValue

func text(v string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: v} }
func number(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }
func boolean(v bool) types.AttributeValue  { return &types.AttributeValueMemberBOOL{Value: v} }
func null() types.AttributeValue           { return &types.AttributeValueMemberNULL{Value: true} }
func object(m attrs) types.AttributeValue  { return &types.AttributeValueMemberM{Value: m} }
func list(v ...types.AttributeValue) types.AttributeValue {
	return &types.AttributeValueMemberL{Value: v}
}

func sizeOf(t testing.TB, item attrs) int {
	t.Helper()
	size, err := itemsize.Check(item)
	require.NoError(t, err)
	measured, err := itemsize.Measure(item)
	require.NoError(t, err)
	require.Equal(t, size, measured)
	return size
}

// fewestAllocs is the fewest allocations of many runs.
func fewestAllocs(f func()) float64 {
	fewest := testing.AllocsPerRun(1, f)
	for range 20 {
		fewest = min(fewest, testing.AllocsPerRun(1, f))
	}
	return fewest
}

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

// The sizes are those that DynamoDB Local 3.1.0 counts; the suites of
// internal/conformance measure them again.
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
		{"zero in another spelling", number("-0e125"), 1},
		{"zero below one", number("0.0E-130"), 1},
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
			item := attrs{"é": tt.value}
			require.Equal(t, tt.want+2, sizeOf(t, item), "and its name")
			require.Zero(t, fewestAllocs(func() { _, _ = itemsize.Measure(item) }))
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
		sent  bool // as it is meant, so that all else is DynamoDB's to say
		deep  bool // and no more than that
	}{
		{"nil", nil, "v: no value (nil)", false, false},
		{"nil S", (*types.AttributeValueMemberS)(nil), "v: no value (nil)", false, false},
		{"nil N", (*types.AttributeValueMemberN)(nil), "v: no value (nil)", false, false},
		{"nil B", (*types.AttributeValueMemberB)(nil), "v: no value (nil)", false, false},
		{"nil BOOL", (*types.AttributeValueMemberBOOL)(nil), "v: no value (nil)", false, false},
		{"nil NULL", (*types.AttributeValueMemberNULL)(nil), "v: no value (nil)", false, false},
		{"nil M", (*types.AttributeValueMemberM)(nil), "v: no value (nil)", false, false},
		{"nil L", (*types.AttributeValueMemberL)(nil), "v: no value (nil)", false, false},
		{"nil SS", (*types.AttributeValueMemberSS)(nil), "v: no value (nil)", false, false},
		{"nil NS", (*types.AttributeValueMemberNS)(nil), "v: no value (nil)", false, false},
		{"nil BS", (*types.AttributeValueMemberBS)(nil), "v: no value (nil)", false, false},
		{"binary that is nil", &types.AttributeValueMemberB{}, "v: a nil slice", false, false},
		{"nil in a set", &types.AttributeValueMemberBS{Value: [][]byte{{}, nil}}, "v[1]: a nil slice", false, false},
		{"of a later SDK", &types.UnknownUnionMember{Tag: "X"}, "v: a kind of value that is not known: *types.UnknownUnionMember", false, false},
		{"nil within a map", object(attrs{"a": list(text(""), nil)}), "v.a[1]: no value (nil)", false, false},
		{"first of several", object(attrs{"c": nil, "b": nil, "d": nil}), "v.b: no value (nil)", false, false},
		{"zero out of range", number("0e126"), "v: a zero with an exponent outside the range", true, false},
		{"zero below the range", number("-0.0E-131"), "v: a zero with an exponent outside the range", true, false},
		{"zero far out of range", number("0e+99999999999999999999"), "v: a zero with an exponent outside the range", true, false},
		{"no number", number("one"), "v: not a number", true, false},
		{"empty number", number(""), "v: not a number", true, false},
		{"39 digits", number(strings.Repeat("9", 39)), "v: more than 38 significant digits", true, false},
		{"out of range", list(number("1e126")), "v[0]: magnitude outside 1E-130 to 9.99E+125", true, false},
		{"no number in a set", numbers("1", "x"), "v[1]: not a number", true, false},
		{"NULL that is false", &types.AttributeValueMemberNULL{}, "v: NULL that is false", true, false},
		{"no set of texts", texts(), "v: an empty set", true, false},
		{"no set of numbers", list(numbers()), "v[0]: an empty set", true, false},
		{"no set of binaries", binaries(), "v: an empty set", true, false},
		{"text twice", texts("a", "b", "a"), "v[2]: a member that the set has already", true, false},
		{"empty text twice", texts("", ""), "v[1]: a member that the set has already", true, false},
		{"two texts that are sent as one", texts("\xff", "\xfe"), "v[1]: a member that the set has already", true, false},
		{"number twice", numbers("1", "2", "1.0"), "v[2]: a member that the set has already", true, false},
		{"zero twice", numbers("0", "-0"), "v[1]: a member that the set has already", true, false},
		{"binary twice", object(attrs{"s": binaries("a", "a")}), "v.s[1]: a member that the set has already", true, false},
		{"without a name", object(attrs{"": text("x")}), `v[""]: an attribute without a name`, true, false},
		{"long name", object(attrs{strings.Repeat("n", 65536): text("x")}), "the name: 65536 bytes, at most 65535", true, false},
		{"name that is long when it is sent", object(attrs{strings.Repeat("n", 65533) + "\xff": text("x")}), "the name: 65536 bytes, at most 65535", true, false},
		{"too deep", nested(31, object(attrs{})), "nested too deep", true, true},
		{"contains itself", self, "nested too deep", false, false},
		{"list that contains itself", loop, "nested too deep", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 5 { // maps are walked in any order
				_, err := itemsize.Check(attrs{"pk": text("x"), "v": tt.value})
				require.ErrorContains(t, err, tt.want)
				require.ErrorAs(t, err, new(*itemsize.Fault))
			}
			_, err := itemsize.CheckValue(tt.value)
			require.Equal(t, tt.deep, err == nil, "%v", err)
			_, err = itemsize.Measure(attrs{"pk": text("x"), "v": tt.value})
			require.Equal(t, tt.sent, err == nil, "%v", err)
		})
	}
}

// A set of any size is checked, and measured without allocating.
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
			_, err := itemsize.CheckValue(set.once)
			require.NoError(t, err)
			_, err = itemsize.CheckValue(set.twice)
			require.EqualError(t, err, "[19999]: a member that the set has already")
			item := attrs{"s": set.once}
			require.Zero(t, fewestAllocs(func() { _, _ = itemsize.Measure(item) }))
		})
	}
}
