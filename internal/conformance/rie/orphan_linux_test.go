package rie_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/rie"
)

// starterEnv makes this test binary a program that starts a function and waits.
const starterEnv = "RIE_TEST_STARTER"

func TestMain(m *testing.M) {
	if binary := os.Getenv(starterEnv); binary != "" {
		starter(binary)
	}
	os.Exit(m.Run())
}

// starter invokes a function, prints its answer and waits to be killed.
func starter(binary string) {
	ctx := context.Background()
	f, err := rie.Start(ctx, binary)
	if err == nil {
		var answer []byte
		answer, err = f.Invoke(ctx, []byte(`"ok"`))
		fmt.Println(string(answer))
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	select {}
}

// TestFunctionEndsWithItsStarter: no emulator and no function is left behind by a
// test run that is killed.
func TestFunctionEndsWithItsStarter(t *testing.T) {
	enginetest.LambdaRIE(t)
	binary, err := rie.Build(t.Context(), "", "./testdata/probe", t.TempDir())
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), starterEnv+"="+binary)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	_, rest, _ := strings.Cut(line, `"pid":`)
	digits, _, _ := strings.Cut(rest, ",")
	pid, err := strconv.Atoi(digits)
	require.NoError(t, err, line)
	require.NoError(t, syscall.Kill(pid, 0))

	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait()
	require.Eventually(t, func() bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }, 5*time.Second, 10*time.Millisecond)
}
