package decimal_test

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// parseJSON reads a whole text as a number of JSON.
func parseJSON(s string) (n decimal.Number, ok bool) {
	end, ok := n.Scan(s, 0, jsonlex.JSON)
	if !ok || end < len(s) {
		return decimal.Number{}, false
	}
	return n, true
}

func TestParse(t *testing.T) {
	tests := []struct {
		text         string
		isJSON, isDB bool
		digits       int
		exp          int64
		neg          bool
		plain        string
	}{
		{"0", true, true, 0, 0, false, "0"},
		{"-0", true, true, 0, 0, false, "0"},
		{"0.000", true, true, 0, 0, false, "0"},
		{"-0.0e17", true, true, 0, 0, false, "0"},
		{"0e999999999999999999999999", true, true, 0, 0, false, "0"},
		{"1", true, true, 1, 0, false, "1"},
		{"1.0", true, true, 1, 0, false, "1"},
		{"-1.50", true, true, 2, 0, true, "-1.5"},
		{"1200", true, true, 2, 3, false, "1200"},
		{"12.3400", true, true, 4, 1, false, "12.34"},
		{"100.001", true, true, 6, 2, false, "100.001"},
		{"0.0012", true, true, 2, -3, false, "0.0012"},
		{"0.10", true, true, 1, -1, false, "0.1"},
		{"10.01", true, true, 4, 1, false, "10.01"},
		{"1e21", true, true, 1, 21, false, "1000000000000000000000"},
		{"1E+2", true, true, 1, 2, false, "100"},
		{"1e-7", true, true, 1, -7, false, "0.0000001"},
		{"123.45e1", true, true, 5, 3, false, "1234.5"},
		{"123.45e-4", true, true, 5, -2, false, "0.012345"},
		{"123.45e2", true, true, 5, 4, false, "12345"},
		{"1200e-3", true, true, 2, 0, false, "1.2"},
		{"1200e-2", true, true, 2, 1, false, "12"},
		{"1e0005", true, true, 1, 5, false, "100000"},
		{"0.00e5", true, true, 0, 0, false, "0"},

		// what DynamoDB's number text allows and JSON does not
		{"+1", false, true, 1, 0, false, "1"},
		{"007", false, true, 1, 0, false, "7"},
		{"00", false, true, 0, 0, false, "0"},
		{".5", false, true, 1, -1, false, "0.5"},
		{".50", false, true, 1, -1, false, "0.5"},
		{"5.", false, true, 1, 0, false, "5"},
		{"-.5", false, true, 1, -1, true, "-0.5"},
		{"5.e1", false, true, 1, 1, false, "50"},

		// no numbers
		{text: ""}, {text: "-"}, {text: "+"}, {text: "."}, {text: "e5"}, {text: "1e"}, {text: "1e+"},
		{text: "1 "}, {text: " 1"}, {text: "1e5x"}, {text: "1.2.3"}, {text: "--1"}, {text: "+-1"},
		{text: "0x10"}, {text: "NaN"}, {text: "Infinity"}, {text: "1_000"}, {text: "1,5"}, {text: "1e5.0"},
		{text: "٣"}, {text: "1\x00"}, {text: "1e1e1"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			for _, grammar := range []struct {
				name  string
				parse func(string) (decimal.Number, bool)
				ok    bool
			}{{"JSON", parseJSON, tt.isJSON}, {"DynamoDB", decimal.Parse, tt.isDB}} {
				n, ok := grammar.parse(tt.text)
				require.Equal(t, grammar.ok, ok, grammar.name)
				if !ok {
					require.Equal(t, decimal.Number{}, n, grammar.name)
					continue
				}
				require.Equal(t, tt.digits, n.Digits(), grammar.name)
				require.Equal(t, tt.exp, n.Exponent(), grammar.name)
				require.Equal(t, tt.neg, n.Negative(), grammar.name)
				require.Equal(t, tt.plain, string(n.AppendPlain(nil)), grammar.name)
				require.Equal(t, tt.plain, n.Text(), grammar.name)
				if tt.plain == tt.text {
					require.Zero(t, testing.AllocsPerRun(1, func() { _ = n.Text() }), "%s: it is the text that was read", grammar.name)
				}
			}
		})
	}
}

