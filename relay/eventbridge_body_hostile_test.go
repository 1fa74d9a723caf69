package relay_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// The body is the SDK's for all Details that are made of the inputs on which the
// transcoder is tested, of the hostile records here, and of the hostile payloads on
// which the write side is tested.
func TestBodyOfHostileDetails(t *testing.T) {
	details := hostileDetails(t)
	require.Greater(t, len(details), 100)
	for chunk := range slices.Chunk(details, 10) {
		var entries []relay.Entry
		for _, d := range chunk {
			entries = append(entries, relay.Entry{Source: "s", DetailType: "d", Detail: []byte(d)})
		}
		ours, theirs, _ := bothBodies(t, entries)
		sameJSON(t, theirs, ours)
	}
}

func hostileDetails(tb testing.TB) (details []string) {
	const testdata = "../internal/streamrecord/testdata/"
	batches := make([][]byte, 0, 300)
	for _, row := range hostileRows() {
		batches = append(batches, batch(testRecord{raw: stamp(row.before(len(row.replace)), time.Now())}))
	}
	for pattern, wrap := range map[string]func(text string) string{
		"golden/*.json":     func(text string) string { return text },
		"fuzz/FuzzDecode/*": func(text string) string { return unquoted(tb, text) },
		"fuzz/FuzzPayload/*": func(text string) string {
			return string(batch(testRecord{raw: stamp(strings.Replace(testRecord{sequence: 1}.template(), payloadM, `"payload":`+unquoted(tb, text), 1), time.Now())}))
		},
	} {
		files, err := filepath.Glob(testdata + pattern)
		require.NoError(tb, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(tb, err)
			batches = append(batches, []byte(wrap(string(text))))
		}
	}
	for _, b := range batches {
		read, err := streamrecord.NewDecoder(streamrecord.Config{}).Decode(b)
		if err != nil {
			continue
		}
		for _, r := range read.Records {
			if r.Detail != nil {
				details = append(details, string(r.Detail))
			}
		}
	}
	raw, err := os.ReadFile("../internal/eventitem/testdata/hostile.json")
	require.NoError(tb, err)
	var rows []struct{ Payload, Text string }
	require.NoError(tb, json.Unmarshal(raw, &rows))
	for _, row := range rows {
		if row.Payload != "" && row.Text == "" { // the write side takes it
			details = append(details, `{"payload":`+row.Payload+`}`)
		}
	}
	return details
}

// unquoted is the []byte in a file of a fuzz target's inputs.
func unquoted(tb testing.TB, file string) string {
	_, value, _ := strings.Cut(file, "\n[]byte(")
	text, err := strconv.Unquote(strings.TrimSuffix(strings.TrimSpace(value), ")"))
	require.NoError(tb, err)
	return text
}
