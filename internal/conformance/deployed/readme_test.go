package deployed

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

// readme are the commands of "Deploy it without an AWS account" in examples/README.md.
func readme(t *testing.T) (commands []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, "README.md"))
	require.NoError(t, err)
	_, part, ok := strings.Cut(string(text), "\n### Deploy it without an AWS account\n")
	require.True(t, ok)
	part, _, _ = strings.Cut(part, "\n## ")
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(part, -1) {
		for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", "")) {
			commands = append(commands, strings.TrimSpace(line))
		}
	}
	require.Len(t, commands, 8)
	// The first two are what the tests do by themselves: build the functions, and start the engine.
	require.Equal(t, `go -C examples run ./deploy/bundle -arch "$(go env GOARCH)"`, commands[0])
	require.Equal(t, "go -C internal/conformance run ./cmd/engines run ministack", commands[1])
	require.Regexp(t, "^export AWS_ENDPOINT_URL=http://127.0.0.1:4566 ", commands[2])
	require.Regexp(t, "^sed ", commands[3])
	require.Regexp(t, "^sam deploy ", commands[4])
	for _, c := range commands[5:] {
		require.Regexp(t, "^curl ", c)
	}
	return commands
}

// shell runs commands of the README in a folder, with the engine's URL.
func shell(t *testing.T, dir string, e *engine.Engine, env []string, commands ...string) string {
	t.Helper()
	script := strings.ReplaceAll(strings.Join(append([]string{"set -e", readme(t)[2]}, commands...), "\n"), "http://127.0.0.1:4566", e.URL)
	return must(t, dir, env, "sh", "-c", script)
}

// asInTheReadme signs a person up in the README's words, and reads her e-mail.
func (l *ledger) asInTheReadme() {
	l.t.Helper()
	identity, post, mails := readme(l.t)[5], readme(l.t)[6], readme(l.t)[7]
	dir, env := l.t.TempDir(), []string{"API_URL=http://" + l.d.host}
	shell(l.t, dir, l.d.engine, env, identity)
	answer := shell(l.t, dir, l.d.engine, env, post)
	require.Contains(l.t, answer, "HTTP/1.1 201 Created")
	event := regexp.MustCompile(`(?i)x-event-id: (\w+)`).FindStringSubmatch(answer)
	require.Len(l.t, event, 2, answer)
	l.signedUp[event[1]] = true
	l.settle("one sign-up, as in the README")
	require.Contains(l.t, shell(l.t, dir, l.d.engine, env, mails), "Welcome, Ada")
}