func TestCheck(t *testing.T) {
	nines := func(n int) string { return strings.Repeat("9", n) }
	tests := []struct {
		name, text string
		want       error
	}{
		{"38 digits", nines(38), nil},
		{"39 digits", nines(39), decimal.ErrPrecision},
		{"38 digits and zeros", nines(38) + "000", nil},
		{"38 digits behind zeros", "0.000" + nines(38), nil},
		{"38 digits around the point", nines(19) + "." + nines(19), nil},
		{"39 digits around the point", nines(19) + "." + nines(20), decimal.ErrPrecision},
		{"zeros within count", "1" + strings.Repeat("0", 37) + "1", decimal.ErrPrecision},
		{"largest", "9." + nines(37) + "E+125", nil},
		{"above the largest", "1E126", decimal.ErrRange},
		{"smallest", "1E-130", nil},
		{"below the smallest", "9.9E-131", decimal.ErrRange},
		{"negative largest", "-9.9E125", nil},
		{"negative above", "-1E126", decimal.ErrRange},
		{"zero with any exponent", "0E9999", nil},
		{"absurd", "1e999999999", decimal.ErrRange},
		{"absurd and small", "1e-999999999999999999999999999", decimal.ErrRange},
		{"long zeros taken back by the exponent", "0." + strings.Repeat("0", 500) + "1e501", nil},
		{"long zeros and the exponent", "1" + strings.Repeat("0", 500) + "e-500", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n, ok := decimal.Parse(tt.text)
			require.True(t, ok)
			require.ErrorIs(t, n.Check(), tt.want)
		})
	}
}

func TestFitsInt64(t *testing.T) {
	tests := map[string]bool{
		"0": true, "-0": true, "1": true, "1.0": true, "1e18": true, "1.5": false, "1e-1": false,
		"9223372036854775807": true, "9223372036854775808": false, "9223372036854775807.0": true,
		"-9223372036854775808": true, "-9223372036854775809": false, "92233720368547758.07e2": true,
		"1e19": false, "9e18": true, "-9e18": true, "-1e19": false, "1e999999999": false,
		"9300000000000000000": false, "9223372036854775807.5": false,
	}
	for text, want := range tests {
		n, ok := decimal.Parse(text)
		require.True(t, ok, text)
		require.Equal(t, want, n.FitsInt64(), text)
	}
}

func TestInt64(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0.0": 0, "12": 12, "12.0": 12, "1.2E1": 12, "1.7639424E12": 1763942400000, "-92233720368547758.08e2": math.MinInt64,
		"9223372036854775807": math.MaxInt64, "+007": 7, "0e999999999": 0, "120e-1": 12,
	} {
		got, ok := decimal.Int64(text)
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "x", "1.5", "1e-1", "9223372036854775808", "1e999999999", "1 ", "12a"} {
		_, ok := decimal.Int64(text)
		require.False(t, ok, text)
	}
	digits := []byte("1763942400000")
	require.Zero(t, testing.AllocsPerRun(10, func() {
		if v, ok := decimal.Int64(digits); !ok || v != 1763942400000 {
			t.Fatal(v)
		}
		if v, ok := decimal.Int64(digits[:9]); !ok || v != 176394240 {
			t.Fatal(v)
		}
	}))
}

func TestFitsFloat64(t *testing.T) {
	// halfway between the largest float64 and 2^1024: rounds up, to infinity
	tooLarge := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 1024), new(big.Int).Lsh(big.NewInt(1), 970))
	tests := map[string]bool{
		"0": true, "1e308": true, "1.7976931348623157e308": true, "1.7976931348623159e308": false,
		"1e309": false, "1E400": false, "-1E400": false, "-1e308": true, "1e-400": true, "1e999999999": false,
		"+1e308": true, "0e400": true,
		tooLarge.String(): false, new(big.Int).Sub(tooLarge, big.NewInt(1)).String(): true,
	}
	for text, want := range tests {
		n, ok := decimal.Parse(text)
		require.True(t, ok, text)
		require.Equal(t, want, n.FitsFloat64(), text)
	}
}

func TestEqual(t *testing.T) {
	// Texts of one group are equal, those of two groups are not, however near to
	// each other.
	groups := [][]string{
		{"-1e999999999"}, {"-1E125"}, {"-10.1"}, {"-10"}, {"-9.99"}, {"-1.5"}, {"-1.05"}, {"-1"}, {"-0.5"}, {"-1e-130"}, {"-1e-999999999"},
		{"0", "-0", "0e50"}, {"1e-999999999"}, {"1e-130"}, {"0.5"}, {"1", "1.0", "10e-1"}, {"1.000001"}, {"1.05"}, {"1.1"}, {"1.234"},
		{"1.5", "15E-1"}, {"+5", "05."}, {"9.99"}, {"10"}, {"10.1"}, {"10.11"}, {"12.34", "1234e-2"}, {"12.345"}, {"100", "1e2"},
		{"123.4", "0.1234e3"}, {"1E125"}, {"1e999999999", "10e999999998"}, {"x", "x"}, {"y"}, {""},
	}
	for i, group := range groups {
		for j, other := range groups {
			for _, a := range group {
				for _, b := range other {
					require.Equal(t, i == j, decimal.Equal(a, b), "%s %s", a, b)
				}
			}
		}
	}
}

