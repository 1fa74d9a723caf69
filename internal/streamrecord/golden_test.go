package streamrecord_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

var update = flag.Bool("update", false, "write what is decoded into the golden files")

// TestGolden decodes whole invocations and compares all that is read of them.
func TestGolden(t *testing.T) {
	for name, cfg := range map[string]streamrecord.Config{
		"lambda":     {}, // as Lambda sends it
		"typescript": {}, // events of another writer: no optional headers, timestamps in an S, payloads as text
		"damaged":    {}, // in a tumbling window
		"shared":     {Marker: "fmt"},
	} {
		t.Run(name, func(t *testing.T) {
			in, err := os.ReadFile(filepath.Join("testdata", "golden", name+".json"))
			require.NoError(t, err)
			b, err := streamrecord.NewDecoder(cfg).Decode(in)
			require.NoError(t, err)
			got := golden(b)
			file := filepath.Join("testdata", "golden", name+".golden")
			if *update {
				require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}

// golden writes a batch for a person to read.
func golden(b *streamrecord.Batch) string {
	var s strings.Builder
	if b.Window || b.State != nil {
		fmt.Fprintf(&s, "window %t, state %s\n\n", b.Window, b.State)
	}
	for _, r := range b.Records {
		fmt.Fprintf(&s, "%v %s\n", r.Kind, r.SequenceNumber)
		field := func(name, value string) {
			if value != "" {
				fmt.Fprintf(&s, "  %s: %s\n", name, value)
			}
		}
		if r.Fault != nil {
			field("fault", r.Fault.String())
		}
		field("stream", r.StreamARN)
		field("region of the stream", r.AWSRegion)
		field("keys", strings.Join(strings.Fields(string(r.Keys)), " "))
		if !r.CreatedAt.IsZero() {
			field("created", r.CreatedAt.Format(time.RFC3339Nano))
		}
		field("eventId", r.EventID)
		field("eventName", r.EventName)
		field("source", r.Source)
		field("region", r.Region)
		field("aggregateId", r.AggregateID)
		field("traceparent", r.TraceParent)
		if r.Sequence != 0 {
			field("sequence", fmt.Sprint(r.Sequence))
		}
		if r.Timestamp != 0 {
			field("timestamp", fmt.Sprint(r.Timestamp))
		}
		field("detail", string(r.Detail))
		s.WriteByte('\n')
	}
	return s.String()
}
