package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

func TestCFNLint(t *testing.T) {
	t.Parallel()
	// Not the script bin/cfn-lint: its first line names the folder in which the
	// installation was made.
	argv := enginetest.Python(t, engine.CFNLint, "-c", "import sys; from cfnlint.runner import main; sys.exit(main())", "--non-zero-exit-code", "warning", "--")
	lint := func(template string) (string, error) {
		out, err := exec.CommandContext(t.Context(), argv[0], append(argv[1:], template)...).CombinedOutput()
		return string(out), err
	}
	out, err := lint(samFile)
	require.NoError(t, err, out)

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
		out, err := lint(bad)
		require.Error(t, err, tt.name)
		require.Contains(t, out, tt.says, tt.name)
	}
}

func TestTerraformValidate(t *testing.T) {
	t.Parallel()
	tf := enginetest.Terraform(t)
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
