package rie_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/rie"
)

type answer struct {
	PID        int
	Left       time.Duration
	Said, Home string
}

func TestFunction(t *testing.T) {
	enginetest.LambdaRIE(t)
	binary, err := rie.Build(t.Context(), "", "./testdata/probe", t.TempDir())
	require.NoError(t, err)
	out := &enginetest.Buffer{}
	f, err := rie.Start(t.Context(), binary, func(o *rie.Options) {
		o.Timeout, o.Log, o.Env = 2*time.Second, out, []string{"SAY=hello"}
	})
	require.NoError(t, err)
	t.Cleanup(f.Stop)
	ok := func() answer {
		t.Helper()
		raw, err := f.Invoke(t.Context(), []byte(`"ok"`))
		require.NoError(t, err)
		var a answer
		require.NoError(t, json.Unmarshal(raw, &a), string(raw))
		return a
	}
	fails := func(do, errType string) *rie.Error {
		t.Helper()
		_, err := f.Invoke(t.Context(), []byte(`"`+do+`"`))
		var failed *rie.Error
		require.ErrorAs(t, err, &failed)
		require.Equal(t, errType, failed.Type)
		return failed
	}

	require.False(t, f.Crash(), "nothing runs before the first invocation")
	first := ok()
	require.Positive(t, first.Left)
	require.LessOrEqual(t, first.Left, 2*time.Second)
	require.Equal(t, "hello", first.Said)
	require.Empty(t, first.Home, "nothing of our environment")

	require.Equal(t, "asked to fail", fails("fail", "errorString").Message)
	require.Equal(t, first.PID, ok().PID, "an error is no crash")
	fails("exit", "Runtime.ExitError")
	second := ok()
	require.NotEqual(t, first.PID, second.PID)

	// A crash in mid-invocation, and invocations that wait for their turn.
	hanging := make(chan error, 1)
	go func() {
		_, err := f.Invoke(t.Context(), []byte(`"hang"`))
		hanging <- err
	}()
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "hanging") }, time.Minute, 5*time.Millisecond)
	require.True(t, f.Crash())
	require.ErrorContains(t, <-hanging, "signal: killed")
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() { _, err := f.Invoke(t.Context(), []byte(`"ok"`)); require.NoError(t, err) })
	}
	all.Wait()

	// A caller that does not wait, and the timeout.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	_, err = f.Invoke(ctx, []byte(`"hang"`))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	last := ok()
	fails("hang", "Sandbox.Timedout")
	require.NotEqual(t, last.PID, ok().PID)

	pid := ok().PID
	before := strings.Count(out.String(), "SIGTERM\n")
	f.Stop()
	require.Greater(t, strings.Count(out.String(), "SIGTERM\n"), before, "a chance to say goodbye")
	require.ErrorIs(t, syscall.Kill(pid, 0), syscall.ESRCH, "the process is gone")
	_, err = f.Invoke(t.Context(), []byte(`"ok"`))
	require.Error(t, err)
}

func TestStartFails(t *testing.T) {
	enginetest.LambdaRIE(t)
	_, err := rie.Start(t.Context(), "/no/such/bootstrap")
	require.ErrorContains(t, err, "no such file")
	_, err = rie.Start(t.Context(), "/bin/true", func(o *rie.Options) { o.Timeout = 1500 * time.Millisecond })
	require.ErrorContains(t, err, "whole seconds")
	_, err = rie.Build(t.Context(), "", "./no/such/package", t.TempDir())
	require.ErrorContains(t, err, "no/such/package")
}
