package main

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"
)

// outbox runs the command against an AWS.
func outbox(t *testing.T, cfg aws.Config, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	return outboxWith(t, func(context.Context, string) (aws.Config, error) { return cfg, nil }, args...)
}

func outboxWith(t *testing.T, load func(context.Context, string) (aws.Config, error), args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errOut strings.Builder
	code = run(t.Context(), args, environment{
		stdin: strings.NewReader(""), stdout: &out, stderr: &errOut, signals: make(chan os.Signal), load: load,
	})
	return code, out.String(), errOut.String()
}

func TestUsage(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		load func(context.Context, string) (aws.Config, error)
		says string
	}{
		{"no verb", nil, nil, "expected"},
		{"unknown verb", []string{"republish"}, nil, "republish"},
		{"unknown flag", []string{"doctor", "--x"}, nil, "unknown flag --x"},
		{"argument", []string{"doctor", "outbox"}, nil, "unexpected argument outbox"},
		{"no region", []string{"doctor"}, func(context.Context, string) (aws.Config, error) { return aws.Config{}, nil }, "AWS_REGION"},
		{"no configuration", []string{"doctor"}, func(context.Context, string) (aws.Config, error) { return aws.Config{}, errors.New("bad profile") }, "bad profile"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errOut := outboxWith(t, tt.load, tt.args...)
			require.Equal(t, exitUsage, code)
			require.Contains(t, errOut, tt.says)
			require.Empty(t, out)
		})
	}
}

func TestVersion(t *testing.T) {
	code, out, errOut := outbox(t, aws.Config{}, "--version")
	require.Equal(t, exitDone, code, errOut)
	require.Regexp(t, `^outbox \S+\n$`, out)
}

// file makes a file of that name in an empty folder, which is the working folder
// for the rest of the test.
func file(t *testing.T, name, text string) {
	t.Helper()
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
}

func TestConfigurationFile(t *testing.T) {
	const names = "# our names\nname: shop\nevent-store: orders\nttl: expires\n"
	t.Run("the default one", func(t *testing.T) {
		file(t, "outbox.yaml", names)
		code, out, errOut := outbox(t, aws.Config{}, "doctor", "--policy")
		require.Equal(t, exitDone, code, errOut)
		require.Contains(t, out, "table/orders")
		require.Contains(t, out, "function:shop-relay")
	})
	t.Run("a flag comes first", func(t *testing.T) {
		file(t, "other.yaml", names)
		code, out, errOut := outbox(t, aws.Config{}, "--config", "other.yaml", "doctor", "--policy", "--event-store", "payments")
		require.Equal(t, exitDone, code, errOut)
		require.Contains(t, out, "table/payments")
		require.NotContains(t, out, "table/orders")
		require.Contains(t, out, "function:shop-relay")
	})
	t.Run("region", func(t *testing.T) {
		file(t, "outbox.yaml", "region: eu-north-1")
		asked := ""
		_, _, _ = outboxWith(t, func(_ context.Context, region string) (aws.Config, error) {
			asked = region
			return aws.Config{}, nil
		}, "doctor")
		require.Equal(t, "eu-north-1", asked)
	})
	for name, tt := range map[string]struct{ text, says string }{
		"unknown key":              {"event-table: orders", `there is no key "event-table"; the keys are`},
		"what is never in a file":  {"execute: true", `there is no key "execute"`},
		"a list":                   {"- orders", "it must be lines of the form key: value"},
		"a value that is a list":   {"bus: [a, b]", "it must be lines of the form key: value"},
		"twice":                    {"bus: a\nbus: b", "already defined"},
		"not there, but asked for": {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"doctor", "--policy"}
			if tt.text == "" {
				t.Chdir(t.TempDir())
				args, tt.says = append(args, "--config", "none.yaml"), "none.yaml"
			} else {
				file(t, "outbox.yaml", tt.text)
				tt.says = "outbox.yaml: " + tt.says
			}
			code, out, errOut := outbox(t, aws.Config{}, args...)
			require.Equal(t, exitUsage, code, errOut)
			require.Contains(t, strings.ReplaceAll(errOut, "yaml: unmarshal errors:\n  line 1: ", ""), strings.TrimPrefix(tt.says, "outbox.yaml: "))
			require.Empty(t, out)
		})
	}
}

// TestReadmeConfiguration: the file of the README is one.
func TestReadmeConfiguration(t *testing.T) {
	text, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, yaml, found := strings.Cut(string(text), "```yaml\n")
	require.True(t, found)
	yaml, _, _ = strings.Cut(yaml, "```")
	file(t, "outbox.yaml", yaml)
	for _, args := range [][]string{{"audit", "--from", "36h"}, {"replay", "--from", "36h", "--missing", "--to-same-bus"}, {"redrive", "list"}, {"inspect", "x"}, {"tail"}, {"doctor"}} {
		region := ""
		code, _, errOut := outboxWith(t, func(_ context.Context, r string) (aws.Config, error) {
			region = r
			return aws.Config{}, errors.New("no credentials today")
		}, args...)
		require.Equal(t, exitUsage, code)
		require.Contains(t, errOut, "no credentials today", "it has come to the credentials")
		require.Equal(t, "eu-west-1", region)
	}
}

// TestTimes: what --from takes.
func TestTimes(t *testing.T) {
	now := time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"36h": "2026-11-24T20:00:00.000Z", "90m": "2026-11-26T06:30:00.000Z", "2026-11-25T08:00:00+01:00": "2026-11-25T07:00:00.000Z",
		"2026-11-25T08:00Z": "2026-11-25T08:00:00.000Z", "2026-11-25": "2026-11-25T00:00:00.000Z",
	} {
		var w when
		require.NoError(t, w.UnmarshalText([]byte(text)))
		require.Equal(t, want, stamp(w.at(now)))
	}
	for _, text := range []string{"", "yesterday", "-1h", "2026-11-25T08:00:00", "26.11.2026"} {
		require.Error(t, new(when).UnmarshalText([]byte(text)), text)
	}
}
