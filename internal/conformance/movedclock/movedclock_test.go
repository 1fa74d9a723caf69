package movedclock_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/movedclock"
)

// fixedDate is the kind of test that is to be found: it passes on the day on
// which it is written. The tests beside it must pass on every day.
const fixedDate = `package fixed

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestFixedDate(t *testing.T) {
	record := time.UnixMilli(%d)
	if age := time.Since(record); age > 20*time.Hour {
		t.Fatalf("the record is %%v old", age)
	}
}

func TestTimers(t *testing.T) {
	begin := time.Now()
	ctx, cancel := context.WithDeadline(t.Context(), begin.Add(time.Millisecond))
	defer cancel()
	<-ctx.Done()
	if d := time.Since(begin); d < time.Millisecond || d > time.Hour {
		t.Fatalf("a millisecond took %%v", d)
	}
}

func TestBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		if begin.Year() != 2000 {
			t.Fatalf("the year is %%d", begin.Year())
		}
		<-time.After(time.Hour)
		if d := time.Since(begin); d != time.Hour {
			t.Fatalf("an hour took %%v", d)
		}
	})
}
`

// TestFindsAFixedDate runs the same tests today and 400 days later.
func TestFindsAFixedDate(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module fixed\n\ngo 1.25\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "fixed_test.go"), fmt.Appendf(nil, fixedDate, trueTime(t).UnixMilli()), 0o600))
	run := func(env ...string) (passed, failed []string) {
		cmd := exec.Command("go", "test", "-vet=off", "-count=1", "-v", ".")
		cmd.Dir, cmd.Env = dir, append(append(os.Environ(), "GOFLAGS=", "GOWORK=off"), env...)
		out, err := cmd.CombinedOutput()
		for line := range strings.Lines(string(out)) {
			if rest, ok := strings.CutPrefix(line, "--- PASS: "); ok {
				passed = append(passed, strings.Fields(rest)[0])
			}
			if rest, ok := strings.CutPrefix(line, "--- FAIL: "); ok {
				failed = append(failed, strings.Fields(rest)[0])
			}
		}
		require.Equal(t, err != nil, len(failed) > 0, "%v\n%s", err, out)
		return passed, failed
	}
	passed, failed := run()
	require.Equal(t, []string{"TestFixedDate", "TestTimers", "TestBubble"}, passed)
	require.Empty(t, failed)

	overlay, err := movedclock.Overlay(goroot(t), t.TempDir())
	require.NoError(t, err)
	passed, failed = run(movedclock.Environment(overlay, 400*24*time.Hour)...)
	require.Equal(t, []string{"TestTimers", "TestBubble"}, passed)
	require.Equal(t, []string{"TestFixedDate"}, failed)
}

func goroot(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// trueTime is the kernel's, also where this test itself runs ahead of it.
func trueTime(t *testing.T) time.Time {
	t.Helper()
	path := filepath.Join(t.TempDir(), "now")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.ModTime()
}

// TestAnotherGo fails where a later Go reads the clock in another way.
func TestAnotherGo(t *testing.T) {
	source, err := os.ReadFile(filepath.Join(goroot(t), "src", "time", "time.go"))
	require.NoError(t, err)
	for name, change := range map[string]func([]byte) []byte{
		"Now reads another clock": func(s []byte) []byte {
			return bytes.Replace(s, []byte("mono := runtimeNow()"), []byte("mono := vdsoNow()"), 1)
		},
		"Now begins with something else": func(s []byte) []byte {
			return bytes.Replace(s, []byte("func Now() Time {\n"), []byte("func Now() Time {\n\tprepare()\n"), 1)
		},
		"something else reads the clock": func(s []byte) []byte {
			return append(bytes.Clone(s), "\nfunc Today() int64 {\n\tsec, _, _ := runtimeNow()\n\treturn sec\n}\n"...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			another := t.TempDir()
			require.NoError(t, os.MkdirAll(filepath.Join(another, "src", "time"), 0o700))
			changed := change(source)
			require.NotEqual(t, source, changed)
			require.NoError(t, os.WriteFile(filepath.Join(another, "src", "time", "time.go"), changed, 0o600))
			_, err := movedclock.Overlay(another, t.TempDir())
			require.ErrorContains(t, err, "time.go: the clock is not read as in Go 1.26")
		})
	}
}
