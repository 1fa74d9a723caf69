package transcode

import (
	"encoding/json"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamgen"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// TestGeneratedRecords holds the library against encoding/json,
// aws-lambda-go and attributevalue, over generated records.
func TestGeneratedRecords(t *testing.T) {
	const (
		shards = 8
		batch  = 25
	)
	generated := 100_000
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		generated = 4_000 // each costs ten times as much
	}
	var published atomic.Int64
	t.Run("shards", func(t *testing.T) {
		for shard := range shards {
			t.Run(fmt.Sprint(shard), func(t *testing.T) {
				t.Parallel()
				d := streamrecord.NewDecoder(streamrecord.Config{})
				for i := range generated / shards / batch {
					payload := streamgen.New(uint64(shard), uint64(i), false).Batch(2 * batch)
					published.Add(int64(requireSame(t, d, []byte(payload))))
				}
			})
		}
	})
	t.Logf("%d records, %d of them published", generated, published.Load())
	require.Greater(t, int(published.Load()), generated/2)
}

// requireSame decodes payload both ways and returns the number of events.
func requireSame(t *testing.T, d *streamrecord.Decoder, payload []byte) int {
	t.Helper()
	var want events.DynamoDBEvent
	require.NoError(t, json.Unmarshal(payload, &want), "%s", payload)
	got, err := d.Decode(payload)
	require.NoError(t, err, "%s", payload)
	require.Len(t, got.Records, len(want.Records))
	n := 0
	for i, w := range want.Records {
		g := got.Records[i]
		require.Equal(t, w.EventSourceArn, g.StreamARN)
		require.Equal(t, w.Change.SequenceNumber, g.SequenceNumber)
		require.Equal(t, w.Change.ApproximateCreationDateTime.UTC(), g.CreatedAt)
		var keys map[string]events.DynamoDBAttributeValue
		require.NoError(t, json.Unmarshal(g.Keys(), &keys))
		require.Equal(t, w.Change.Keys, keys)
		switch kind := g.Kind; w.EventName {
		case "INSERT":
			require.Equal(t, streamrecord.Event, kind, "%v: %s", g.Fault, g.Raw)
			n++
			requireSameEvent(t, w, g)
		case "MODIFY":
			require.Equal(t, streamrecord.Modify, kind)
		case "REMOVE":
			if u := w.UserIdentity; u != nil && u.Type == "Service" && u.PrincipalID == "dynamodb.amazonaws.com" {
				require.Equal(t, streamrecord.ServiceRemove, kind)
			} else {
				require.Equal(t, streamrecord.Remove, kind)
			}
		}
	}
	return n
}

func requireSameEvent(t *testing.T, w events.DynamoDBEventRecord, g streamrecord.Record) {
	t.Helper()
	image, err := toSDKMap(w.Change.NewImage)
	require.NoError(t, err, "%s", g.Raw)
	want := sdkDetail(t, image)
	require.Equal(t, want, parsed(t, g.Detail), "%s", g.Raw)
	headers := want["headers"].(map[string]any)
	require.Equal(t, headers["eventId"], g.EventID)
	require.Equal(t, headers["eventName"], g.EventName)
	require.Equal(t, headers["source"], g.Source)
	require.Equal(t, fmt.Sprint(headers["timestamp"]), fmt.Sprint(g.Timestamp))
	region, _ := headers["region"].(string)
	aggregate, _ := headers["aggregateId"].(string)
	require.Equal(t, region, g.Region)
	require.Equal(t, aggregate, g.AggregateID)
	if sequence, ok := headers["sequence"]; ok {
		require.Equal(t, fmt.Sprint(sequence), fmt.Sprint(g.Sequence))
	}
}

// TestBenchmarkInput shows that what the benchmarks compare does the same work.
func TestBenchmarkInput(t *testing.T) {
	for _, size := range sizes {
		text, err := json.Marshal(order(0, size))
		require.NoError(t, err)
		require.InDelta(t, size, len(text), 200)
		d := streamrecord.NewDecoder(streamrecord.Config{})
		require.Equal(t, 20, requireSame(t, d, Batch(20, size, true)))

		payload := Batch(20, size, false)
		require.Equal(t, 20, requireSame(t, d, payload))
		naive, err := Naive(payload)
		require.NoError(t, err)
		b, err := d.Decode(payload)
		require.NoError(t, err)
		for i, event := range naive {
			require.JSONEq(t, string(event.Detail), string(b.Records[i].Detail))
		}
	}
}
