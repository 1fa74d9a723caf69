package readme

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// root is the root module's folder, from here.
const root = "../../../"

var fence = regexp.MustCompile("(?ms)^```(\\w+)\n(.*?)^```$")

type block struct{ language, text string }

func blocks(t *testing.T, file string) []block {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var all []block
	for _, found := range fence.FindAllStringSubmatch(string(text), -1) {
		all = append(all, block{found[1], found[2]})
	}
	require.NotEmpty(t, all)
	return all
}

// unindented takes the indentation off every line.
func unindented(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}

// TestGoBlocksAreCompiled holds each Go block against blocks_test.go, which the
// compiler has seen and TestBlocks runs.
func TestGoBlocksAreCompiled(t *testing.T) {
	source, err := os.ReadFile("blocks_test.go")
	require.NoError(t, err)
	found := 0
	for _, b := range blocks(t, root+"README.md") {
		if b.language == "go" {
			found++
			require.Contains(t, unindented(string(source)), unindented(b.text), "this block of the README is not in blocks_test.go")
		}
	}
	require.Equal(t, 6, found, "Go blocks")
}

// TestQuickstartOutput runs the README's first command and holds what it prints
// against the README, ids and times aside.
func TestQuickstartOutput(t *testing.T) {
	cmd := exec.Command("go", "run", "./quickstart")
	cmd.Dir = root + "examples"
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_ENDPOINT_URL") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	out, err := cmd.Output()
	require.NoError(t, err)
	printed, shown := masked(string(out)), 0
	for _, b := range blocks(t, root+"README.md") {
		if b.language != "text" {
			continue
		}
		for _, part := range strings.Split(b.text, "…\n") { // in this order, with more between them
			_, rest, ok := strings.Cut(printed, masked(part))
			require.True(t, ok, "the quickstart does not print this part of the README:\n%s\nit prints:\n%s", part, printed)
			printed, shown = rest, shown+1
		}
	}
	require.Equal(t, 4, shown)
	require.Empty(t, strings.TrimSpace(printed), "the README stops before the end")
}

var (
	ulids = regexp.MustCompile(`[0-7][0-9A-HJKMNP-TV-Z]{25}`)
	times = regexp.MustCompile(`\b[1-9][0-9]{12}\b`)
)

func masked(text string) string {
	return times.ReplaceAllString(ulids.ReplaceAllString(strings.TrimSpace(text), "ID"), "TIME")
}

// ran says for each command of the README what runs it: a line of .ci/run, or
// with "" a test of this package or the reader alone.
var ran = map[string]string{
	"go get github.com/dynamodb-outbox/dynamodb-outbox": "",
	"go test ./...":                             "go -C internal/conformance run ./cmd/test -race -count=1",
	"go -C examples run ./quickstart":           "", // TestQuickstartOutput
	"go -C internal/conformance run ./cmd/test": "go -C internal/conformance run ./cmd/test -race -count=1",
}

func TestCommandsAreRun(t *testing.T) {
	script, err := os.ReadFile(root + ".ci/run")
	require.NoError(t, err)
	var ci []string
	for _, line := range strings.Split(string(script), "\n") {
		if line, _, _ = strings.Cut(line, "# "); line != "" {
			ci = append(ci, line)
		}
	}
	seen := 0
	for _, b := range blocks(t, root+"README.md") {
		if b.language != "sh" {
			continue
		}
		for _, command := range strings.Split(strings.TrimSpace(b.text), "\n") {
			by, known := ran[command]
			require.True(t, known, "nothing runs this command of the README: %s", command)
			require.Contains(t, strings.Join(ci, "\n"), by)
			seen++
		}
	}
	require.Equal(t, len(ran), seen)
}

// The README is to be read in three minutes; what it has no room for has a page in
// docs.
func TestTheReadmeIsShort(t *testing.T) {
	text, err := os.ReadFile(root + "README.md")
	require.NoError(t, err)
	require.LessOrEqual(t, utf8.RuneCount(text), 9000)
}