// A short text must never cost what its value would.
func TestExponentsCostNothing(t *testing.T) {
	for _, text := range []string{"1e999999999", "-1e-999999999", "1e99999999999999999999999999", "0e999999999"} {
		require.Zero(t, testing.AllocsPerRun(10, func() {
			n, _ := parseJSON(text)
			_ = n.Check()
			_ = n.FitsInt64()
			_ = n.Size()
			_ = n.IsInteger()
			_, _ = n.Int64()
		}), text)
		n, _ := parseJSON(text)
		require.Less(t, len(n.AppendPlain(nil)), 40, text)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"0", "-0.0", "1e21", "12.3400", ".5", "+7", "1e-130", "9.9E125", "1e999999999", "x", "1.5e",
		// those that fuzzing has found
		".010100199999999999999999999999701", "1e-40", ".0020000100000000000001000", "1.100000000000000000000",
		"0" + strings.Repeat("\n", 128) + "0",
		".0701009999999999999900000000000000001", "20.10000000000000000100000", ".100000100000000001000001", "0000000000000000", "0\xff",
		"2e-100", "10000000000000000000000000000.001", "10e-70", "72e-20", ".0000000000000000000007000000000000000000000000000000000002",
		"1" + strings.Repeat("0", 124), ".1000000000020000000000000000000000000000000000000", "1" + strings.Repeat("0", 128), "-\n0",
		"0e0000000000000000", "100000000000000000000000000000.001", ".001000", "1.1E200", "1.10000000000000000000000000001",
		"1" + strings.Repeat("0", 125), "10E1000000000000000000", "0.\r0", "0e10000000000000000000",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := parseJSON(text)
		isNumber := len(text) > 0 && (text[0] == '-' || text[0]-'0' <= 9)
		if last := len(text) - 1; last >= 0 && text[last] <= ' ' {
			isNumber = false // json.Valid allows space
		}
		if want := isNumber && json.Valid([]byte(text)); ok != want {
			t.Fatalf("%q: JSON number %v, want %v", text, ok, want)
		}
		if !ok {
			n, ok = decimal.Parse(text)
		}
		if !ok {
			return
		}
		plain := string(n.AppendPlain(nil))
		if len(plain) > len(text)+300 {
			t.Fatalf("%q grows to %d bytes", text, len(plain))
		}
		if n.Exponent() > 1e17 || n.Exponent() < -1e17 {
			return // such are not told apart
		}
		if !decimal.Equal(text, plain) {
			t.Fatalf("%q is not %q", text, plain)
		}
		if n.Check() != nil {
			return
		}
		if n.Text() != plain {
			t.Fatalf("%q: text %q for %q", text, n.Text(), plain)
		}
		if n.Digits() == 0 { // math/big minds the exponent of a zero
			if plain != "0" {
				t.Fatalf("%q became %q", text, plain)
			}
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%q is no number to math/big", text)
		}
		back, ok := new(big.Rat).SetString(plain)
		if !ok || exact.Cmp(back) != 0 {
			t.Fatalf("%q became %q", text, plain)
		}
		if v, ok := decimal.Int64(text); ok != n.FitsInt64() || ok && exact.Num().Int64() != v {
			t.Fatalf("%q is the int64 %d, %v", text, v, ok)
		}
		if v, ok := decimal.Int64([]byte(text)); ok != n.FitsInt64() || ok && exact.Num().Int64() != v {
			t.Fatalf("bytes %q are the int64 %d, %v", text, v, ok)
		}
		if n.IsInteger() != exact.IsInt() || n.FitsInt64() != (exact.IsInt() && exact.Num().IsInt64()) || n.Negative() != (exact.Sign() < 0) {
			t.Fatalf("%q: integer %v, int64 %v, negative %v", text, n.IsInteger(), n.FitsInt64(), n.Negative())
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for _, text := range []string{"7", "1732450000000", "19.95", "1e21"} {
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n, _ := parseJSON(text)
				_ = n.Check()
			}
		})
	}
}
