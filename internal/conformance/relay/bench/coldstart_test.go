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

// BenchmarkColdStart builds the example's relay as it is built for Lambda, and
// measures its size and the time from its start to its first request for an
// event. Beside it: a function that only imports the SDK's EventBridge client. To
// that, the relay adds DynamoDB's client, for its dead letters.
func BenchmarkColdStart(b *testing.B) {
	folders := []string{"coldstart/busonly", "../../../../examples/relay/lambda"}
	files, times, sizes := make([]string, len(folders)), make([][]time.Duration, len(folders)), make([]float64, len(folders))
	for i, folder := range folders {
		files[i] = filepath.Join(b.TempDir(), "bootstrap")
		build := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w", "-o", files[i], ".")
		build.Dir = folder
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		out, err := build.CombinedOutput()
		require.NoError(b, err, "%s", out)
		info, err := os.Stat(files[i])
		require.NoError(b, err)
		sizes[i] = float64(info.Size())
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
	const bus, relay = 0, 1
	best := func(i int) float64 { return float64(slices.Min(times[i]).Microseconds()) / 1000 }
	b.ReportMetric(0, "ns/op") // of a turn, which means nothing
	b.ReportMetric(sizes[relay]/1e6, "MB")
	b.ReportMetric(best(relay), "ms")
	b.ReportMetric(sizes[relay]/sizes[bus], "size-of-bus-only")
	b.ReportMetric(best(relay)/best(bus), "time-of-bus-only")
	require.Less(b, sizes[relay]/sizes[bus], 1.2)
	require.Less(b, best(relay)/best(bus), 2.0, "1.2 as a rule; a loaded machine is forgiven")
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
