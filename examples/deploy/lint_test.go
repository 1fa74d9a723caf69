package deploy

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/lint"
)

// AllowNoTerraformEnv names the variable that, set to 1, lets the tests with
// terraform be skipped where everything else is required: terraform and its
// provider are in no package registry, so CI cannot install them.
const AllowNoTerraformEnv = "OUTBOX_ALLOW_NO_TERRAFORM"

// need ends the test if its tool could not be had: a loud skip, and a failure
// where tools are required.
func need(t *testing.T, err error) {
	t.Helper()
	missing := new(lint.MissingError)
	if err == nil {
		return
	}
	required := os.Getenv(enginetest.RequireEnv) == "1"
	if errors.As(err, &missing) && strings.Contains(missing.Tool, "terraform") && os.Getenv(AllowNoTerraformEnv) == "1" {
		required = false
	}
	if !errors.As(err, &missing) || required {
		t.Fatal(err)
	}
	t.Skipf("TOOL MISSING, TEMPLATE NOT CHECKED: %v", err) //nolint:forbidigo // loud, and a failure under OUTBOX_REQUIRE_ENGINES
}

func terraform(t *testing.T) *lint.Terraform {
	t.Helper()
	tf, err := lint.FindTerraform()
	need(t, err)
	return tf
}

func TestCFNLint(t *testing.T) {
	t.Parallel()
	_, err := lint.CFNLint()
	need(t, err)
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
	tf := terraform(t)
	require.NoError(t, tf.Check(t.Context(), terraformDir))
	_, err := os.Stat(filepath.Join(terraformDir, ".terraform"))
	require.ErrorIs(t, err, os.ErrNotExist, "the check leaves nothing behind")

	// It does see faults.
	for _, tt := range []struct{ name, file, old, new, says string }{
		{"format", "bus.tf", "  name = ", "  name  = ", "fmt would change"},
		{"a value out of range", "queues.tf", "message_retention_seconds = 345600", "message_retention_seconds = 9999999", "message_retention_seconds"},
		{"a reference to nothing", "relay.tf", "aws_sqs_queue.relay_failures.arn", "aws_sqs_queue.no_such_queue.arn", "no_such_queue"},
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
