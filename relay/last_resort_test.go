package relay_test

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// That the configuration never makes a dead letter has one exception, a record
// that the stream is about to forget. Who reads the one reads the other: in the
// package's comment, at ConfigFault, in each line of the README and in each
// paragraph of the pages for whoever operates a relay.
func TestTheTwentyHoursAreSaidWithTheRule(t *testing.T) {
	texts := map[string]string{}
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	for line := range strings.Lines(string(readme)) {
		texts["README.md: "+line] = line
	}
	for _, page := range []string{"../docs/operations.md", "../docs/failures.md"} {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, paragraph := range strings.Split(strings.ReplaceAll(string(text), "\n|", "\n\n|"), "\n\n") {
			texts[page+": "+paragraph] = paragraph
		}
	}
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		require.NoError(t, err)
		for _, group := range f.Comments {
			if text := strings.Join(strings.Fields(group.Text()), " "); strings.HasPrefix(text, "Package relay ") || strings.HasPrefix(text, "ConfigFault:") {
				texts[name+": "+text] = text
			}
		}
	}
	rule := regexp.MustCompile(`(?i)configuration|ConfigFault|bad deploy`)
	never := regexp.MustCompile(`(?i)(never|not)\b.{0,60}dead|dead.{0,60}\bnever|\bdrain`)
	exception := regexp.MustCompile(`20 (h|hours)\b`)
	found := 0
	for where, text := range texts {
		if !rule.MatchString(text) || !never.MatchString(text) {
			continue
		}
		found++
		require.Regexp(t, exception, text, where)
	}
	require.GreaterOrEqual(t, found, 3, "the rule is said in the README, in the package's comment and at ConfigFault")
}
