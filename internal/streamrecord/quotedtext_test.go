package streamrecord

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// quoted is what one pass makes of the JSON text in the string after prefix,
// and what unquote and checkText make of it.
func quoted(t *testing.T, src string, p int) (onePass string, taken bool, twoPasses string, good bool) {
	t.Helper()
	var open nesting
	dst := make([]byte, len(src)+spare)
	n, end := open.copyQuotedText(dst, []byte(src), 0, p, 1)
	onePass = string(dst[:n])
	slow := make([]byte, len(src)+spare)
	m, slowEnd, bad := unquote(slow, []byte(src), 0, p)
	good = bad == none && open.checkText(slow[:m], 1) == none
	if end >= 0 && good {
		require.Equal(t, slowEnd, end, "%q", src)
	}
	return onePass, end >= 0, string(slow[:m]), good
}

// asString returns text as a JSON string, with no escape that JSON does not ask
// for.
func asString(t *testing.T, text string) string {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	require.NoError(t, e.Encode(text))
	return strings.TrimSuffix(b.String(), "\n")
}

// TestQuotedText has what encoders write, which one pass must do, and what is
// left to two, as JSON text and as it stands in the stream.
func TestQuotedText(t *testing.T) {
	for _, row := range []struct {
		text  string
		taken bool
	}{
		{`{}`, true}, {`[]`, true}, {`null`, true}, {`true`, true}, {`false`, true}, {`0`, true}, {`-1.5e+10`, true}, {`""`, true},
		{`{"a":[1,2,{"b":"c"}],"d":{},"e":[[]],"f":true,"g":false,"h":null}`, true},
		{`{"a": [1, 2], "b": {"c": "d"}}`, true}, // as Python writes it
		{`"\u003cbr\u003e \u2028"`, true},        // as Go writes it
		{`"quote \" slash \\ / \/ \b\f\n\r\t"`, true},
		{`"é 世界 😀"`, true},
		{`{"a long name of a member":"a long text, longer than a register"}`, true},
		{"{\n  \"a\": 1\n}", false}, // pretty
		{`"\ud83d\ude00"`, false},   // a pair of escapes
		{`[ ]`, false}, {``, false}, {` `, false}, {`nul`, false}, {`[1`, false}, {`[1,]`, false}, {`{"a"}`, false}, {`{"a":1,}`, false}, {`{1:2}`, false},
		{`01`, false}, {`1.`, false}, {`-`, false}, {`1 2`, false}, {`]`, false}, {`}`, false}, {`[}`, false}, {`{]`, false}, {`[1}`, false}, {`1]`, false}, {`1]]]`, false}, {`{"a":1]`, false}, {`1,2`, false},
		{`"\x"`, false}, {`"\u12g4"`, false}, {`"\ud83d"`, false}, {`"a`, false}, {"\"a\nb\"", false}, {"\"a\x00b\"", false}, {`"\`, false},
		{strings.Repeat(`[`, maxDepth-1) + strings.Repeat(`]`, maxDepth-1), true},
		{strings.Repeat(`[`, maxDepth) + strings.Repeat(`]`, maxDepth), false},
	} {
		src := asString(t, row.text) + strings.Repeat("}", 16)
		got, taken, want, good := quoted(t, src, 1)
		require.Equal(t, row.taken, taken, "%q", row.text)
		if taken {
			require.True(t, good)
			require.Equal(t, row.text, got)
			require.Equal(t, want, got)
		}
	}
}

// TestQuotedTextIsNoOther changes good text at every place, with all lengths of
// what follows it, generates more, and holds one pass to what two make of it.
func TestQuotedTextIsNoOther(t *testing.T) {
	same := func(src string) (taken bool) {
		got, taken, want, good := quoted(t, src, 1)
		if taken {
			require.True(t, good, "%q", src)
			require.Equal(t, want, got, "%q", src)
		}
		return taken
	}
	text := asString(t, `{"a":[-1.5e+10,120,"<\"\\\/é\u00e9😀\n"],"a/b":{},"e":[[]],"f":true, "g": false,"h":null,"long long long":0}`)
	escaped := strings.ReplaceAll(text, "é", `\u00e9`)
	for _, src := range []string{text, escaped, strings.ReplaceAll(escaped, "a/b", `a\/b`)} {
		require.True(t, same(src+strings.Repeat("}", 16)))
		for i := range src {
			for _, c := range []byte("\"\\{}[],: 0-.etnu/\x00\x1f\x7f\x80\xc3\xff") {
				same(src[:i] + string([]byte{c}) + src[i+1:] + "}}}}}}}}}")
				same(src[:i] + string([]byte{c}) + src[i:] + "}}}}}}}}}")
			}
			same(src[:i] + src[i+1:] + "}}}}}}}}}")
			for after := range 20 {
				same(src[:i] + `"` + strings.Repeat("}", after))
				same(src[:i] + strings.Repeat("}", after))
			}
		}
	}
	taken := 0
	const generated = 20_000
	for seed := range uint64(generated) {
		g := generator{rand.New(rand.NewPCG(seed, 4)), seed%2 == 0}
		if same(g.text(g.plain(0)) + "}}}}}}}}}") {
			taken++
		}
	}
	require.Greater(t, taken, generated/10, "the generator writes nothing that one pass takes")
}
