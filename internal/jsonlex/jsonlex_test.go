package jsonlex_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

const maxDepth = 50

// whole reads a text that is one value with white space around it.
func whole[S jsonlex.Text](text S) (int, jsonlex.Fault) {
	p, bad := jsonlex.Value(text, jsonlex.Space(text, 0), maxDepth)
	if bad != jsonlex.None {
		return p, bad
	}
	if p = jsonlex.Space(text, p); p < len(text) {
		return p, jsonlex.Syntax
	}
	return p, jsonlex.None
}

func TestValue(t *testing.T) {
	long := strings.Repeat("long enough for the words of eight bytes, ", 3)
	for _, c := range []struct {
		text string
		bad  jsonlex.Fault
		at   int // -1: the end
	}{
		{` {"a" : [1, -2.5e+3 ,true,null,false, "x" ], "":{}} `, jsonlex.None, -1},
		{`"` + long + `é` + long + `\u00e9\ud83d\ude00\b"`, jsonlex.None, -1},
		{``, jsonlex.Syntax, 0},
		{`{`, jsonlex.Syntax, 1},
		{`{"a"`, jsonlex.Syntax, 4},
		{`{"a":1,}`, jsonlex.Syntax, 7},
		{`{a:1}`, jsonlex.Syntax, 1},
		{`[1,]`, jsonlex.Syntax, 3},
		{`[1 2]`, jsonlex.Syntax, 3},
		{`[1}`, jsonlex.Syntax, 2},
		{`tru`, jsonlex.Syntax, 0},
		{`nulll`, jsonlex.Syntax, 4},
		{`01`, jsonlex.Syntax, 1},
		{`+1`, jsonlex.Syntax, 0},
		{`-`, jsonlex.Syntax, 1},
		{`.5`, jsonlex.Syntax, 0},
		{`1.`, jsonlex.Syntax, 2},
		{`1e`, jsonlex.Syntax, 2},
		{`1e+`, jsonlex.Syntax, 3},
		{`"open`, jsonlex.Syntax, 5},
		{`"` + long, jsonlex.Syntax, 1 + len(long)},
		{"\"a\nb\"", jsonlex.Control, 2},
		{"\"a\x00b" + long + `"`, jsonlex.Control, 2},
		{`"` + long + "\x1f" + `"`, jsonlex.Control, 1 + len(long)},
		{`"\x41"`, jsonlex.BadEscape, 1},
		{`"\u12g4"`, jsonlex.BadEscape, 1},
		{`"\u12`, jsonlex.BadEscape, 1},
		{"\"é\xff\"", jsonlex.BadUTF8, 3},
		{"\"\ufffd😀\xff\"", jsonlex.BadUTF8, 8},
		{"[\"a\xff\",\"" + long + "\"]", jsonlex.BadUTF8, 3},
		{"[\"abcd\xffefghijklmnop\",\"" + long + "\"]", jsonlex.BadUTF8, 6},
		{"\"" + long + "\xed\xa0\x80\"", jsonlex.BadUTF8, 1 + len(long)},
		{`"\ud800"`, jsonlex.LoneSurrogate, 1},
		{`"\udc00\ud800"`, jsonlex.LoneSurrogate, 1},
		{`"\udc00\udc00"`, jsonlex.LoneSurrogate, 1},
		{`"\ud800\u0041"`, jsonlex.LoneSurrogate, 1},
		{`"\ud800\uzzzz"`, jsonlex.BadEscape, 7},
		{strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), jsonlex.None, -1},
		{strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1), jsonlex.TooDeep, maxDepth},
	} {
		at, bad := whole(c.text)
		if c.at < 0 {
			c.at = len(c.text)
		}
		require.Equal(t, c.bad, bad, "%q: %s", c.text, bad)
		require.Equal(t, c.at, at, "%q", c.text)
	}
}

