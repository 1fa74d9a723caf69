package deploy

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// samFile and terraformDir are the templates.
const (
	samFile      = "sam/template.yaml"
	terraformDir = "terraform"
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
		names = append(names, string(slices.Concat(found[1:]...)))
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
		"terraform/alarms.tf": regexp.MustCompile(`(?m)^    ([a-z-]+) = \{$|^  alarm_name += "\$\{var\.name\}-([a-z-]+)"`),
	} {
		require.Equal(t, alarmNames(t, file, name), headings, file)
	}
}
