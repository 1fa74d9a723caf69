// Package bench measures the whole relay against what it replaces: through
// the SDK's client, to a bus on loopback that accepts everything.
//
//	go -C internal/conformance test -run '^$' -bench . ./relay/bench
package bench

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/smithy-go/encoding/cbor"
)

// stubEnv makes the test binary a bus instead of a test. A process of its own
// keeps the work of the bus out of the relay's CPU time.
const stubEnv = "RELAYBENCH_STUB_LATENCY"

// serveStub is a bus that accepts every entry of PutEvents after a latency. It
// writes its address to out and ends with in.
func serveStub(latency time.Duration, in io.Reader, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: stub(latency), ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, in)
		_ = server.Close()
	}()
	fmt.Fprintf(out, "http://%s\n", listener.Addr())
	if err := server.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// entryMark is in the JSON of an entry once, and nowhere in its Detail, where
// each quotation mark is escaped.
var entryMark = []byte(`"DetailType":`)

// cborMark is the same key in the CBOR of a Custom Event Bus, behind the byte that
// says that ten characters follow.
var cborMark = []byte("\x6aDetailType")

func stub(latency time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		custom := strings.HasSuffix(r.URL.Path, "/operation/PutEvents")
		if err != nil || !custom && r.Header.Get("X-Amz-Target") != "AWSEvents.PutEvents" {
			http.Error(w, "{}", http.StatusBadRequest)
			return
		}
		if latency > 0 {
			<-time.After(latency)
		}
		if custom {
			w.Header().Set("Content-Type", "application/cbor")
			_, _ = w.Write(cborAnswer(bytes.Count(body, cborMark)))
			return
		}
		n := bytes.Count(body, entryMark)
		results := strings.Repeat(`,{"EventId":"c2cd9b86-2d8a-4e5f-9a1f-6d2a3c9f5d10"}`, n)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		fmt.Fprintf(w, `{"FailedEntryCount":0,"Entries":[%s]}`, strings.TrimPrefix(results, ","))
	})
}

// cborAnswer is the answer of a Custom Event Bus that has accepted n entries.
func cborAnswer(n int) []byte {
	entries := make(cbor.List, n)
	for i := range entries {
		entries[i] = cbor.Map{
			"EventId": cbor.String("c2cd9b86-2d8a-4e5f-9a1f-6d2a3c9f5d10"), "SuccessCode": cbor.String("PUBLISHED"), "SequenceNumber": cbor.String("1"),
		}
	}
	return cbor.Encode(cbor.Map{"FailedEntryCount": cbor.Uint(0), "Entries": entries})
}
