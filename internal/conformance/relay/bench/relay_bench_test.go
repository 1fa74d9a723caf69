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
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/relay/transcode"
)

func TestMain(m *testing.M) {
	stub, isStub := os.LookupEnv(stubEnv)
	variant, isVariant := os.LookupEnv(variantEnv)
	var err error
	switch {
	case isVariant:
		err = serveVariant(variant, os.Stdin, os.Stdout)
	case isStub:
		var latency time.Duration
		if latency, err = time.ParseDuration(stub); err == nil {
			err = serveStub(latency, os.Stdin, os.Stdout)
		}
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
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
					cpu := cpuTime()
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
					b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/float64(n)/1000, "µs-CPU/event")
				})
			}
		}
		stop()
	}
}

// BenchmarkCPU has all variants handle batches in turns, each in a process of its
// own, and compares their CPU times turn by turn, so that what else the machine does
// hits all alike; the median counts. It reports, for each variant,
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
	}{{300, 40, 1.5}, {2000, 20, 0.9}, {20_000, 10, 0.75}} {
		b.Run(fmt.Sprintf("payload=%d", s.size), func(b *testing.B) {
			var processes []*process
			for _, v := range variants {
				p, err := startVariant(measurement{Variant: v.name, URL: url, Size: s.size, Batches: s.batches})
				require.NoError(b, err)
				defer p.stop()
				processes = append(processes, p)
			}
			times, shares := make([][]float64, len(variants)), make([][]float64, len(variants))
			for b.Loop() {
				var turn []float64
				sdk := 0.0
				for i, p := range processes {
					t, err := p.cpu()
					require.NoError(b, err, variants[i].name)
					times[i], turn = append(times[i], t), append(turn, t)
					if variants[i].name == sdkAlone {
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

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
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
