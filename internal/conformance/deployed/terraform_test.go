package deployed

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/command"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

// terraform applies the Terraform configuration as it is; only the size of messages is
// set, for the provider here may be older than SQS's 1 MiB (variables.tf). The
// provider waits for half a minute at each queue, twice.
func terraform(t *testing.T) *deployment {
	t.Helper()
	tf := enginetest.Terraform(t)
	e := enginetest.Own(t, engine.MiniStack)
	root := t.TempDir()
	work, dist := filepath.Join(root, "terraform"), filepath.Join(root, "dist")
	require.NoError(t, os.Mkdir(work, 0o755))
	bundle(t, dist)
	require.NoError(t, tf.Copy(t.Context(), filepath.Join(examples, "deploy/terraform"), work))
	run := func(args ...string) string {
		t.Helper()
		out, err := tf.Run(t.Context(), work, command.Environment(e, nil), args...)
		require.NoError(t, err)
		return out
	}
	plan := func(file string, more ...string) (p planned) {
		t.Helper()
		run(append([]string{"plan", "-input=false", "-no-color", "-out=" + file, "-var", "mail_from=" + mailFrom, "-var", "mail_identity=" + mailID,
			"-var", "alarm_topic_arn=" + alarmTopic, "-var", "max_message_size=262144"}, more...)...)
		require.NoError(t, json.Unmarshal([]byte(run("show", "-json", file)), &p))
		return p
	}

	p := plan("default")
	p.check(t)
	toggled := plan("toggled", "-var", "alarm_on_skipped_items=false", "-var", "alarm_on_skipped_region=true")
	require.Contains(t, p.addresses(), `aws_cloudwatch_metric_alarm.alarm["relay-skipped-items"]`)
	require.NotContains(t, p.addresses(), `aws_cloudwatch_metric_alarm.alarm["relay-skipped-region"]`)
	require.NotContains(t, toggled.addresses(), `aws_cloudwatch_metric_alarm.alarm["relay-skipped-items"]`)
	require.Contains(t, toggled.addresses(), `aws_cloudwatch_metric_alarm.alarm["relay-skipped-region"]`)
	for name, filter := range filters(t) {
		text, err := strconv.Unquote(strings.TrimSpace(must(t, work, nil, "sh", "-c", "echo local.relay_filters."+name+" | "+tf.Path+" console -var mail_from="+mailFrom+" -var mail_identity="+mailID)))
		require.NoError(t, err)
		require.JSONEq(t, filter, text)
	}

	require.Contains(t, run("apply", "-input=false", "-no-color", "default"), "Apply complete!")
	d := newDeployment(e, dist, strings.TrimPrefix(run("output", "-raw", "api_url"), "http://"))
	d.set = []string{"queue.message-size"}
	d.leftOut = d.set
	return d
}

// planned is what terraform shows of a plan.
type planned struct {
	Values struct {
		Module struct {
			Resources []struct {
				Address string
				Values  map[string]any
			}
		} `json:"root_module"`
	} `json:"planned_values"`
}

func (p planned) addresses() (all []string) {
	for _, r := range p.Values.Module.Resources {
		all = append(all, r.Address)
	}
	return all
}

// check looks at what MiniStack keeps nothing of.
func (p planned) check(t *testing.T) {
	t.Helper()
	of := func(address string) map[string]any {
		i := slices.Index(p.addresses(), address)
		require.GreaterOrEqual(t, i, 0, address)
		return p.Values.Module.Resources[i].Values
	}
	require.Equal(t, []any{map[string]any{"metrics": []any{"EventCount"}}}, of("aws_lambda_event_source_mapping.relay")["metrics_config"])
	stalled := of("aws_cloudwatch_metric_alarm.relay_stalled")
	var got stalledMath
	for _, q := range stalled["metric_query"].([]any) {
		q := q.(map[string]any)
		if q["expression"] != nil && q["expression"] != "" {
			got.Expression = q["expression"].(string)
			continue
		}
		m := q["metric"].([]any)[0].(map[string]any)
		got.add(q["id"].(string), m["namespace"].(string), m["metric_name"].(string), m["stat"].(string), m["period"].(float64))
	}
	got.check(t)
	require.Equal(t, []any{alarmTopic}, stalled["alarm_actions"])
}
