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
			if !strings.Contains(all, unindented(b)) {
				t.Errorf("%s: this block is in no Go file, so nobody has compiled it:\n%s", p.path, b)
			}
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
	case !aws && (strings.HasPrefix(rest, theCommand) || strings.HasPrefix(rest, "aws ")):
		return "it is not said to need AWS"
	case strings.HasPrefix(rest, theCommand):
		return unknown(t, strings.Fields(strings.TrimPrefix(rest, theCommand)))
	case strings.HasPrefix(rest, "aws "):
	case isRun && strings.HasPrefix(program, "."):
		if _, err := exec.Command("go", "list", "-C", root+dir, strings.Fields(program)[0]).Output(); err != nil {
			return "there is no such program"
		}
	default:
		return "it is not known whether that runs"
	}
	return ""
}

// unknown says which flag of cmd/outbox is not in the help of its verb.
func unknown(t *testing.T, args []string) string {
	t.Helper()
	verb := regexp.MustCompile(`^[a-z ]+\b`).FindString(strings.Join(args, " "))
	help, err := exec.Command("go", slices.Concat([]string{"run", "-C", root + "cmd/outbox", "."}, strings.Fields(verb), []string{"-h"})...).CombinedOutput()
	if err != nil || !strings.Contains(string(help), "Usage: outbox "+verb) {
		return "cmd/outbox has no such verb"
	}
	for _, arg := range args {
		if name, _, _ := strings.Cut(arg, "="); strings.HasPrefix(arg, "--") && !regexp.MustCompile(`(?m)^ .*`+name+`\b`).Match(help) {
			return "its verb has no " + name
		}
	}
	return ""
}

// tested says why a "go test" would run nothing.
func tested(t *testing.T, dir string, args []string) string {
	t.Helper()
	for i, arg := range args {
		kind := map[string]string{"-run": "Test|Example", "-bench": "Benchmark"}[arg]
		if kind == "" || strings.Trim(args[i+1], "'") == "^$" {
			continue
		}
		pattern, found := regexp.MustCompile(strings.Trim(args[i+1], "'")), false
		for path, source := range goFiles(t) {
			if filepath.Dir(path) == filepath.Join(dir, args[0]) {
				for _, name := range regexp.MustCompile(`(?m)^func ((?:`+kind+`)\w+)\(`).FindAllStringSubmatch(source, -1) {
					found = found || pattern.MatchString(name[1])
				}
			}
		}
		if !found {
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
	for args, want := range map[string]string{"doctor --name=shop": "", "doctor --missing": "its verb has no --missing", "repair": "cmd/outbox has no such verb"} {
		require.Equal(t, want, unknown(t, strings.Fields(args)), args)
	}
}
