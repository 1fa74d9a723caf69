package readme

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	library  = "github.com/dynamodb-outbox/dynamodb-outbox"
	examples = library + "/examples"
	copied   = "example.com/copied"
)

// TestServicesCompileWhenCopied copies the folder of each service, alone, into a
// new module that requires the library, as its README tells people to do. What
// does not come along is the tests that need the engines of this repository.
func TestServicesCompileWhenCopied(t *testing.T) {
	checkout, err := filepath.Abs(root)
	require.NoError(t, err)
	for _, service := range []string{"userservice", "messaging", "relay", "sqsdeadletters", "transactions"} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			module := t.TempDir()
			copyFolder(t, filepath.Join(root, "examples", service), filepath.Join(module, service))
			for _, file := range []string{"go.mod", "go.sum"} {
				text, err := os.ReadFile(filepath.Join(root, "examples", file))
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(filepath.Join(module, file), text, 0o600))
			}
			for _, args := range [][]string{
				{"mod", "edit", "-module", copied, "-replace", library + "=" + checkout,
					"-droprequire", library + "/internal/conformance", "-dropreplace", library + "/internal/conformance"},
				{"build", "./..."},
				{"vet", "./..."}, // compiles the tests, too
			} {
				cmd := exec.CommandContext(t.Context(), "go", args...)
				cmd.Dir = module
				cmd.Env = append(os.Environ(), "GOPROXY=off", "GOWORK=off", "GOFLAGS=-mod=readonly")
				out, err := cmd.CombinedOutput()
				require.NoError(t, err, "go %s\n%s", strings.Join(args, " "), out)
			}
		})
	}
}

// copyFolder copies the Go files of a folder, but for the tests that import the
// engines, and gives the imports of the folder its new path.
func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	files := 0
	require.NoError(t, filepath.WalkDir(from, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil || strings.HasSuffix(path, "_test.go") && bytes.Contains(text, []byte(library+"/internal/conformance")) {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			return err
		}
		files++
		return os.WriteFile(target, bytes.ReplaceAll(text, []byte(`"`+examples+`/`), []byte(`"`+copied+`/`)), 0o600)
	}))
	require.NotZero(t, files)
}
