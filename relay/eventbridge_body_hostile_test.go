package relay_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamgen"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// The body is the SDK's for all Details that are made of generated records, of the
// hostile records here, and of the hostile payloads on which the write side is
// tested.
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
	var batches [][]byte
	for _, row := range hostileRows() {
		batches = append(batches, batch(testRecord{raw: stamp(row.before(len(row.replace)), time.Now())}))
	}
	for seed := range uint64(200) {
		batches = append(batches, []byte(streamgen.New(seed, 5, seed%2 == 0).Batch(3)))
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
