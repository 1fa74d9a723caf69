package terraform

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func provider(t *testing.T, root, below string) string {
	t.Helper()
	dir := filepath.Join(root, below)
	require.NoError(t, os.MkdirAll(filepath.Join(dir, registryFolder, providerFolder, "5.100.0"), 0o755))
	return dir
}

func TestFindPlugins(t *testing.T) {
	empty, shallow, deep, tooDeep := t.TempDir(), t.TempDir(), t.TempDir(), t.TempDir()
	want := provider(t, shallow, ".")
	wantDeep := provider(t, deep, "a/b/c")
	provider(t, tooDeep, "a/b/c/d/e/f/g")
	other := t.TempDir() // a registry that has no AWS provider
	require.NoError(t, os.MkdirAll(filepath.Join(other, registryFolder, "hashicorp/google"), 0o755))

	for _, tt := range []struct {
		name, given string
		roots       []string
		want        string
	}{
		{"at a root", "", []string{"", empty, shallow}, want},
		{"below a root", "", []string{deep}, wantDeep},
		{"first root wins", "", []string{deep, shallow}, wantDeep},
		{"given", wantDeep, []string{shallow}, wantDeep},
		{"a root that is not there", "", []string{filepath.Join(empty, "none"), shallow}, want},
		{"too deep", "", []string{tooDeep}, ""},
		{"another provider", "", []string{other}, ""},
		{"given without the provider", other, []string{shallow}, ""},
		{"nowhere", "", []string{empty}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := findPlugins(tt.given, tt.roots)
			if tt.want == "" {
				missing := new(MissingError)
				require.ErrorAs(t, err, &missing)
				require.ErrorContains(t, err, PluginsEnv)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestMissingTerraform(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv(ProgramEnv, "")
	_, err := Find()
	missing := new(MissingError)
	require.ErrorAs(t, err, &missing)
	require.ErrorContains(t, err, "no package registry")
}
