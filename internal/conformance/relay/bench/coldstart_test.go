package bench

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// functions are what starts: the least with and without the SDK's module config,
// a relay beside each, and how much longer and larger that may be. To the least,
// the example's relay adds DynamoDB's client, for its dead letters.
var functions = []struct {
	name, folder, beside string
	time, size           float64 // at most, as multiples of those of the one beside
}{
	{name: "noconfig", folder: "coldstart/noconfig"},
	{"block", "coldstart/block", "noconfig", 1.1, 1.1},
	{name: "config", folder: "coldstart/config"},
	{"deadletters", "../../../../examples/relay/lambda", "config", 1.25, 1.2},
}

// patience is for a machine that has other work: it is what more than its share of
// the time a function may take.
const patience = 1.5

// BenchmarkColdStart builds functions as they are built for Lambda, and measures
// their sizes and the time from their start to their first request for an event.
// All are started in turns, and the shortest time of each counts.
func BenchmarkColdStart(b *testing.B) {
	files, times, sizes := make([]string, len(functions)), make([][]time.Duration, len(functions)), map[string]float64{}
	for i, f := range functions {
		files[i] = filepath.Join(b.TempDir(), "bootstrap")
		build := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", files[i], ".")
		build.Dir = f.folder
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := build.CombinedOutput()
		require.NoError(b, err, "%s", out)
		info, err := os.Stat(files[i])
		require.NoError(b, err)
		sizes[f.name] = float64(info.Size())
	}
	next := make(chan time.Time, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/invocation/next") {
			next <- time.Now()
		}
		<-r.Context().Done() // there is no event
	}))
	defer server.Close()
	for b.Loop() {
		for i, file := range files {
			times[i] = append(times[i], firstNext(b, file, strings.TrimPrefix(server.URL, "http://"), next))
		}
	}
	b.ReportMetric(0, "ns/op") // of a turn, which means nothing
	best := map[string]float64{}
	for i, f := range functions {
		best[f.name] = float64(slices.Min(times[i]).Microseconds()) / 1000
		b.ReportMetric(best[f.name], f.name+"-ms")
		b.ReportMetric(sizes[f.name]/1e6, f.name+"-MB")
		if f.beside == "" {
			continue
		}
		b.ReportMetric(best[f.name]/best[f.beside], f.name+"-time-of-"+f.beside)
		b.ReportMetric(sizes[f.name]/sizes[f.beside], f.name+"-size-of-"+f.beside)
		require.Less(b, sizes[f.name]/sizes[f.beside], f.size, f.name)
		require.Less(b, best[f.name]/best[f.beside], patience*f.time, f.name)
	}
}

// firstNext starts a function and returns the time to its first request for an
// event.
func firstNext(tb testing.TB, file, api string, next <-chan time.Time) time.Duration {
	tb.Helper()
	cmd := exec.Command(file)
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + api, "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=AKID", "AWS_SECRET_ACCESS_KEY=SECRET",
		"EVENT_BUS_NAME=orders", "DEAD_LETTER_TABLE=dead-letters", "HOME=" + tb.TempDir(),
	}
	cmd.Stderr = os.Stderr
	begin := time.Now()
	require.NoError(tb, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	select {
	case at := <-next:
		return at.Sub(begin)
	case <-time.After(30 * time.Second):
		tb.Fatalf("%s asks for no event", file)
		return 0
	}
}
