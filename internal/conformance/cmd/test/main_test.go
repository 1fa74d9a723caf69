package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// repositoryOf writes files into a folder of their own.
func repositoryOf(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return root
}

const goMod = "module example.com/m\n\ngo 1.25\n"

// TestGoesOnAfterAFailure has a module that fails, one that does not compile,
// and one that passes behind them.
func TestGoesOnAfterAFailure(t *testing.T) {
	root := repositoryOf(t, map[string]string{
		"go.mod":           goMod,
		"root_test.go":     "package m\n\nimport \"testing\"\n\nfunc TestBad(t *testing.T) { t.Log(\"the bad one\"); t.Fail() }\n\nfunc TestGood(t *testing.T) { t.Log(\"the good one\") }\n",
		"broken/go.mod":    goMod,
		"broken/b_test.go": "package m\n\nvar _ = missing\n",
		"good/go.mod":      goMod,
		"good/g_test.go": "package m\n\nimport \"testing\"\n\n" +
			"func TestOne(t *testing.T) {}\n\nfunc TestTwo(t *testing.T) { t.Skip(\"an engine is missing\") }\n\nfunc TestThree(t *testing.T) { t.Skip(\"an engine is missing\") }\n",
		"testdata/go.mod": "not one of ours",
		".hidden/go.mod":  "not one of ours",
	})
	var out strings.Builder
	err := testAll(t.Context(), root, append(os.Environ(), "GOFLAGS=", "GOWORK=off"), []string{"-count=1"}, &out)
	require.ErrorContains(t, err, "the tests of 2 modules failed")
	text := out.String()
	require.Contains(t, text, "the bad one")
	require.NotContains(t, text, "the good one")
	require.Contains(t, text, "undefined: missing")
	require.Contains(t, text, "2 tests passed, 1 failed, 2 were skipped\n")
	require.Contains(t, text, "failed: example.com/m TestBad\n")
	require.Contains(t, text, "skipped, 2: an engine is missing\n")
	order := []int{strings.Index(text, "== module in .\n"), strings.Index(text, "== module in broken\n"), strings.Index(text, "== module in good\n")}
	require.IsIncreasing(t, append([]int{-1}, order...), text)

	require.NoError(t, os.RemoveAll(filepath.Join(root, "broken")))
	require.NoError(t, os.WriteFile(filepath.Join(root, "root_test.go"), []byte("package m\n"), 0o600))
	require.NoError(t, testAll(t.Context(), root, append(os.Environ(), "GOFLAGS=", "GOWORK=off"), nil, new(strings.Builder)))
}

// TestADeadTestBinaryIsAFailure: what ends without a word of its own is shown.
func TestADeadTestBinaryIsAFailure(t *testing.T) {
	root := repositoryOf(t, map[string]string{
		"go.mod":    goMod,
		"m_test.go": "package m\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestMain(*testing.M) { os.Exit(3) }\n\nfunc TestOne(t *testing.T) {}\n",
	})
	var out strings.Builder
	err := testAll(t.Context(), root, append(os.Environ(), "GOFLAGS=", "GOWORK=off"), nil, &out)
	require.ErrorContains(t, err, "the tests of 1 modules failed")
	require.Contains(t, out.String(), "exit status 3")
}

func TestAheadWantsDays(t *testing.T) {
	for _, args := range [][]string{{"-ahead"}, {"-ahead", "soon"}, {"-ahead", "-3"}} {
		require.ErrorContains(t, command(t.Context(), args, new(strings.Builder)), "days", "%v", args)
	}
}
