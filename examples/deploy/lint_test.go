package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lint"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/linttest"
)

func TestCFNLint(t *testing.T) {
	t.Parallel()
	linttest.CFNLint(t)
	require.NoError(t, lint.CheckCloudFormation(t.Context(), samFile))

	// It does see faults.
	text, err := os.ReadFile(samFile)
	require.NoError(t, err)
	for _, tt := range []struct{ name, old, new, says string }{
		{"a value out of range", "MessageRetentionPeriod: 345600", "MessageRetentionPeriod: 99999999", "greater than the maximum"},
		{"a reference to nothing", "!GetAtt RelayFailures.Arn } }", "!GetAtt NoSuchQueue.Arn } }", "NoSuchQueue"},
		{"a misspelt property", "BisectBatchOnFunctionError: true", "BisectBatchOnError: true", "BisectBatchOnError"},
	} {
		bad := filepath.Join(t.TempDir(), "template.yaml")
		require.Contains(t, string(text), tt.old, tt.name)
		require.NoError(t, os.WriteFile(bad, []byte(strings.Replace(string(text), tt.old, tt.new, 1)), 0o644))
		require.ErrorContains(t, lint.CheckCloudFormation(t.Context(), bad), tt.says, tt.name)
	}
}

func TestTerraformValidate(t *testing.T) {
	t.Parallel()
	tf := linttest.Terraform(t)
	require.NoError(t, tf.Check(t.Context(), terraformDir))
	_, err := os.Stat(filepath.Join(terraformDir, ".terraform"))
	require.ErrorIs(t, err, os.ErrNotExist, "the check leaves nothing behind")

	// It does see faults.
	for _, tt := range []struct{ name, file, old, new, says string }{
		{"format", "bus.tf", "  name = ", "  name  = ", "fmt would change"},
		{"a value out of range", "queues.tf", "message_retention_seconds = 345600", "message_retention_seconds = 9999999", "message_retention_seconds"},
		{"a misspelt argument", "tables.tf", "  stream_view_type            ", "  stream_view                 ", "Unsupported argument"},
	} {
		bad := t.TempDir()
		require.NoError(t, os.CopyFS(bad, os.DirFS(terraformDir)))
		text, err := os.ReadFile(filepath.Join(bad, tt.file))
		require.NoError(t, err)
		require.Contains(t, string(text), tt.old, tt.name)
		require.NoError(t, os.WriteFile(filepath.Join(bad, tt.file), []byte(strings.Replace(string(text), tt.old, tt.new, 1)), 0o644))
		require.ErrorContains(t, tf.Check(t.Context(), bad), tt.says, tt.name)
	}
}
