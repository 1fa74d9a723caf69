package deployed

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/command"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/linttest"
)

// TestTerraform applies the Terraform configuration as it is; only the size of
// messages is set, for the provider here may be older than SQS's 1 MiB
// (variables.tf). The provider waits for half a minute at each queue, twice.
func TestTerraform(t *testing.T) {
	t.Parallel()
	tf := linttest.Terraform(t)
	e := enginetest.Own(t, engine.MiniStack)
	root := t.TempDir()
	work, dist := filepath.Join(root, "terraform"), filepath.Join(root, "dist")
	require.NoError(t, os.Mkdir(work, 0o755))
	bundle(t, dist)
	require.NoError(t, tf.Copy(t.Context(), filepath.Join(examples, "deploy/terraform"), work))
	vars := []string{"-var", "mail_from=" + mailFrom, "-var", "mail_identity=" + mailID, "-var", "max_message_size=262144"}
	out, err := tf.Run(t.Context(), work, command.Environment(e, nil), append([]string{"apply", "-auto-approve", "-input=false", "-no-color"}, vars...)...)
	require.NoError(t, err)
	require.Contains(t, out, "Apply complete!")
	api, err := tf.Run(t.Context(), work, command.Environment(e, nil), "output", "-raw", "api_url")
	require.NoError(t, err)

	d := newDeployment(e, dist, strings.TrimPrefix(api, "http://"))
	d.healthy(t, "queue.message-size") // the one thing that is set here
	story(t, d)
	d.healthy(t, "queue.message-size")
	findSlips(t, d, "queue.message-size")
}
