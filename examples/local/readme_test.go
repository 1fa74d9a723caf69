package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

// command is a command of examples/README.md.
type command struct {
	text     string
	needsAWS bool // the paragraph before it says so
}

// readmeCommands returns the lines of the README's sh blocks, continued lines as
// one.
func readmeCommands(t *testing.T) []command {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	// That part is run where the templates are deployed.
	before, rest, ok := strings.Cut(string(text), "\n### Deploy it without an AWS account\n")
	require.True(t, ok)
	_, after, ok := strings.Cut(rest, "\n## ")
	require.True(t, ok)
	readme := before + after
	var all []command
	for _, part := range regexp.MustCompile("(?s)(.*?)```(\\w+)\n(.*?)```").FindAllStringSubmatch(readme, -1) {
		if part[2] != "sh" {
			continue
		}
		for line := range strings.Lines(strings.ReplaceAll(part[3], "\\\n", "")) {
			all = append(all, command{strings.Join(strings.Fields(line), " "), strings.Contains(part[1], "needs AWS")})
		}
	}
	return all
}

// TestReadmeSaysWhatThereIs: each folder that is there for a reader, and the Go
// that each module needs.
func TestReadmeSaysWhatThereIs(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	entries, err := os.ReadDir("..")
	require.NoError(t, err)
	for _, e := range entries {
		if e.IsDir() && e.Name() != "internal" {
			require.Regexp(t, `(?m)^\| .*\[`+e.Name()+`\]\(`+e.Name()+`\)`, string(readme))
		}
	}
	for module, says := range map[string]string{"../../go.mod": "the library needs Go %s", "../go.mod": "the examples need Go %s"} {
		mod, err := os.ReadFile(module)
		require.NoError(t, err)
		version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(mod))
		require.Len(t, version, 2)
		require.Contains(t, strings.ToLower(string(readme)), strings.ToLower(fmt.Sprintf(says, version[1])))
	}
}

// testedElsewhere are commands that the tests of their own package run, or CI.
var testedElsewhere = map[string]struct{ file, text string }{
	"go -C examples run ./deploy/bundle":        {"../deploy/bundle/main_test.go", "func TestBundle("},
	"go -C cmd/outbox run . doctor --policy":    {"../../cmd/outbox/doctor_test.go", `"--policy"`},
	"go -C internal/conformance run ./cmd/test": {"../../.ci/run", "cmd/test -race"},
}

// TestReadme runs every command of examples/README.md, but for those that are
// said to need AWS.
func TestReadme(t *testing.T) {
	needEngines(t, engine.Dynoxide)
	needEngines(t, engine.MiniStack)
	enginetest.LambdaRIE(t)
	if _, err := exec.LookPath("curl"); err != nil {
		enginetest.Missing(t, "curl is missing; on Debian: apt-get install curl")
	}
	var curls []string
	ran := map[string]bool{}
	for _, c := range readmeCommands(t) {
		args, isLocal := strings.CutPrefix(c.text, "go -C examples run ./local")
		elsewhere, known := testedElsewhere[c.text]
		switch {
		case c.needsAWS:
			require.Regexp(t, `^(sam|terraform|aws|curl -i "\$API_URL|go -C cmd/outbox run \. ) ?`, c.text)
		case known:
			source, err := os.ReadFile(elsewhere.file)
			require.NoError(t, err)
			require.Contains(t, string(source), elsewhere.text, c.text)
		case c.text == "go -C internal/conformance run ./cmd/engines install":
			cmd := exec.CommandContext(t.Context(), "go", strings.Fields(c.text)[1:]...)
			cmd.Dir = filepath.Join("..", "..")
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out)) // they are there, so it downloads nothing
			require.Contains(t, string(out), "is there")
		case isLocal:
			f, err := parse(strings.Fields(args), t.Output())
			require.NoError(t, err)
			if f.demo {
				t.Run(strings.TrimSpace(args), func(t *testing.T) { demoOfReadme(t, f) })
			}
		case strings.HasPrefix(c.text, "curl "):
			curls = append(curls, c.text)
		default:
			t.Errorf("nobody runs this command of the README, and it is not said to need AWS: %s", c.text)
		}
		ran[c.text] = true
	}
	require.True(t, ran["go -C examples run ./local"])
	t.Run("curl", func(t *testing.T) { curlsOfReadme(t, curls) })
}

// demoOfReadme plays the demo; the port is the test's own.
func demoOfReadme(t *testing.T, f flags) {
	t.Parallel()
	f.addr = "127.0.0.1:0"
	out := &enginetest.Buffer{}
	require.NoError(t, run(t.Context(), f, out), out)
	for _, row := range []string{
		`\n +60[2-9]  committed`, // 300 sign-ups, 300 e-mails, two kinds of poison
		`\n +1  dead-lettered`, `\n +0  waiting`, `\n +300  delivered: .* of 301 `,
		`\n +1  in the queue's dead-letter queue`, `\n +0  invented`, `\n +0  lost`,
		`\n +[1-9]\d*  would be lost without an outbox`,
	} {
		require.Regexp(t, row, out.String())
	}
	require.Regexp(t, `User\.Created +ada\.\S+ +committed → published \S+ → received \S+ → done \S+\n`, out.String())
}

// curlsOfReadme runs the README's curl commands, in their order, against what
// `go -C examples run ./local` starts.
func curlsOfReadme(t *testing.T, commands []string) {
	t.Parallel()
	f, err := parse(nil, t.Output())
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:8080", f.addr, "as in the README")
	f.addr, f.inProcess = "127.0.0.1:0", true
	out := &enginetest.Buffer{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, f, out) }()
	defer func() {
		cancel()
		require.NoError(t, <-ended)
	}()
	address := regexp.MustCompile(`Open http://(\S+)`)
	require.Eventually(t, func() bool { return address.MatchString(out.String()) }, time.Minute, 20*time.Millisecond)
	here := address.FindStringSubmatch(out.String())[1]
	curl := func(command string) string {
		answer, err := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(command, "127.0.0.1:8080", here)).CombinedOutput()
		require.NoError(t, err, "%s: %s", command, answer)
		return string(answer)
	}
	// What a command of the README shows: at once, or with a ledger in the end,
	// as for a person who takes one block after the other.
	shows := []struct{ answer, ledger string }{
		{answer: "HTTP/1.1 201 Created", ledger: `"committed":2,"published":2,"waiting":0,`}, // User.Created and Email.Sent
		{answer: `"bus-down":true`},
		{},
		{ledger: `"committed":39,"published":2,"waiting":37,`},
		{answer: `"bus-down":false`},
		{ledger: `"committed":76,"published":76,"waiting":0,"deadLettered":0,"lost":0,`},
		{answer: "X-Correlation-Id: my-first"},
	}
	require.Len(t, commands, len(shows))
	for i, want := range shows {
		require.Contains(t, curl(commands[i]), want.answer, commands[i])
		require.Eventually(t, func() bool {
			return want.ledger == "" || strings.Contains(curl("curl -s http://127.0.0.1:8080/local/ledger"), want.ledger)
		}, time.Minute, 20*time.Millisecond, "after %s: %s", commands[i], want.ledger)
	}
	printed := regexp.MustCompile(`(?m)^curl .*$`).FindAllString(out.String(), -1)
	require.Len(t, printed, 5, "what the program proposes")
	for _, line := range printed {
		line = strings.ReplaceAll(line, "example.com", "example.org") // the README's people have their addresses
		require.NotRegexp(t, `HTTP/1.1 [345]|no such|must be`, curl(line), line)
	}
}
