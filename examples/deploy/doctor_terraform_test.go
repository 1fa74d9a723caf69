package deploy

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/command"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/linttest"
)

// TestDoctorOnWhatTerraformDeploys applies the Terraform configuration to moto, whole,
// and looks at the result. It takes more than a minute, most of it the waiting
// of the provider for queues.
func TestDoctorOnWhatTerraformDeploys(t *testing.T) {
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
	require.NoError(t, tf.Copy(t.Context(), "terraform", work))
	aws := command.Environment(moto, nil)
	out, err := tf.Run(t.Context(), work, aws, "apply", "-auto-approve", "-input=false", "-no-color",
		"-var", "mail_from=hello@example.com", "-var", "mail_identity=example.com",
		// The provider here is older than SQS's messages of 1 MiB; see variables.tf.
		"-var", "max_message_size=262144")
	require.NoError(t, err)
	require.Contains(t, out, "Apply complete!")
	require.Contains(t, out, `doctor = "go run github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox@latest doctor --name outbox"`)

	doctor := command.Run(t, aws, "doctor", "--name", "outbox")
	require.Zero(t, doctor.Code, doctor)
	require.Contains(t, doctor.Stdout, "0 problems, 1 warnings, 0 not checked")
	require.Contains(t, doctor.Stdout, "queue.message-size")
}
