package deployed

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/command"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

// description is what testdata/describe.py reads of a deployment with AWS's own
// client. It has all that a template can set and MiniStack keeps. What is generated
// has a fixed name in it.
type description struct {
	text string // the whole, as JSON

	Functions map[string]struct {
		MemorySize  float64
		Timeout     float64
		Environment map[string]string
		Mappings    []struct {
			UUID                                      string
			BatchSize, MaximumBatchingWindowInSeconds float64
		}
		Permissions []statement
		AssumeRole  struct{ Statement []statement }
	}
	Buses      map[string]map[string]any // rules by bus
	Queues     map[string]struct{ SqsManagedSseEnabled string }
	Tables     map[string]struct{ DeletionProtectionEnabled bool }
	Logs       map[string]*float64 // days by log group
	Alarms     map[string]alarm
	Dashboards map[string]struct {
		Widgets []struct{ Properties struct{ Metrics [][]any } }
	}
}

// statement is one of a policy.
type statement struct {
	Sid, Effect      string
	Action, Resource words
	Principal        any
	Condition        any
}

// words is a text or a list of them.
type words []string

func (w *words) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*w = words{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(w))
}

// alarm is one on a single metric.
type alarm struct {
	AlarmDescription, Namespace, MetricName, Statistic, ComparisonOperator, TreatMissingData string
	Dimensions                                                                               []struct{ Name, Value string }
	Period, EvaluationPeriods, DatapointsToAlarm, Threshold                                  float64
	AlarmActions, OKActions                                                                  []string
}

// describe reads what is deployed.
func describe(t *testing.T, e *engine.Engine) description {
	t.Helper()
	env := append(command.Environment(e, nil), "AWS_DEFAULT_REGION="+engine.Region)
	d := description{text: must(t, ".", env, enginetest.Python(t, engine.Botocore, "testdata/describe.py", stack)...)}
	require.NoError(t, json.Unmarshal([]byte(d.text), &d))
	return d
}

// difference is one that the templates do not have.
type difference struct{ path, terraform, sam, why string }

// differences are those of MiniStack; a star stands for any name or value.
var differences = []difference{
	{"queues/*/MaximumMessageSize", `"262144"`, `"1048576"`, "the test sets it for an older provider"},
	{"alarms/outbox-relay-stalled/*", "*", "", "its CloudFormation takes no metric math"},
	{"tables/*/TTL", `"ttl"`, "null", "its CloudFormation leaves it out"},
	{"tables/*/PointInTimeRecovery", `"ENABLED"`, `"DISABLED"`, "its CloudFormation leaves it out"},
	{"tables/*/Encryption", `"ENABLED"`, "null", "its CloudFormation leaves it out"},
	{"apis/*/Stages/0/Throttling/*", "*", "null", "its CloudFormation leaves it out"},
	{"functions/*/LoggingConfig/LogFormat", `"Text"`, "", "it fills in no default"},
	{"functions/outbox-messaging/Mappings/0/StartingPosition", "", `"LATEST"`, "its CloudFormation gives one to the mapping of a queue"},
}

// compare says where two descriptions differ and no difference of the list covers
// it, and which of the list are gone.
func compare(t *testing.T, terraform, sam string, known []difference) (wrong []string) {
	t.Helper()
	a, b := leaves(t, terraform), leaves(t, sam)
	seen := make([]bool, len(known))
	all := maps.Clone(a)
	maps.Copy(all, b)
	for _, at := range slices.Sorted(maps.Keys(all)) {
		if a[at] == b[at] {
			continue
		}
		i := slices.IndexFunc(known, func(d difference) bool {
			return matches(t, d.path, at) && (d.terraform == a[at] || d.terraform == "*") && (d.sam == b[at] || d.sam == "*")
		})
		if i < 0 {
			wrong = append(wrong, fmt.Sprintf("%s: Terraform deploys %q, SAM deploys %q", at, a[at], b[at]))
			continue
		}
		seen[i] = true
	}
	for i, d := range known {
		if !seen[i] {
			wrong = append(wrong, fmt.Sprintf("the list of differences has one that is gone: %s (%s)", d.path, d.why))
		}
	}
	return wrong
}

// matches reports whether a path has the form of a pattern, in which a star stands for
// one name, at its end for the rest.
func matches(t *testing.T, pattern, at string) bool {
	t.Helper()
	steps := strings.Count(pattern, "/") + 1
	head := strings.Join(strings.SplitN(at, "/", steps+1)[:min(steps, strings.Count(at, "/")+1)], "/")
	ok, err := path.Match(pattern, head)
	require.NoError(t, err)
	return ok && (head == at || strings.HasSuffix(pattern, "*"))
}

// leaves are the values of a JSON document, as JSON, by their paths.
func leaves(t *testing.T, text string) map[string]string {
	t.Helper()
	var document any
	require.NoError(t, json.Unmarshal([]byte(text), &document))
	out := map[string]string{}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, v := range v {
				// A log group and a namespace have slashes in their names.
				walk(at+"/"+strings.ReplaceAll(k, "/", ":"), v)
			}
			if len(v) > 0 {
				return
			}
		case []any:
			for i, v := range v {
				walk(fmt.Sprint(at, "/", i), v)
			}
			if len(v) > 0 {
				return
			}
		}
		leaf, err := json.Marshal(v)
		require.NoError(t, err)
		out[strings.TrimPrefix(at, "/")] = string(leaf)
	}
	walk("", document)
	return out
}
