package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/relay/transcode"
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
	os.Exit(m.Run())
}

// BenchmarkRelay is the whole relay, per batch of 100 records, beside what one
// writes without the library and beside the SDK alone.
func BenchmarkRelay(b *testing.B) {
	for _, latency := range []time.Duration{0, 5 * time.Millisecond} {
		url, stop, err := startStub(latency)
		require.NoError(b, err)
		for _, size := range []int{300, 2000, 20_000} {
			payload := transcode.Batch(batchSize, size, false)
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

// BenchmarkCPU has all variants handle batches in turns, and compares their CPU
// times turn by turn, so that what else the machine does hits all alike; the median
// counts. It reports, for each variant,
//
//	…-µs      CPU time of an event
//	…-of-SDK  its share of that of the SDK alone with ready-made entries
func BenchmarkCPU(b *testing.B) {
	url, stop, err := startStub(0)
	require.NoError(b, err)
	defer stop()
	for _, s := range []struct {
		size, batches int
		most          float64 // of the SDK's time; at 300 B the two are too near to each other for a few turns
	}{{300, 40, 1.5}, {2000, 20, 0.9}, {20_000, 10, 0.65}} {
		b.Run(fmt.Sprintf("payload=%d", s.size), func(b *testing.B) {
			payload := transcode.Batch(batchSize, s.size, false)
			times, shares := make([][]float64, len(variants)), make([][]float64, len(variants))
			for b.Loop() {
				var turn []float64
				sdk := 0.0
				for i, v := range variants {
					t := cpuOf(b, v, url, payload, s.batches)
					times[i], turn = append(times[i], t), append(turn, t)
					if v.name == sdkAlone {
						sdk = t
					}
				}
				for i, t := range turn {
					shares[i] = append(shares[i], t/sdk)
				}
			}
			b.ReportMetric(0, "ns/op") // of a turn, which means nothing
			for i, v := range variants {
				name := strings.ReplaceAll(v.name, " ", "-")
				b.ReportMetric(median(times[i]), name+"-µs")
				b.ReportMetric(median(shares[i]), name+"-of-SDK")
			}
			require.Less(b, median(shares[0]), s.most, "the relay's share")
		})
	}
}

// cpuOf returns the CPU time of an event in µs. The variant begins anew, and warm.
func cpuOf(b *testing.B, v variant, url string, payload []byte, batches int) float64 {
	client := newClient(url)
	handle, err := v.make(client, payload)
	require.NoError(b, err)
	require.NoError(b, handle(b.Context()))
	runtime.GC()
	require.NoError(b, handle(b.Context()))
	cpu := cpuTime(b)
	for range batches {
		require.NoError(b, handle(b.Context()))
	}
	return float64((cpuTime(b) - cpu).Nanoseconds()) / 1000 / float64(batches*batchSize)
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// cpuTime is the CPU time of this process: the stub has one of its own.
func cpuTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	require.NoError(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Every variant publishes the same events.
func TestVariantsAgree(t *testing.T) {
	payload := transcode.Batch(batchSize, 300, false)
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
			calls := map[string]int{"naive one by one": 2 * batchSize, "relay to a Custom Event Bus": 2}
			if want, ok := calls[v.name]; ok {
				require.Equal(t, want, bodies)
			} else {
				require.Equal(t, 2*batchSize/10, bodies)
			}
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
	payload := transcode.Batch(batchSize, 300, false)
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
	ours, one, floor := float64(best["relay"]), float64(best["naive one by one"]), float64(best[sdkAlone])
	b.ReportMetric(0, "ns/op") // of a turn, which means nothing
	b.ReportMetric(one/ours, "x-one-by-one")
	b.ReportMetric(ours/floor, "of-SDK")
	require.Greater(b, one/ours, 3.0)
	require.Less(b, ours/floor, 1.15)
}

// The relay is compared with the SDK alone by what it sends: the same bodies.
func TestTheSDKSendsWhatTheRelaySends(t *testing.T) {
	payload := transcode.Batch(batchSize, 300, false)
	bodies := map[string][]any{}
	for _, name := range []string{"relay", sdkAlone, "SDK with a ready body"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			text, _ := io.ReadAll(r.Body)
			var body any
			if json.Unmarshal(text, &body) == nil && !slices.ContainsFunc(bodies[name], func(b any) bool { return reflect.DeepEqual(b, body) }) { // the SDK may make a call again
				bodies[name] = append(bodies[name], body)
			}
			r.Body = io.NopCloser(bytes.NewReader(text))
			stub(0).ServeHTTP(w, r)
		}))
		v := variants[slices.IndexFunc(variants, func(v variant) bool { return v.name == name })]
		handle, err := v.make(newClient(server.URL), payload)
		require.NoError(t, err)
		require.NoError(t, handle(t.Context()))
		server.Close()
	}
	require.Len(t, bodies["relay"], batchSize/10)
	require.Equal(t, bodies["relay"], bodies[sdkAlone])
	require.Equal(t, bodies["relay"], bodies["SDK with a ready body"])
}

func countEntries(entries, bodies *int) http.Handler {
	accept := stub(0)
	seen := map[string]bool{} // the SDK makes a call again when its connection was closed under the answer
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if id := r.Header.Get("Amz-Sdk-Invocation-Id"); id == "" || !seen[id] {
			seen[id] = true
			*entries += bytes.Count(body, entryMark) + bytes.Count(body, cborMark)
			*bodies++
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		accept.ServeHTTP(w, r)
	})
}
