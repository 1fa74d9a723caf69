package deploy

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const operationsPage = "../../docs/operations.md"

// alarmNames are the names of the alarms in a template, without that of the
// deployment.
func alarmNames(t *testing.T, file string, name *regexp.Regexp) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var names []string
	for _, found := range name.FindAllSubmatch(text, -1) {
		names = append(names, string(found[1]))
	}
	slices.Sort(names)
	return names
}

// TestEveryAlarmHasItsHeading: who has an alarm finds its name on the page, what
// it means and what to do; and each such heading is an alarm.
func TestEveryAlarmHasItsHeading(t *testing.T) {
	page, err := os.ReadFile(operationsPage)
	require.NoError(t, err)
	_, part, _ := strings.Cut(string(page), "\n## The alarms\n")
	part, _, _ = strings.Cut(part, "\n## ")
	var headings []string
	for _, section := range strings.Split(part, "\n### ")[1:] {
		heading, says, _ := strings.Cut(section, "\n")
		headings = append(headings, heading)
		for _, word := range []string{`\*\*Means:\*\*`, `\*\*Look[:,]`, `(?i)\bdo:\*\*`} {
			require.Regexp(t, word, says, heading)
		}
	}
	slices.Sort(headings)
	require.Greater(t, len(headings), 20)
	for file, name := range map[string]*regexp.Regexp{
		"sam/template.yaml":   regexp.MustCompile(`AlarmName: !Sub "\$\{AWS::StackName\}-([a-z-]+)"`),
		"terraform/alarms.tf": regexp.MustCompile(`(?m)^ +(?:alarm_)?name += "(?:\$\{var\.name\}-)?([a-z-]+)"`),
	} {
		require.Equal(t, alarmNames(t, file, name), headings, file)
	}
}

// TestPermissionsOfThePage compares the page's table with grants, which is
// compared with the templates.
func TestPermissionsOfThePage(t *testing.T) {
	page, err := os.ReadFile(operationsPage)
	require.NoError(t, err)
	_, part, _ := strings.Cut(string(page), "\n## Permissions\n")
	part, _, _ = strings.Cut(part, "\n## ")
	got, doctor := map[string][]string{}, []string{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([a-z, ]+) \| (`+"`"+`[^|]+) \| ([^|]+) \| (.*)\|$`).FindAllStringSubmatch(part, -1) {
		for who := range strings.SplitSeq(row[1], ", ") {
			for _, action := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[2], -1) {
				got[who] = append(got[who], action[1]+" on "+row[3])
				if strings.TrimSpace(row[4]) == "`doctor`" {
					doctor = append(doctor, action[1])
				}
			}
		}
	}
	for who, function := range map[string]string{"writer": "outbox-user-service", "relay": "outbox-relay", "consumer": "outbox-messaging"} {
		var want []string
		for _, grant := range grants[function] {
			action, resource, _ := strings.Cut(grant, " ")
			if name := onThePage[resource]; name != "" {
				want = append(want, action+" on "+name)
			} else {
				require.Contains(t, []string{"table outbox-users", "identity example.com"}, resource, "the page does not know what this is")
			}
		}
		require.ElementsMatch(t, want, got[who], "the %s, in the templates (first) and on the page", who)
	}
	policy, err := exec.Command("go", "run", "-C", "../../cmd/outbox", ".", "doctor", "--policy").Output()
	require.NoError(t, err)
	var printed struct{ Statement []struct{ Action []string } }
	require.NoError(t, json.Unmarshal(policy, &printed))
	var want []string
	for _, s := range printed.Statement {
		want = append(want, s.Action...)
	}
	require.ElementsMatch(t, want, doctor, "the doctor, as it prints it (first) and on the page")
}

// onThePage is what the page calls the things of the templates; the rest is the
// services' own.
var onThePage = map[string]string{
	"table outbox-event-store": "event store", "stream outbox-event-store": "stream of the event store", "streams outbox-event-store": "all streams of the event store",
	"bus outbox-bus": "bus", "table outbox-dead-letters": "dead letters", "table outbox-journal": "journal", "queue outbox-relay-failures": "on-failure queue",
	"queue outbox-messaging": "queue", "table outbox-messaging": "receipts",
	"log /aws/lambda/outbox-user-service": "its log group", "log /aws/lambda/outbox-relay": "its log group", "log /aws/lambda/outbox-messaging": "its log group",
}