func TestSkip(t *testing.T) {
	long := strings.Repeat("long enough for the words of eight bytes, ", 3)
	for _, text := range []string{
		`"a\"b"`, `"\\"`, `"` + long + `\""`, `{"}":["]\"",{}]}`, `[[],[{"a":"` + long + `"}]]`, `-1.5e3`, `null`,
	} {
		require.Equal(t, len(text), jsonlex.Skip(text, 0), text)
		require.Equal(t, 1+len(text), jsonlex.Skip([]byte("["+text+","+text+"]"), 1), text)
		if strings.ContainsAny(text[:1], `"{[`) {
			require.Equal(t, -1, jsonlex.Skip(text[:len(text)-1], 0), text)
		}
	}
	require.Equal(t, -1, jsonlex.Skip(",", 0))
	require.Equal(t, -1, jsonlex.Skip("", 0))
}

func TestQuotedLen(t *testing.T) {
	for before := range 20 {
		for special, size := range map[string]int{`"`: 2, `\`: 2, "\n": 2, "\x01": 6, "\x7f": 1, "é": 2} {
			for _, after := range []int{0, 1, 7, 8, 20} {
				text := strings.Repeat("x", before) + special + strings.Repeat("y", after)
				require.Equal(t, 2+before+size+after, jsonlex.QuotedLen(text), "%q", text)
			}
		}
	}
}

func TestAppendQuoted(t *testing.T) {
	for before := range 20 {
		for _, special := range []string{
			`"`, `\`, "\n", "\x01", "\x1f", "\x7f", "é", "\xff", "\xe2\x82", "\u2028", `":"`, `\"\"\"\"`, strings.Repeat("\x00", 99),
			"\"\x1f", "\"\\\n", "\"\\\"\x01", `"#`, `\]`, "\xff, and long behind it é", "é, and long behind it \xff\n",
		} {
			for _, after := range []int{0, 1, 7, 8, 20} {
				quotes(t, strings.Repeat("x", before)+special+strings.Repeat("y", after))
			}
		}
	}
}

// TestAppendQuotedInAnyRoom appends where there is no room, too little, just enough, and more.
func TestAppendQuotedInAnyRoom(t *testing.T) {
	for _, text := range []string{"", "x", strings.Repeat("\x00", 8), strings.Repeat("\x00", 17), strings.Repeat(`"`, 24), strings.Repeat("\x00xxxxxxx", 3)} {
		want := string(jsonlex.AppendQuoted([]byte("{"), text))
		for room := range 200 {
			require.Equal(t, want, string(jsonlex.AppendQuoted(append(make([]byte, 0, 1+room), '{'), text)), "%q, room for %d bytes", text, room)
		}
	}
}

// quotes compares what is written of a text with what encoding/json makes of it.
func quotes(t *testing.T, text string) {
	var want, got string
	quoted, err := json.Marshal(text)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(quoted, &want))
	ours := jsonlex.AppendQuoted([]byte("{"), text)
	require.Equal(t, ours, jsonlex.AppendQuoted([]byte("{"), []byte(text)))
	require.Equal(t, "{", string(ours[:1]))
	require.NoError(t, json.Unmarshal(ours[1:], &got), "%q", ours)
	require.Equal(t, want, got)
	require.Len(t, ours, 1+jsonlex.QuotedLen(want))
}

func FuzzAppendQuoted(f *testing.F) {
	f.Add(`{"a":"\u0000\"\\é"}`)
	f.Add("\x00\x1f\x7f\xff\n\n\n\n\n\n\n\n\n\n")
	f.Fuzz(func(t *testing.T, text string) { quotes(t, text) })
}

