package busrules

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// arrived is an event as a rule's target has it.
type arrived struct {
	Source     string          `json:"source"`
	DetailType string          `json:"detail-type"`
	Time       time.Time       `json:"time"`
	Resources  []string        `json:"resources"`
	Detail     json.RawMessage `json:"detail"`
}

// The request's body, which the relay writes itself, is understood by every bus:
// each event arrives as it was sent, whatever its payload.
func TestHostilePayloadsArrive(t *testing.T) {
	payloads := hostilePayloads(t)
	for _, name := range []engine.Name{engine.Moto, engine.MiniStack} {
		t.Run(string(name), func(t *testing.T) {
			e := enginetest.Start(t, name)
			bus := enginetest.NewBus(t, e)
			publisher := relay.NewEventBridge(e.EventBridge(), bus.Name)
			sent := make([]relay.Entry, len(payloads))
			for i, p := range payloads {
				sent[i] = relay.Entry{
					EventID: fmt.Sprint(i), Source: "orders", DetailType: "Order.Placed." + fmt.Sprint(i),
					Time: time.Now().UTC().Truncate(time.Second), Resources: []string{"arn:aws:s3:::a-bucket", "arn:aws:sqs:eu-west-1:123456789012:é"},
					TraceHeader: "Root=1-67891233-abcdef012345678912345678;Sampled=1",
					Detail:      fmt.Appendf(nil, `{"headers":{"eventId":"%d"},"payload":%s}`, i, p),
				}
			}
			for call := range slices.Chunk(sent, 10) {
				results, err := publisher.Publish(t.Context(), call)
				require.NoError(t, err)
				for i, r := range results {
					require.Equal(t, relay.Accepted, r.Class, "%s: %s", call[i].Detail, r.Code)
				}
			}
			seen := map[string]arrived{}
			for _, m := range bus.Queue.Receive(t, len(sent)) {
				var a arrived
				require.NoError(t, json.Unmarshal([]byte(aws.ToString(m.Body)), &a))
				seen[a.DetailType] = a
			}
			for _, s := range sent {
				got := seen[s.DetailType]
				require.Equal(t, s.Source, got.Source)
				require.Equal(t, s.Resources, got.Resources)
				require.True(t, s.Time.Equal(got.Time), "%s, want %s", got.Time, s.Time)
				require.JSONEq(t, string(s.Detail), string(got.Detail))
			}
		})
	}
}

// hostilePayloads are those of the write side that a Detail can hold and that an
// engine in Python keeps: it reads numbers as the language does.
func hostilePayloads(t *testing.T) []string {
	raw, err := os.ReadFile("../../../eventitem/testdata/hostile.json")
	require.NoError(t, err)
	var rows []struct{ Name, Payload, Text string }
	require.NoError(t, json.Unmarshal(raw, &rows))
	payloads := []string{`"` + strings.Repeat(`\"\\`, 20_000) + `"`, `{"` + strings.Repeat("é😀\u2028", 1_000) + `":"\u0000\u001f\n"}`}
	for _, row := range rows {
		var v any
		deep := strings.Count(row.Payload, "[")+strings.Count(row.Payload, "{") > 100
		if row.Text == "" && row.Payload != "" && !deep && json.Unmarshal([]byte(row.Payload), &v) == nil {
			payloads = append(payloads, row.Payload)
		}
	}
	require.Greater(t, len(payloads), 30)
	return payloads
}
