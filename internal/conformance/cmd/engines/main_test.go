package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

func TestCheckIsLoudAboutWhatIsMissing(t *testing.T) {
	t.Setenv(engine.CacheEnv, t.TempDir())
	t.Setenv(engine.Dynoxide.Env(), "http://127.0.0.1:8001/")
	var out strings.Builder
	missing := len(engine.Names()) - 1
	require.ErrorContains(t, command(t.Context(), []string{"check"}, &out), fmt.Sprint(missing, " missing"))
	text := out.String()
	require.Equal(t, missing, strings.Count(text, "IS MISSING: its tests are skipped"), text)
	require.Equal(t, missing, strings.Count(text, engine.InstallCommand), text)
	require.NoError(t, command(t.Context(), []string{"check", "dynoxide"}, new(strings.Builder)))
	require.Contains(t, text, "dynoxide        used at http://127.0.0.1:8001 (OUTBOX_DYNOXIDE_URL)")
}

func TestInstallReportsEveryFailure(t *testing.T) {
	t.Setenv(engine.CacheEnv, t.TempDir())
	t.Setenv("PATH", t.TempDir()) // no npm, python3
	var out strings.Builder
	err := command(t.Context(), []string{"install"}, &out)
	for _, name := range engine.Names() {
		require.ErrorContains(t, err, "install "+string(name))
	}
	for _, tool := range []string{"npm", "python3"} {
		require.ErrorContains(t, err, tool+" is needed to install it and is not on PATH")
	}
	require.Equal(t, len(engine.Names()), strings.Count(out.String(), "FAILED"))
}

func TestRunStartsAndStops(t *testing.T) {
	t.Setenv(engine.CacheEnv, t.TempDir())
	t.Setenv(engine.Dynoxide.Env(), "")
	require.ErrorContains(t, command(t.Context(), []string{"run", "dynoxide"}, new(strings.Builder)), "dynoxide 1.2.1 is missing")
	// A program that is no server is passed over, and the end of ctx is no error.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, command(ctx, []string{"run", "lambda-rie"}, new(strings.Builder)))
}

func TestCommandRefuses(t *testing.T) {
	for _, args := range [][]string{nil, {"go"}, {"install", "localstack"}} {
		require.Error(t, command(t.Context(), args, new(strings.Builder)), "%v", args)
	}
}