func TestPath(t *testing.T) {
	path := []byte("payload")
	for _, key := range []string{"lines", "a.b", "", "x\x00y", "7up", "it-is_1", strings.Repeat("é", 40)} {
		path = jsonlex.AppendIndex(jsonlex.AppendKey(path, key), 3)
	}
	require.Equal(t, `payload.lines[3]["a.b"][3][""][3]["x\x00y"][3]["7up"][3].it-is_1[3]["`+strings.Repeat("é", 32)+`…"][3]`,
		jsonlex.Path(path))
	require.Equal(t, "a", string(jsonlex.AppendKey(nil, "a")))

	var trail jsonlex.Trail
	require.Equal(t, "root", trail.Path("root"))
	trail.Key("price")
	trail.Index(3)
	trail.Key("a.b")
	require.Equal(t, `payload["a.b"][3].price`, trail.Path("payload"))

	for range 100 {
		path = jsonlex.AppendKey(path, "more")
	}
	cut := jsonlex.Path(path)
	require.True(t, strings.HasPrefix(cut, "payload.lines[3]"), cut)
	require.True(t, strings.HasSuffix(cut, ".more.more"), cut)
	require.LessOrEqual(t, len(cut), jsonlex.MaxPath+len("…"))
	require.True(t, utf8.ValidString(cut))
}

func TestPathTo(t *testing.T) {
	text := `{"a": {"b.c": [1, {"d": "x", "d": 23}], "e": null}, "f": "y"}`
	for at, want := range map[int]string{
		0:                           "p",
		strings.Index(text, `{"b`):  "p.a",
		strings.Index(text, `1`):    `p.a["b.c"][0]`,
		strings.Index(text, `[1`):   `p.a["b.c"]`,
		strings.Index(text, `x"`):   `p.a["b.c"][1].d`,
		strings.Index(text, `3}`):   `p.a["b.c"][1].d`,
		strings.Index(text, `null`): "p.a.e",
		strings.Index(text, `y"`):   "p.f",
		strings.Index(text, `f"`):   "p",
		len(text) - 1:               "p",
		len(text) + 9:               "p",
		-1:                          "p",
	} {
		require.Equal(t, want, string(jsonlex.AppendPathTo([]byte("p"), text, at)), "byte %d", at)
	}
	require.Equal(t, "p.a", string(jsonlex.AppendPathTo([]byte("p"), `{"a\q":[1]}`, len(`{"a\q":`))), "a key that is no valid string")
	for end := range text { // a text without its end
		for at := range text[:end+1] {
			require.True(t, strings.HasPrefix(string(jsonlex.AppendPathTo([]byte("p"), text[:end], at)), "p"))
		}
	}
}

func TestNothingIsAllocated(t *testing.T) {
	text := "{\n\t" + `"a":["` + strings.Repeat("plain and é, ", 20) + `",1.5e3,"\u00e9\n",null]}`
	data := []byte(text)
	room := make([]byte, 0, 4096)
	require.Zero(t, testing.AllocsPerRun(10, func() {
		if len(jsonlex.AppendQuoted(room, data)) != jsonlex.QuotedLen(text) {
			t.Fatal("not the length announced")
		}
		if _, bad := whole(text); bad != jsonlex.None {
			t.Fatal(bad)
		}
		if _, bad := whole(data); bad != jsonlex.None {
			t.Fatal(bad)
		}
		if jsonlex.Skip(data, 0) != len(data) || jsonlex.QuotedLen(data) < len(data) {
			t.Fatal("cut")
		}
	}))
}

