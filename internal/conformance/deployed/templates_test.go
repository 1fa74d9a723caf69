package deployed

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

// TestTemplates deploys both templates, tells the story to both, and compares
// what they have deployed.
func TestTemplates(t *testing.T) {
	var (
		mu   sync.Mutex // guards made
		made = map[string]description{}
	)
	t.Run("deploy", func(t *testing.T) {
		for name, deploy := range map[string]func(*testing.T) *deployment{"terraform": terraform, "sam": sam} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				d := deploy(t)
				is := describe(t, d.engine)
				mu.Lock()
				made[name] = is
				mu.Unlock()
				check(t, is)
				d.healthy(t, d.leftOut...)
				d.putIn(t)
				d.healthy(t, d.set...)
				story(t, d)
				d.healthy(t, d.set...)
				findSlips(t, d, d.set...)
			})
		}
	})
	t.Run("compare", func(t *testing.T) {
		if len(made) < 2 {
			t.Skip("NOT COMPARED: only one template was deployed") //nolint:forbidigo // that one was not is said by the subtest above
		}
		values := len(leaves(t, made["terraform"].text))
		require.Greater(t, values, 500, "the description is empty")
		require.Empty(t, compare(t, made["terraform"].text, made["sam"].text, differences))
		t.Logf("both templates have deployed the same %d values, but for the %d differences of MiniStack %s", values, len(differences), engine.MiniStack.Version())
	})
}

// check looks at what the story does not show.
func check(t *testing.T, d description) {
	t.Helper()
	permissions(t, d)
	environmentIsRead(t, d)
	everyMetricIsThere(t, d)
	alarmsSayEnough(t, d)
	costs(t, d)
	require.NotContains(t, d.text, "MetricsConfig", "MiniStack keeps it now: it need not be looked for in what the tools say")
	require.Len(t, d.Tables, 5)
	for name, table := range d.Tables {
		require.True(t, table.DeletionProtectionEnabled, name)
	}
	require.Len(t, d.Queues, 4)
	for name, queue := range d.Queues {
		require.Equal(t, "true", queue.SqsManagedSseEnabled, name)
	}
	require.Len(t, d.Logs, 4)
	for group, days := range d.Logs {
		require.NotNil(t, days, "%s is kept without end", group)
		require.EqualValues(t, 30, *days, group)
	}
}
