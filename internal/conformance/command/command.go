// Package command runs the operator's command, cmd/outbox, as it is: built once
// for each test binary, and a process of its own for each run. The cache of go test
// does not see that the command has changed: use -count=1.
package command

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
)

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "outbox-command-")
	if err != nil {
		return "", err
	}
	_, here, _, _ := runtime.Caller(0)
	path := filepath.Join(dir, "outbox")
	cmd := exec.Command("go", "build", "-o", path, ".")
	cmd.Dir = filepath.Join(filepath.Dir(here), "..", "..", "..", "cmd", "outbox")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New("go build in cmd/outbox: " + string(out))
	}
	return path, nil
})

// Path returns the path of the command.
func Path(t testing.TB) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Environment is what a run on engines has in its environment: every service is at
// the first engine, but those that are named are at theirs.
func Environment(all *engine.Engine, others map[string]*engine.Engine) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir(),
		"AWS_ENDPOINT_URL=" + all.URL, "AWS_REGION=" + engine.Region, "AWS_ACCESS_KEY_ID=" + engine.AccessKey, "AWS_SECRET_ACCESS_KEY=" + engine.SecretKey,
		"AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=" + os.DevNull, "AWS_SHARED_CREDENTIALS_FILE=" + os.DevNull,
	}
	for service, e := range others {
		env = append(env, "AWS_ENDPOINT_URL_"+strings.ToUpper(service)+"="+e.URL)
	}
	return env
}

// Result is what a run has left.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Run runs the command in an empty folder and waits for its end.
func Run(t testing.TB, env []string, args ...string) Result {
	t.Helper()
	return RunIn(t, t.TempDir(), env, args...)
}

// RunIn runs it in that folder.
func RunIn(t testing.TB, dir string, env []string, args ...string) Result {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(t.Context(), Path(t), args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, env, &out, &errOut
	err := cmd.Run()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return Result{Code: cmd.ProcessState.ExitCode(), Stdout: out.String(), Stderr: errOut.String()}
}
