package bench

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

func TestMain(m *testing.M) {
	if s := os.Getenv(stubEnv); s != "" {
		latency, err := time.ParseDuration(s)
		if err == nil {
			err = serveStub(latency, os.Stdin, os.Stdout)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(enginetest.Main(m))
}

// BenchmarkRelay is the whole relay, per batch of 100 records, beside what one
// writes without the library and beside the SDK alone.
func BenchmarkRelay(b *testing.B) {
	for _, latency := range []time.Duration{0, 5 * time.Millisecond} {
		url, stop, err := startStub(latency)
		require.NoError(b, err)
		for _, size := range []int{300, 2000, 20_000} {
			payload, err := newBatch(batchSize, size)
			require.NoError(b, err)
			for _, v := range variants {
				b.Run(fmt.Sprintf("bus %v/payload %d B/%s", latency, size, v.name), func(b *testing.B) {
					handle, err := v.make(newClient(url), payload)
					require.NoError(b, err)
					require.NoError(b, handle(b.Context())) // connections are there
					b.ReportAllocs()
					cpu := cpuTime(b)
					begin := time.Now()
					n := 0
					for b.Loop() {
						if err := handle(b.Context()); err != nil {
							b.Fatal(err)
						}
						n += batchSize
					}
					wall := time.Since(begin)
					b.ReportMetric(float64(n)/wall.Seconds(), "events/s")
					b.ReportMetric(float64((cpuTime(b)-cpu).Nanoseconds())/float64(n)/1000, "µs-CPU/event")
				})
			}
		}
		stop()
	}
}

// cpuTime is the CPU time of this process: the stub has one of its own.
func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	require.NoError(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Every variant publishes the same events.
func TestVariantsAgree(t *testing.T) {
	payload, err := newBatch(batchSize, 300)
	require.NoError(t, err)
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			entries, bodies := 0, 0
			server := httptest.NewServer(countEntries(&entries, &bodies))
			defer server.Close()
			handle, err := v.make(newClient(server.URL), payload)
			require.NoError(t, err)
			require.NoError(t, handle(t.Context()))
			require.NoError(t, handle(t.Context()), "the memory of the relay does not take one batch for the other")
			require.Equal(t, 2*batchSize, entries)
			want := 20
			if v.name == "naive one by one" {
				want = 200
			}
			require.Equal(t, want, bodies)
		})
	}
}

// BenchmarkRatio: with a bus that takes 5 ms a call, the relay is at least three
// times as fast as sending one by one, and no slower than the SDK alone by more
// than 15 %. The fastest of all turns counts for each, so that it hardly depends
// on what else the machine does. It reports
//
//	x-one-by-one  how many times as fast as sending one by one the relay is
//	of-SDK        its time as a share of the SDK's with ready-made entries
func BenchmarkRatio(b *testing.B) {
	url, stop, err := startStub(5 * time.Millisecond)
	require.NoError(b, err)
	defer stop()
	payload, err := newBatch(batchSize, 300)
	require.NoError(b, err)
	best := map[string]time.Duration{}
	for b.Loop() {
		for _, v := range variants {
			handle, err := v.make(newClient(url), payload)
			require.NoError(b, err)
			require.NoError(b, handle(b.Context()))
			begin := time.Now()
			require.NoError(b, handle(b.Context()))
			if d := time.Since(begin); best[v.name] == 0 || d < best[v.name] {
				best[v.name] = d
			}
		}
	}
	ours, one, floor := float64(best["relay"]), float64(best["naive one by one"]), float64(best["SDK with ready-made entries"])
	b.ReportMetric(0, "ns/op") // of a turn, which means nothing
	b.ReportMetric(one/ours, "x-one-by-one")
	b.ReportMetric(ours/floor, "of-SDK")
	require.Greater(b, one/ours, 3.0)
	require.Less(b, ours/floor, 1.15)
}

func countEntries(entries, bodies *int) http.Handler {
	accept := stub(0)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*entries += strings.Count(string(body), string(entryMark))
		*bodies++
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		accept.ServeHTTP(w, r)
	})
}
