//go:build linux || darwin

package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fakeServer registers an engine that is a shell script; it "answers" as soon
// as it has written ready to its log.
func fakeServer(t *testing.T, script string) Name {
	t.Helper()
	name := fakeEngine(t, func(context.Context, string, Say) error { return nil })
	s := specs[name]
	s.command = func(string, int) []string { return []string{"/bin/sh", "-c", script} }
	s.answers = func(context.Context, string) error { return nil }
	specs[name] = s
	_, _, err := Install(t.Context(), name, quiet)
	require.NoError(t, err)
	return name
}

// alive reports whether a process of the group is left.
func alive(group int) bool { return !errors.Is(syscall.Kill(-group, 0), syscall.ESRCH) }

func waitGone(t *testing.T, group int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := poll(ctx, func(context.Context) error {
		if alive(group) {
			return errors.New("still there")
		}
		return nil
	}, nil)
	require.NoError(t, err, "process group %d", group)
}

func TestStopEndsTheWholeGroup(t *testing.T) {
	// A server with a child of its own, both deaf to a polite request.
	name := fakeServer(t, `trap '' TERM; (trap '' TERM; sleep 600) & while :; do wait; done`)
	e, err := Start(t.Context(), name)
	require.NoError(t, err)
	group := e.process.PID()
	require.True(t, alive(group))

	// The grace for the deaf one is not what is tested here.
	require.NoError(t, syscall.Kill(group, syscall.SIGKILL))
	e.Stop()
	e.Stop()
	waitGone(t, group)
}

func TestLaunchShowsWhyTheEngineEnded(t *testing.T) {
	name := fakeServer(t, `echo "cannot bind" >&2; exit 3`)
	s := specs[name]
	s.answers = func(context.Context, string) error { return errors.New("no answer") }
	specs[name] = s
	_, err := Start(t.Context(), name)
	require.ErrorContains(t, err, "ended by itself")
	require.ErrorContains(t, err, "cannot bind")
}

// TestEngineDiesWithItsStarter kills a process that had started an engine, as
// a timeout or the kernel kills a test binary, without a chance to clean up.
func TestEngineDiesWithItsStarter(t *testing.T) {
	if os.Getenv("OUTBOX_TEST_STARTER") == "1" {
		e, err := launch(t.Context(), fakeServer(t, `sleep 600`), "")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("group %d\n", e.process.PID())
		select {} // until killed
	}
	starter := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	starter.Env = append(os.Environ(), "OUTBOX_TEST_STARTER=1")
	out, err := starter.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, starter.Start())
	defer func() { _ = starter.Wait() }() // it was killed: the status is known
	lines := bufio.NewScanner(out)
	var group int
	for group == 0 && lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "group "); ok {
			_, err := fmt.Sscan(rest, &group)
			require.NoError(t, err)
		}
	}
	require.NotZero(t, group, "the starter did not start")
	require.True(t, alive(group))

	require.NoError(t, starter.Process.Kill())
	waitGone(t, group)
}

func TestFreePortsAreReserved(t *testing.T) {
	t.Setenv(CacheEnv, t.TempDir())
	seen := map[int]bool{}
	for range 50 {
		port, release, err := freePort()
		require.NoError(t, err)
		defer release()
		require.False(t, seen[port%portLocks], "port %d was given twice", port)
		seen[port%portLocks] = true
	}
}
