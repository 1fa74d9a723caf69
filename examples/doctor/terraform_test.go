package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/linttest"
)

// TestOnWhatTerraformDeploys applies the Terraform configuration to moto, whole,
// and looks at the result. It takes more than a minute, most of it the waiting
// of the provider for queues.
func TestOnWhatTerraformDeploys(t *testing.T) {
	t.Parallel()
	tf := linttest.Terraform(t)
	moto := enginetest.Own(t, engine.Moto)
	root := t.TempDir()
	work, packages := filepath.Join(root, "terraform"), filepath.Join(root, "dist")
	require.NoError(t, os.Mkdir(work, 0o755))
	require.NoError(t, os.Mkdir(packages, 0o755))
	for _, name := range []string{"userservice", "relay", "messaging"} {
		require.NoError(t, os.WriteFile(filepath.Join(packages, name+".zip"), emptyZip(t), 0o644))
	}
	require.NoError(t, tf.Copy(t.Context(), "../deploy/terraform", work))
	aws := []string{
		"AWS_ENDPOINT_URL=" + moto.URL, "AWS_REGION=" + engine.Region, "AWS_ACCESS_KEY_ID=OUTBOXTESTKEY0000000", "AWS_SECRET_ACCESS_KEY=outboxtestsecret",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
	}
	out, err := tf.Run(t.Context(), work, aws, "apply", "-auto-approve", "-input=false", "-no-color",
		"-var", "mail_from=hello@example.com", "-var", "mail_identity=example.com",
		// The provider here is older than SQS's messages of 1 MiB; see variables.tf.
		"-var", "max_message_size=262144")
	require.NoError(t, err)
	require.Contains(t, out, "Apply complete!")
	require.Contains(t, out, `doctor = "go -C examples run ./doctor -name outbox"`)

	code, text := doctor(t, moto.Config(), "-name", "outbox")
	require.Equal(t, exitHealthy, code, text)
	require.Contains(t, text, "0 problems, 1 warnings, 0 not checked")
	require.Contains(t, text, "queue.message-size")
}
