package engine

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeEngine registers an engine that is installed by install, in a cache of
// the test's own.
func fakeEngine(t *testing.T, install func(ctx context.Context, dir string, say Say) error) Name {
	t.Helper()
	t.Setenv(CacheEnv, t.TempDir())
	name := Name("fake")
	specs[name] = spec{version: "1", folder: func() string { return "fake-1" }, install: install}
	t.Cleanup(func() { delete(specs, name) })
	return name
}

func quiet(string, ...any) {}

func TestInstallOnceForMany(t *testing.T) {
	var installs atomic.Int32
	name := fakeEngine(t, func(_ context.Context, dir string, _ Say) error {
		installs.Add(1)
		return os.WriteFile(filepath.Join(dir, "program"), []byte("x"), 0o755)
	})

	var wg sync.WaitGroup
	var fresh atomic.Int32
	for range 8 {
		wg.Go(func() {
			dir, installed, err := Install(t.Context(), name, quiet)
			if err != nil {
				t.Error(err)
				return
			}
			if installed {
				fresh.Add(1)
			}
			if _, err := os.Stat(filepath.Join(dir, "program")); err != nil {
				t.Errorf("returned before the installation was complete: %v", err)
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 1, installs.Load(), "installations done")
	require.EqualValues(t, 1, fresh.Load(), "callers told that they installed it")
}

func TestInstallFailureLeavesNothing(t *testing.T) {
	name := fakeEngine(t, func(_ context.Context, dir string, _ Say) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "half"), nil, 0o644), errors.New("registry is away"))
	})

	_, installed, err := Install(t.Context(), name, quiet)
	require.ErrorContains(t, err, "registry is away")
	require.False(t, installed)

	missing := new(MissingError)
	_, err = Installed(name)
	require.ErrorAs(t, err, &missing)
	cache, err := Cache()
	require.NoError(t, err)
	left, err := filepath.Glob(filepath.Join(cache, "fake-1*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(cache, "fake-1.lock")}, left)
}

func TestStartOfAnExternalEngineThatIsAway(t *testing.T) {
	t.Setenv(Dynoxide.Env(), "http://127.0.0.1:1/")
	ctx, cancel := context.WithTimeout(t.Context(), 5*pollEvery)
	defer cancel()
	_, err := Start(ctx, Dynoxide)
	require.ErrorContains(t, err, "OUTBOX_DYNOXIDE_URL=http://127.0.0.1:1 does not answer")
}

// TestDynamoDBLocalIsNeverInstalled: it is used where its variable points at one,
// and nothing else asks for it.
func TestDynamoDBLocalIsNeverInstalled(t *testing.T) {
	t.Setenv(CacheEnv, t.TempDir())
	t.Setenv(DynamoDBLocal.Env(), "")
	require.NotContains(t, Names(), DynamoDBLocal)
	require.NotContains(t, DynamoDBNames(), DynamoDBLocal)
	_, _, err := Install(t.Context(), DynamoDBLocal, quiet)
	require.EqualError(t, err, "engine: dynamodb-local is missing (it is used, but never installed); point OUTBOX_DYNAMODB_LOCAL_URL at a running one")
	_, err = Start(t.Context(), DynamoDBLocal)
	require.ErrorAs(t, err, new(*MissingError))

	t.Setenv(DynamoDBLocal.Env(), "http://127.0.0.1:8000")
	require.Contains(t, DynamoDBNames(), DynamoDBLocal)
}
