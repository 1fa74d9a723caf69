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

// sam deploys the SAM template with sam itself, by the commands of the README. Only
// the alarm with metric math is left out, which MiniStack does not take.
func sam(t *testing.T) *deployment {
	t.Helper()
	argv := enginetest.Python(t, engine.SAM, "-m", "samcli")
	e := enginetest.Own(t, engine.MiniStack)
	root := t.TempDir()
	file, dist := "deploy/sam/template.yaml", filepath.Join(root, "examples/deploy/dist")
	template, err := os.ReadFile(filepath.Join(examples, file))
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(root, "examples/deploy/sam"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "examples", file), template, 0o644))
	bundle(t, dist)
	// The README's sam is the installed one.
	require.NoError(t, os.Mkdir(filepath.Join(root, "bin"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "bin/sam"), []byte("#!/bin/sh\nexec "+strings.Join(argv, " ")+" \"$@\"\n"), 0o755))
	env := append(command.Environment(e, nil), "AWS_DEFAULT_REGION="+engine.Region, "SAM_CLI_TELEMETRY=0", "__SAM_CLI_APP_DIR="+root,
		"PATH="+filepath.Join(root, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))

	var whole translated
	require.NoError(t, json.Unmarshal([]byte(must(t, ".", env, argv[0], "testdata/translate.py", filepath.Join(examples, file))), &whole))
	whole.check(t)

	out := shell(t, root, e, env, readme(t)[3], readme(t)[4]+" AlarmTopicArn="+alarmTopic)
	require.Contains(t, out, "Successfully created/updated stack")
	left, err := os.ReadFile(filepath.Join(dist, "template.yaml"))
	require.NoError(t, err)
	require.Equal(t, strings.Count(string(template), "Type: AWS::")-1, strings.Count(string(left), "Type: AWS::"), "one resource is left out")
	var outputs []struct{ OutputKey, OutputValue string }
	require.NoError(t, json.Unmarshal([]byte(must(t, root, env, append(argv, "list", "stack-outputs", "--stack-name", stack, "--output", "json")...)), &outputs))
	d := newDeployment(e, dist, "")
	for _, o := range outputs {
		if o.OutputKey == "ApiUrl" {
			d.host = strings.TrimPrefix(o.OutputValue, "http://")
		}
	}
	d.leftOut = []string{"table.ttl", "table.backups"}
	return d
}

// stalledResource is the alarm with metric math.
const stalledResource = "RelayStalled"

// putIn gives the event store what the template asks for and MiniStack's
// CloudFormation leaves out.
func (d *deployment) putIn(t *testing.T) {
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

// translated is the template as AWS's translator makes CloudFormation of it. Its
// functions (Ref, Fn::Sub) are still in it.
type translated struct {
	Resources map[string]struct {
		Type, Condition string
		Properties      map[string]any
	}
	Conditions map[string]any
	Parameters map[string]struct{ Default any }
}

// check looks at what MiniStack's CloudFormation keeps nothing of.
func (tr translated) check(t *testing.T) {
	t.Helper()
	tables := 0
	for name, r := range tr.Resources {
		if r.Type == "AWS::DynamoDB::Table" {
			tables++
			require.Equal(t, map[string]any{"AttributeName": "ttl", "Enabled": true}, r.Properties["TimeToLiveSpecification"], name)
			require.Equal(t, map[string]any{"PointInTimeRecoveryEnabled": true}, r.Properties["PointInTimeRecoverySpecification"], name)
			require.Equal(t, map[string]any{"SSEEnabled": true}, r.Properties["SSESpecification"], name)
		}
	}
	require.Equal(t, 5, tables)
	require.Equal(t, map[string]any{"ThrottlingBurstLimit": 100., "ThrottlingRateLimit": 200.}, tr.Resources["HttpApiStage"].Properties["DefaultRouteSettings"])
	require.Equal(t, map[string]any{"Metrics": []any{"EventCount"}}, tr.Resources["RelayMapping"].Properties["MetricsConfig"])

	var got stalledMath
	for _, m := range tr.Resources[stalledResource].Properties["Metrics"].([]any) {
		m := m.(map[string]any)
		if e, ok := m["Expression"].(string); ok {
			got.Expression = e
			continue
		}
		s := m["MetricStat"].(map[string]any)
		metric := s["Metric"].(map[string]any)
		got.add(m["Id"].(string), metric["Namespace"].(string), metric["MetricName"].(string), s["Stat"].(string), s["Period"].(float64))
	}
	got.check(t)

	// What is skipped is an alarm where that is never normal, and a parameter says where that is.
	for resource, parameter := range map[string]string{"RelaySkippedItems": "AlarmOnSkippedItems", "RelaySkippedRegion": "AlarmOnSkippedRegion"} {
		require.Equal(t, map[string]any{"Fn::Equals": []any{map[string]any{"Ref": parameter}, "true"}}, tr.Conditions[tr.Resources[resource].Condition])
	}
	require.Equal(t, "true", tr.Parameters["AlarmOnSkippedItems"].Default)
	require.Equal(t, "false", tr.Parameters["AlarmOnSkippedRegion"].Default)
}