// FuzzValue compares with encoding/json, which differs only where it repairs.
func FuzzValue(f *testing.F) {
	f.Add([]byte(`{"a":[1,-2.5e+3,true,null,false,"x\ud83d\ude00\u00e9"],"":{}}`))
	f.Add([]byte(`"a string that is longer than eight bytes\n"`))
	f.Add([]byte("\"\xff\""))
	f.Add([]byte(`"\ud800"`))
	f.Add([]byte(`[[[[[[[[[[]]]]]]]]]]`))
	f.Add([]byte(`-0.0E-0`))
	f.Fuzz(func(t *testing.T, data []byte) {
		at, bad := whole(data)
		if at2, bad2 := whole(string(data)); at2 != at || bad2 != bad {
			t.Fatalf("bytes: %s at %d, string: %s at %d", bad, at, bad2, at2)
		}
		if at < 0 || at > len(data) {
			t.Fatalf("position %d of %d", at, len(data))
		}
		if !json.Valid(data) {
			if bad == jsonlex.None {
				t.Fatal("not JSON")
			}
			return
		}
		start := jsonlex.Space(data, 0)
		if end := jsonlex.Skip(data, start); end < 0 || jsonlex.Space(data, end) != len(data) {
			t.Fatalf("skipped to %d of %d", end, len(data))
		}
		switch bad {
		case jsonlex.None:
			if !utf8.Valid(data) {
				t.Fatal("not UTF-8")
			}
		case jsonlex.BadUTF8:
			if utf8.Valid(data) || utf8.Valid(data[:min(at+utf8.UTFMax, len(data))]) || !utf8.Valid(data[:at]) {
				t.Fatal("that is where UTF-8 ends")
			}
			return
		case jsonlex.LoneSurrogate:
			if !strings.HasPrefix(string(data[at:]), `\u`) {
				t.Fatal("that is no surrogate")
			}
			return
		case jsonlex.TooDeep:
			return
		default:
			t.Fatalf("%s at %d of what encoding/json takes", bad, at)
		}
		if data[start] == '"' {
			fuzzText(t, data, start)
		}
	})
}

// fuzzText checks what is made of a string that is valid.
func fuzzText(t *testing.T, data []byte, start int) {
	var want string
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	end, plain, _ := jsonlex.String(data, start)
	if got := string(jsonlex.AppendText(nil, data, start)); got != want {
		t.Fatalf("%q, want %q", got, want)
	}
	if plain != (want == string(data[start+1:end-1])) && plain {
		t.Fatal("not plain")
	}
	quoted := make([]byte, 1, 6*len(want)+2)
	quoted[0] = '"'
	for _, r := range want {
		n := len(quoted)
		quoted = quoted[:n+jsonlex.PutRune(quoted[n:n+6], r)]
	}
	quoted = append(quoted, '"')
	if len(quoted) != jsonlex.QuotedLen(want) || len(quoted) > end-start {
		t.Fatalf("%s has %d bytes, announced were %d, the source has %d", quoted, len(quoted), jsonlex.QuotedLen(want), end-start)
	}
	var again string
	if err := json.Unmarshal(quoted, &again); err != nil || again != want {
		t.Fatalf("%s is %q: %v", quoted, again, err)
	}
}

var numbers = map[jsonlex.Grammar]*regexp.Regexp{
	jsonlex.JSON:     regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`),
	jsonlex.DynamoDB: regexp.MustCompile(`^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?$`),
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-1", "+1", "01", "1.", ".5", "-.5e-7", "1e5", "1E+05", "1e", ".", "", "12x", "1.2.3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for grammar, re := range numbers {
			n, ok := jsonlex.ScanNumber(s, 0, grammar)
			if want := re.MatchString(s); want != (ok && n.End == len(s)) {
				t.Fatalf("grammar %d: number %v, read %d of %d, %v", grammar, want, n.End, len(s), ok)
			}
			if n.End < 0 || n.End > len(s) {
				t.Fatalf("end at %d of %d", n.End, len(s))
			}
			if !ok {
				continue
			}
			whole, frac, exp := s[n.IntFrom:n.IntTo], s[n.FracFrom:n.FracTo], s[n.ExpFrom:n.End]
			if strings.Trim(whole+frac+exp, "0123456789") != "" || whole+frac == "" {
				t.Fatalf("parts %q %q %q", whole, frac, exp)
			}
			significant := ""
			if n.First <= n.Last {
				significant = strings.Replace(s[n.First:n.Last+1], ".", "", 1)
			}
			if want := strings.Trim(whole+frac, "0"); significant != want {
				t.Fatalf("significant %q, want %q", significant, want)
			}
			if n.Negative != (s[0] == '-') || n.ExpNegative != (exp != "" && s[n.ExpFrom-1] == '-') {
				t.Fatal("signs")
			}
		}
	})
}
