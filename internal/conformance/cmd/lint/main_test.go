package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lint"
)

func TestReport(t *testing.T) {
	missing, fault := &lint.MissingError{Tool: "terraform"}, errors.New("a fault")
	for _, tt := range []struct {
		name           string
		sam, terraform error
		code           int
		says           string
	}{
		{"all well", nil, nil, 0, "deploy/terraform: ok"},
		{"a tool missing", nil, missing, 2, "deploy/terraform: NOT CHECKED"},
		{"a template fails", fault, nil, 1, "deploy/sam: a fault"},
		{"a template fails and a tool is missing", missing, fault, 1, "deploy/sam: NOT CHECKED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			require.Equal(t, tt.code, report(&out, map[string]error{"deploy/sam": tt.sam, "deploy/terraform": tt.terraform}))
			require.Contains(t, out.String(), tt.says)
		})
	}
}

func TestMissingToolsAreLoud(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("OUTBOX_ENGINE_CACHE", t.TempDir())
	t.Setenv(lint.TerraformEnv, "")
	var out strings.Builder
	require.Equal(t, 2, run(t.Context(), nil, "../../../../examples", &out))
	require.Equal(t, 2, strings.Count(out.String(), "NOT CHECKED"), out.String())
	require.Equal(t, 3, run(t.Context(), []string{"x"}, "../../../../examples", &out))
}
