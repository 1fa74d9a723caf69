package readme

import (
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/yuin/goldmark/ast"
)

// code returns the blocks of a page in that language, with the paragraph before
// each.
func (p page) code(language string) (blocks, before []string) {
	p.walk(func(n ast.Node) {
		if b, ok := n.(*ast.FencedCodeBlock); ok && string(b.Language(p.source)) == language {
			said := ""
			if n.PreviousSibling() != nil {
				said = string(n.PreviousSibling().Lines().Value(p.source))
			}
			blocks, before = append(blocks, string(b.Lines().Value(p.source))), append(before, said)
		}
	})
	return blocks, before
}

func docs(t *testing.T) []page {
	t.Helper()
	var all []page
	for path, p := range pages(t) {
		if filepath.Dir(path) == "docs" {
			all = append(all, p)
		}
	}
	return all
}

// TestGoBlocksOfDocs: each is, word for word, in a Go file that the compiler has
// seen, most of them in docs_blocks_test.go.
func TestGoBlocksOfDocs(t *testing.T) {
	all, found := unindented(strings.Join(slices.Collect(maps.Values(goFiles(t))), "\n")), 0
	for _, p := range docs(t) {
		blocks, _ := p.code("go")
		for _, b := range blocks {
			found++
			require.Contains(t, all, unindented(b), "%s: this block is in no Go file, so nobody has compiled it", p.path)
		}
	}
	require.Greater(t, found, 10)
}

// needsAWS is what a page or the paragraph before a command says of it.
var needsAWS = regexp.MustCompile(`needs? AWS`)

// theCommand is how a page calls cmd/outbox.
const theCommand = "go run " + library + "/cmd/outbox@VERSION"

// TestCommandsOfDocs: each command is a test, or another command of the
// repository that is there, or is said to need AWS.
func TestCommandsOfDocs(t *testing.T) {
	found := 0
	for _, p := range docs(t) {
		whole := strings.Contains(string(p.source), "Every command on this page needs AWS")
		blocks, before := p.code("sh")
		for i, b := range blocks {
			for _, line := range strings.Split(strings.TrimSpace(strings.ReplaceAll(b, "\\\n", " ")), "\n") {
				found++
				aws := whole || needsAWS.MatchString(before[i])
				if wrong := command(t, strings.Fields(line), aws); wrong != "" {
					t.Errorf("%s: %s: %s", p.path, wrong, line)
				}
			}
		}
	}
	require.Greater(t, found, 10)
}

// command says what is wrong with a command of a page, "" if nothing is.
func command(t *testing.T, words []string, aws bool) string {
	t.Helper()
	dir, rest := "", strings.Join(words, " ")
	if words[0] == "go" && words[1] == "-C" {
		dir, rest = words[2], "go "+strings.Join(words[3:], " ")
	}
	test, isTest := strings.CutPrefix(rest, "go test ")
	program, isRun := strings.CutPrefix(rest, "go run ")
	switch {
	case isTest:
		return tested(t, dir, strings.Fields(test))
	case strings.HasPrefix(rest, theCommand), strings.HasPrefix(rest, "aws "):
		if !aws {
			return "it is not said to need AWS"
		}
	case isRun && strings.HasPrefix(program, "."):
		if _, err := exec.Command("go", "list", "-C", root+dir, strings.Fields(program)[0]).Output(); err != nil {
			return "there is no such program"
		}
	default:
		return "it is not known whether that runs"
	}
	return ""
}

// tested says why a "go test" would run nothing.
func tested(t *testing.T, dir string, args []string) string {
	t.Helper()
	for i, arg := range args {
		if arg != "-run" && arg != "-bench" || strings.Trim(args[i+1], "'") == "^$" {
			continue
		}
		out, err := exec.Command("go", "test", "-C", root+dir, "-list", strings.Trim(args[i+1], "'"), args[0]).Output()
		kind := map[string]string{"-run": `(?m)^(Test|Example)`, "-bench": `(?m)^Benchmark`}[arg]
		if err != nil || !regexp.MustCompile(kind).Match(out) {
			return "no test matches " + args[i+1]
		}
	}
	return ""
}

// TestCommandsThatDoNotRun: what TestCommandsOfDocs can find.
func TestCommandsThatDoNotRun(t *testing.T) {
	for line, want := range map[string]string{
		"go -C internal/conformance test ./readme -run TestLinks":     "",
		"go -C internal/conformance test ./readme -run TestNowhere":   "no test matches TestNowhere",
		"go -C internal/conformance test ./nowhere -run TestLinks":    "no test matches TestLinks",
		"go -C examples run ./quickstart":                             "",
		"go -C examples run ./nowhere":                                "there is no such program",
		"aws sqs list-queues":                                         "it is not said to need AWS",
		theCommand + " doctor":                                        "it is not said to need AWS",
		"rm -rf build":                                                "it is not known whether that runs",
		"go -C internal/conformance test ./readme -run '^$' -bench .": "no test matches .",
	} {
		require.Equal(t, want, command(t, strings.Fields(line), false), line)
	}
}
