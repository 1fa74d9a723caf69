package command_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/command"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

const (
	readme   = "../../../cmd/outbox/README.md"
	template = "../../../examples/deploy/sam/template.yaml" // another test compares it with Terraform's
)

// TestReadmeHasEveryAlarm: whoever has an alarm finds what to type.
func TestReadmeHasEveryAlarm(t *testing.T) {
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	alarms, err := os.ReadFile(template)
	require.NoError(t, err)
	names := regexp.MustCompile(`AlarmName: !Sub "\$\{AWS::StackName\}-([a-z-]+)"`).FindAllStringSubmatch(string(alarms), -1)
	require.Greater(t, len(names), 20)
	_, section, _ := strings.Cut(string(text), "## For each alarm")
	bold := strings.Join(regexp.MustCompile(`(?s)\*\*.*?\*\*`).FindAllString(section, -1), " ")
	for _, name := range names {
		require.Regexp(t, `\b`+name[1]+`\b`, bold)
	}
}

// TestNamesAreThoseOfTheTemplates: what a page tells an operator to type, under the
// templates' names, has a name that the templates give.
func TestNamesAreThoseOfTheTemplates(t *testing.T) {
	names, err := os.ReadFile(template)
	require.NoError(t, err)
	pages, err := filepath.Glob("../../../docs/*.md")
	require.NoError(t, err)
	for _, page := range append(pages, readme, "../../../examples/README.md") {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, name := range regexp.MustCompile(`\boutbox(-[a-z][a-z-]+)\b`).FindAllStringSubmatch(string(text), -1) {
			require.Contains(t, string(names), `"${AWS::StackName}`+name[1]+`"`, "%s: no template has %s", page, name[0])
		}
	}
}

// block is one of the README: commands, or what the last of them prints.
type block struct{ kind, text string }

func blocks(t *testing.T) (all []block) {
	t.Helper()
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	_, section, found := strings.Cut(string(text), "## For each alarm")
	require.True(t, found)
	for _, m := range regexp.MustCompile("(?s)```(sh|text)\n(.*?)```").FindAllStringSubmatch(section, -1) {
		all = append(all, block{m[1], m[2]})
	}
	return all
}

// TestReadme runs every command of the README, in its order, on a deployment in
// which things have gone wrong, and compares what is printed with what stands
// there: all but numbers, times and names.
func TestReadme(t *testing.T) {
	t.Parallel()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		t.Parallel()
		w := newWorld(t, db)
		w.signUps(t, 312)
		mended, mend := w.poison(t)
		junk, _ := w.poison(t)
		w.relay(t, publishing)
		mend()
		lost := w.signUps(t, 1688)
		messages, _ := w.givenUp(t)
		w.relay(t, forgetting)
		queue := w.queue(t, messages[0])
		receipts := enginetest.BusinessTable(t, db, twoKeys)
		now := time.Now().UTC()
		replace := strings.NewReplacer(
			"01M872WT0STBQCYVHK675TM9FS", mended, "01M8762V46M4P3WF3VZKR3R0EJ", junk, "outbox-relay-failures", queue.name, "outbox-messaging", receipts.Name,
			"2026-11-26T03:00:00Z", now.Add(-time.Hour).Format(time.RFC3339), "2026-11-26T03:20:00Z", now.Add(time.Hour).Format(time.RFC3339),
			"--from 36h", "--from 1h --lag 0s", "--from 3h", "--from 1h --lag 0s",
		)
		audits, last := 0, ""
		for _, b := range blocks(t) {
			if b.kind == "text" {
				require.Equal(t, masked(b.text, w), masked(last, w))
				continue
			}
			for line := range strings.Lines(b.text) {
				args := words(replace.Replace(strings.TrimSpace(line)))
				require.Equal(t, "outbox", args[0])
				if args[1] == "replay" {
					args = slices.DeleteFunc(args, func(a string) bool { return a == "--lag" || a == "0s" })
				}
				code := 0
				switch {
				case args[1] == "doctor":
					code = 1 // these engines have no functions
				case args[1] == "audit":
					if audits++; audits == 1 {
						code = 1
					}
				case slices.Contains(args, "--mark"):
					code = 1 // the event whose letter was discarded is in the event store, and cannot be published
				}
				var r command.Result
				if args[1] == "tail" {
					r = w.tail(t, args[1:]...)
				} else {
					r = w.run(t, args[1:]...)
				}
				if args[1] != "doctor" {
					require.Equal(t, code, r.Code, "%s\n%s\n%s", line, r.Stdout, r.Stderr)
				}
				require.NotEqual(t, 3, r.Code)
				last = r.Stdout
				t.Log(line, r.Stdout)
			}
		}
		counts := w.wire.EventIDs()
		for _, id := range append(lost, mended) {
			require.Contains(t, counts, id)
		}
		require.NotContains(t, counts, junk)
		require.Empty(t, queue.Drain(t))
	})
}

// tail runs the verb while people sign up.
func (w *world) tail(t *testing.T, args ...string) command.Result {
	t.Helper()
	var out bytes.Buffer
	cmd := w.command(t, args...)
	cmd.Stdout = &out
	require.NoError(t, cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		w.signUps(t, 1)
		select {
		case err := <-done:
			require.NoError(t, err)
			return command.Result{Stdout: out.String()}
		case <-time.After(300 * time.Millisecond):
		}
	}
}

// words are the words of a command line; double quotes keep some together.
func words(line string) (all []string) {
	for _, m := range regexp.MustCompile(`"([^"]*)"|\S+`).FindAllStringSubmatch(line, -1) {
		if strings.HasPrefix(m[0], `"`) {
			all = append(all, m[1])
		} else {
			all = append(all, m[0])
		}
	}
	return all
}

// masked leaves only what is the same in every run.
func masked(text string, w *world) string {
	text = strings.ReplaceAll(text, w.bus.Name, "outbox-bus")
	text = regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z`).ReplaceAllString(text, "TIME")
	text = regexp.MustCompile(`[0-9][0-9.]*( min [0-9]+)?`).ReplaceAllString(text, "N")
	text = regexp.MustCompile(`(under N cent|\$N)`).ReplaceAllString(text, "PRICE")
	return strings.Join(strings.Fields(text), " ")
}

// TestPrices: the command computes with the prices of docs/cost.md.
func TestPrices(t *testing.T) {
	page, err := os.ReadFile("../../../docs/cost.md")
	require.NoError(t, err)
	source, err := os.ReadFile("../../../cmd/outbox/internal/price/price.go")
	require.NoError(t, err)
	for constant, row := range map[string]string{"perMillionChunks": "custom event, each 64 KB", "perMillionReadUnits": "read request unit"} {
		want := regexp.MustCompile(`(?m)^\| ` + row + ` \| ([0-9.]+) \| million`).FindStringSubmatch(string(page))
		got := regexp.MustCompile(constant + ` = ([0-9.]+)`).FindStringSubmatch(string(source))
		require.Len(t, want, 2)
		require.Len(t, got, 2)
		require.Equal(t, want[1], got[1], row)
	}
}
