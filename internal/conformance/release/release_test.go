package release_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/release"
)

const version = "v0.1.0"

// program is what somebody writes first.
const program = `package main
import "github.com/dynamodb-outbox/dynamodb-outbox/outbox"
func main() { w, err := outbox.NewWriter("event-store", func(o *outbox.Options) { o.Source = "userService" }); println(w != nil, err == nil) }
`

// TestRelease is the rehearsal of a release: from an empty folder, with Go alone
// and the modules as they would be published, the library can be got and the
// command can be run. Everything else comes from where this machine takes it.
func TestRelease(t *testing.T) {
	t.Parallel()
	proxy := t.TempDir()
	require.NoError(t, release.Proxy(t.Context(), "../../..", version, proxy))

	empty := t.TempDir()
	goroot := strings.TrimSpace(output(t, "", nil, "go", "env", "GOROOT"))
	own := strings.TrimSpace(output(t, "", nil, "go", "env", "GOPROXY"))
	env := []string{
		"PATH=" + filepath.Join(goroot, "bin"), "HOME=" + t.TempDir(), "GOTOOLCHAIN=local", "GOFLAGS=-mod=mod -modcacherw -trimpath",
		// A cache of its own for modules, so that nothing of the tree's is taken; that
		// of this machine is asked before its proxy. With -trimpath the folder is not in
		// what is built, so that the build cache helps.
		"GOMODCACHE=" + t.TempDir(), "GOCACHE=" + strings.TrimSpace(output(t, "", nil, "go", "env", "GOCACHE")),
		"GOPROXY=file://" + proxy + ",file://" + filepath.Join(strings.TrimSpace(output(t, "", nil, "go", "env", "GOMODCACHE")), "cache", "download") + "," + own,
		"GONOSUMDB=" + release.Root + "," + release.Command, "GOSUMDB=" + strings.TrimSpace(output(t, "", nil, "go", "env", "GOSUMDB")),
	}
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "GOINSECURE", "GOAUTH", "NETRC"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}

	output(t, empty, env, "go", "mod", "init", "example.com/hello")
	require.NoError(t, os.WriteFile(filepath.Join(empty, "main.go"), []byte(program), 0o644))
	output(t, empty, env, "go", "get", release.Root+"@"+version)
	require.Contains(t, output(t, empty, env, "go", "list", "-m", release.Root), version)
	require.Contains(t, output(t, empty, env, "go", "run", "."), "true true")

	nowhere := t.TempDir()
	help := output(t, nowhere, env, "go", "run", release.Command+"@"+version, "doctor", "-h")
	require.Contains(t, help, "Usage: outbox doctor")
	left, err := os.ReadDir(nowhere)
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestReplaceWouldFail shows that the rehearsal can: what is in the tree cannot
// be run by its version.
func TestReplaceWouldFail(t *testing.T) {
	mod, err := os.ReadFile("../../../cmd/outbox/go.mod")
	require.NoError(t, err)
	require.Contains(t, string(mod), "replace "+release.Root+" =>")

	proxy := t.TempDir()
	require.NoError(t, release.Proxy(t.Context(), "../../..", version, proxy))
	mod, err = os.ReadFile(filepath.Join(proxy, filepath.FromSlash(release.Command), "@v", version+".mod"))
	require.NoError(t, err)
	require.NotContains(t, string(mod), "replace ")
	require.Contains(t, string(mod), release.Root+" "+version)
}

// output runs a command and returns what it wrote to stdout and stderr.
func output(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s %s: %s", name, strings.Join(args, " "), out)
	return string(out)
}
