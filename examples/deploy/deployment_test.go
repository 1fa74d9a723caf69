package deploy

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/template"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// samFile and terraformDir are the templates.
const (
	samFile      = "sam/template.yaml"
	terraformDir = "terraform"
)

// both loads both templates, by name.
func both(t *testing.T) map[string]*template.Template {
	t.Helper()
	return withValues(t, template.ExampleValues())
}

// withValues loads both templates with these values.
func withValues(t *testing.T, values template.Values) map[string]*template.Template {
	t.Helper()
	sam, err := template.LoadSAM(samFile, values)
	require.NoError(t, err)
	terraform, err := template.LoadTerraform(terraformDir, values)
	require.NoError(t, err)
	return map[string]*template.Template{"sam": sam, "terraform": terraform}
}

// each runs a test over the deployment of each template.
func each(t *testing.T, test func(t *testing.T, d *template.Deployment)) {
	for name, tpl := range both(t) {
		t.Run(name, func(t *testing.T) { test(t, model(t, tpl)) })
	}
}

func model(t *testing.T, tpl *template.Template) *template.Deployment {
	t.Helper()
	d, err := tpl.Deployment()
	require.NoError(t, err)
	return d
}

// TestBothTemplatesAreTheSame compares all that the model knows: every table,
// queue, rule, mapping, function, permission, alarm and dashboard.
func TestBothTemplatesAreTheSame(t *testing.T) {
	all := both(t)
	sam, terraform := lines(t, model(t, all["sam"])), lines(t, model(t, all["terraform"]))
	if len(sam) < 500 {
		t.Fatalf("the model has %d lines: the templates were not read", len(sam))
	}
	for i := range min(len(sam), len(terraform)) {
		if sam[i] != terraform[i] {
			from := max(0, i-12)
			t.Fatalf("the templates differ.\nSAM:\n%s\n\nTerraform:\n%s",
				strings.Join(sam[from:min(len(sam), i+4)], "\n"), strings.Join(terraform[from:min(len(terraform), i+4)], "\n"))
		}
	}
	require.Equal(t, len(sam), len(terraform), "one template has more than the other")
	require.Equal(t, normal(t, all["sam"].Filters), normal(t, all["terraform"].Filters))
}

func lines(t *testing.T, d *template.Deployment) []string {
	t.Helper()
	text, err := json.MarshalIndent(d, "", " ")
	require.NoError(t, err)
	return strings.Split(string(text), "\n")
}

// normal writes patterns with sorted names.
func normal(t *testing.T, patterns map[string]string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, pattern := range patterns {
		var v any
		require.NoError(t, json.Unmarshal([]byte(pattern), &v))
		text, err := json.Marshal(v)
		require.NoError(t, err)
		out[name] = string(text)
	}
	return out
}
