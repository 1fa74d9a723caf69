package deployed

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/command"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

// TestSAM deploys the SAM template with sam itself. Only the alarm with metric
// math is left out, which MiniStack does not take.
func TestSAM(t *testing.T) {
	t.Parallel()
	sam := enginetest.SAM(t)
	e := enginetest.Own(t, engine.MiniStack)
	root := t.TempDir()
	work, dist := filepath.Join(root, "sam"), filepath.Join(root, "dist")
	require.NoError(t, os.Mkdir(work, 0o755))
	bundle(t, dist)
	template, err := os.ReadFile(filepath.Join(examples, "deploy/sam/template.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(work, "template.yaml"), []byte(without(t, string(template), "RelayStalled")), 0o644))

	env := append(command.Environment(e, nil), "AWS_DEFAULT_REGION="+engine.Region, "SAM_CLI_TELEMETRY=0", "__SAM_CLI_APP_DIR="+root)
	out := must(t, work, env, append(sam, "deploy", "--template-file", "template.yaml", "--stack-name", stack, "--resolve-s3",
		"--capabilities", "CAPABILITY_IAM", "--parameter-overrides", "MailFrom="+mailFrom, "MailIdentity="+mailID)...)
	require.Contains(t, out, "Successfully created/updated stack")

	var outputs []struct{ OutputKey, OutputValue string }
	require.NoError(t, json.Unmarshal([]byte(must(t, work, env, append(sam, "list", "stack-outputs", "--stack-name", stack, "--output", "json")...)), &outputs))
	host := ""
	for _, o := range outputs {
		if o.OutputKey == "ApiUrl" {
			host = strings.TrimPrefix(o.OutputValue, "http://")
		}
	}
	d := newDeployment(e, dist, host)
	d.healthy(t, "table.ttl", "table.backups") // MiniStack's CloudFormation leaves them out
	d.keep(t)
	d.healthy(t)
	story(t, d)
	d.healthy(t)
	findSlips(t, d)
}

// keep gives the event store what the template asks for and MiniStack's
// CloudFormation leaves out.
func (d *deployment) keep(t *testing.T) {
	t.Helper()
	_, err := d.tables.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: aws.String(eventStore), TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String("ttl"), Enabled: aws.Bool(true)},
	})
	require.NoError(t, err)
	_, err = d.tables.UpdateContinuousBackups(t.Context(), &dynamodb.UpdateContinuousBackupsInput{
		TableName: aws.String(eventStore), PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
	})
	require.NoError(t, err)
}

// without takes a resource out of a template.
func without(t *testing.T, template, resource string) string {
	t.Helper()
	before, rest, ok := strings.Cut(template, "\n  "+resource+":\n")
	require.True(t, ok, "no resource %s", resource)
	for line := range strings.Lines(rest) {
		if strings.HasPrefix(line, "  ") && !strings.HasPrefix(line, "   ") {
			break
		}
		rest = strings.TrimPrefix(rest, line)
	}
	return before + "\n" + rest
}
