package terraform

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFindPlugins(t *testing.T) {
	empty, deep, other := t.TempDir(), t.TempDir(), t.TempDir()
	want := filepath.Join(deep, "a/b/c")
	require.NoError(t, os.MkdirAll(filepath.Join(want, provider, "5.100.0"), 0o755))
	require.NoError(t, os.MkdirAll(filepath.Join(other, "registry.terraform.io/hashicorp/google"), 0o755))
	for _, tt := range []struct {
		name, given string
		roots       []string
		want        string
	}{
		{"below a root", "", []string{filepath.Join(empty, "none"), empty, other, deep}, want},
		{"given", want, nil, want},
		{"given without the provider", other, []string{deep}, ""},
		{"nowhere", "", []string{empty, other}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := findPlugins(tt.given, tt.roots)
			require.Equal(t, tt.want, got)
			if tt.want == "" {
				require.ErrorAs(t, err, new(*MissingError))
				require.ErrorContains(t, err, PluginsEnv)
			}
		})
	}
}

func TestMissingTerraform(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv(ProgramEnv, "")
	_, err := Find()
	require.ErrorAs(t, err, new(*MissingError))
	require.ErrorContains(t, err, "no package registry")
}
