package engine

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
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

func TestInstallNamesTheMissingTool(t *testing.T) {
	name := fakeEngine(t, func(ctx context.Context, dir string, say Say) error {
		return run(ctx, say, dir, "no-such-tool-anywhere", "x")
	})
	_, _, err := Install(t.Context(), name, quiet)
	require.ErrorContains(t, err, "no-such-tool-anywhere is needed")
}

func TestMissingErrorSaysHowToGetIt(t *testing.T) {
	t.Setenv(CacheEnv, t.TempDir())
	t.Setenv(Dynoxide.Env(), "")
	_, err := Start(t.Context(), Dynoxide)
	missing := new(MissingError)
	require.ErrorAs(t, err, &missing)
	require.Equal(t, Dynoxide, missing.Name)
	require.ErrorContains(t, err, InstallCommand)
	require.ErrorContains(t, err, "OUTBOX_DYNOXIDE_URL")
	require.ErrorContains(t, err, dynoxideVersion)
}

func TestStartOfAnExternalEngineThatIsAway(t *testing.T) {
	t.Setenv(Dynoxide.Env(), "http://127.0.0.1:1/")
	ctx, cancel := context.WithTimeout(t.Context(), 5*pollEvery)
	defer cancel()
	_, err := Start(ctx, Dynoxide)
	require.ErrorContains(t, err, "OUTBOX_DYNOXIDE_URL=http://127.0.0.1:1 does not answer")
}

func TestExtract(t *testing.T) {
	dir := t.TempDir()
	tgz, whl := filepath.Join(dir, "a.tgz"), filepath.Join(dir, "a.whl")
	writeTarGz(t, tgz, "package/prog", "tar body")
	writeZip(t, whl, "lib/prog", "zip body")

	for _, tt := range []struct {
		name, member, want string
		extract            func(archive, name, to string) error
		archive            string
	}{
		{"tgz", "package/prog", "tar body", extractTarGz, tgz},
		{"zip", "lib/prog", "zip body", extractZip, whl},
	} {
		t.Run(tt.name, func(t *testing.T) {
			to := filepath.Join(t.TempDir(), "prog")
			require.NoError(t, tt.extract(tt.archive, tt.member, to))
			got, err := os.ReadFile(to)
			require.NoError(t, err)
			require.Equal(t, tt.want, string(got))
			if runtime.GOOS != "windows" {
				info, err := os.Stat(to)
				require.NoError(t, err)
				require.NotZero(t, info.Mode()&0o100, "executable")
			}
			require.ErrorContains(t, tt.extract(tt.archive, "other", to+"2"), "other")
		})
	}
}

func writeTarGz(t *testing.T, path, name, body string) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	zw := gzip.NewWriter(f)
	tw := tar.NewWriter(zw)
	require.NoError(t, tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(body))}))
	_, err = tw.Write([]byte(body))
	require.NoError(t, errors.Join(err, tw.Close(), zw.Close(), f.Close()))
}

func writeZip(t *testing.T, path, name, body string) {
	t.Helper()
	f, err := os.Create(path)
	require.NoError(t, err)
	zw := zip.NewWriter(f)
	w, err := zw.Create(name)
	require.NoError(t, err)
	_, err = w.Write([]byte(body))
	require.NoError(t, errors.Join(err, zw.Close(), f.Close()))
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

func TestParseName(t *testing.T) {
	for _, name := range Names() {
		got, err := ParseName(string(name))
		require.NoError(t, err)
		require.Equal(t, name, got)
		require.NotEmpty(t, name.Version())
	}
	_, err := ParseName("localstack")
	require.ErrorContains(t, err, "dynoxide, ministack, moto, lambda-rie")
}
