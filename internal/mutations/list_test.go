package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	list, err := parse(strings.NewReader(`# a comment

== nothing is lost
@ a.go
 	before
-	keep()
+	drop()
+	drop()
@ b.go
-	all
== nothing is invented
@ a.go
-x
+y
`))
	require.NoError(t, err)
	require.Equal(t, []mutation{
		{"nothing is lost", []hunk{
			{"a.go", []string{"\tbefore", "\tkeep()"}, []string{"\tbefore", "\tdrop()", "\tdrop()"}},
			{"b.go", []string{"\tall"}, nil},
		}},
		{"nothing is invented", []hunk{{"a.go", []string{"x"}, []string{"y"}}}},
	}, list)
	for text, want := range map[string]string{
		"-x":                             "no rule",
		"== r\n-x":                       "no file",
		"== r\n@ f\nx":                   "begins with",
		"== r":                           "no change",
		"== r\n@ f":                      "changes nothing",
		"== r\n@ f\n x":                  "changes nothing",
		"== r\n@ f\n+x":                  "changes nothing",
		"== r\n@ f\n-x\n== r\n@ f\n-y\n": "already",
	} {
		_, err := parse(strings.NewReader(text))
		require.ErrorContains(t, err, want, text)
	}
}

func TestApply(t *testing.T) {
	const text = "a\nb\nc\nb\n"
	_, err := hunk{"f.go", []string{"d"}, nil}.apply("d\nd\n")
	require.ErrorContains(t, err, "more than once")
	for _, tt := range []struct {
		name     string
		old, new []string
		want     string // "" for an error
		fault    string
	}{
		{name: "first line", old: []string{"a"}, new: []string{"x", "y"}, want: "x\ny\nb\nc\nb\n"},
		{name: "taken out", old: []string{"b", "c"}, want: "a\nb\n"},
		{name: "last line", old: []string{"c", "b"}, new: []string{"c", "x"}, want: "a\nb\nc\nx\n"},
		{name: "not there", old: []string{"z"}, fault: "not have these lines"},
		{name: "a part of a line", old: []string{"a", ""}, fault: "not have these lines"},
		{name: "twice", old: []string{"b"}, fault: "more than once"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := hunk{"f.go", tt.old, tt.new}.apply(text)
			if tt.fault != "" {
				require.ErrorContains(t, err, tt.fault)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestCaughtBy(t *testing.T) {
	for output, want := range map[string]string{
		"x\n--- FAIL: TestX (0.00s)\nFAIL\tp\t1s":          "TestX",
		"    --- FAIL: TestX/row (0.00s)\n--- FAIL: TestX": "TestX/row",
		"panic: boom\n\ngoroutine 1":                       "panic: boom",
		"fatal error: all goroutines are asleep":           "fatal error: all goroutines are asleep",
		"FAIL\tmodule/relay\t180s":                         "module/relay",
	} {
		require.Equal(t, want, caughtBy([]byte(output)))
	}
}

// A list that has fallen behind the code says so in any run of the tests, and not
// only when it is played. No mutation is there twice.
func TestListsFitTheCode(t *testing.T) {
	rules := map[string]string{} // by the code without them
	for _, l := range lists {
		text, err := texts.ReadFile(l.file)
		require.NoError(t, err)
		list, err := parse(strings.NewReader(string(text)))
		require.NoError(t, err)
		for _, m := range list {
			code, err := m.mutated(filepath.Join("..", ".."))
			if err != nil {
				t.Errorf("%s: %s: %v", l.file, m.rule, err)
			}
			if other := rules[fmt.Sprint(code)]; other != "" {
				t.Errorf("%s: %s: is the same change as that of %q", l.file, m.rule, other)
			}
			rules[fmt.Sprint(code)] = m.rule
		}
	}
}
