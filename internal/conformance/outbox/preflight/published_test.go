package preflight

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// hostilePayload is a row of the table that eventitem's own tests have.
type hostilePayload struct {
	Name    string
	Payload string
	Map     string // problem in the form eventitem.Map, "" if it is taken
	Text    string // problem in the form eventitem.JSONText, likewise
}

func hostilePayloads(t *testing.T) (rows []hostilePayload) {
	t.Helper()
	raw, err := os.ReadFile("../../../eventitem/testdata/hostile.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(raw, &rows))
	return rows
}

func encode(t *testing.T, ev envelope.CustomEvent, form eventitem.Form) eventitem.Item {
	t.Helper()
	item, err := eventitem.Encode(ev, envelope.Layout{}, form, 0)
	require.NoError(t, err)
	return item
}

// Every hostile payload that is taken goes through the table and its stream. The
// Detail that the relay makes of it is exactly as long as was announced before the
// commit, and the event in it makes the same item as the one that went in.
func TestHostilePayloadsArePublishedAsAnnounced(t *testing.T) {
	rows := hostilePayloads(t)
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		store, db := enginetest.EventStore(t, e), e.DynamoDB()
		type sent struct {
			name  string
			form  eventitem.Form
			event envelope.CustomEvent
			size  int // of the Detail
		}
		events := map[string]sent{}
		for i, row := range rows {
			for form, problem := range map[eventitem.Form]string{eventitem.Map: row.Map, eventitem.JSONText: row.Text} {
				if problem != "" {
					continue
				}
				ev := envelope.CustomEvent{
					Headers: envelope.Headers{
						EventID: fmt.Sprintf("event-%d-%d", i, form), CorrelationID: "c1", EventName: "User.Created", CreatedBy: "alice",
						Source: "userService", Timestamp: time.UnixMilli(1732450000123),
						Extensions: map[string]json.RawMessage{"tenant": json.RawMessage(`{"id":1e2,"tags":["\u0001é"]}`)},
					},
					Payload: json.RawMessage(row.Payload),
				}
				item := encode(t, ev, form)
				require.NoError(t, ways["TransactWriteItems"](t, db, store.Name, item.Attrs), row.Name)
				events[ev.Headers.EventID] = sent{row.Name, form, ev, item.DetailSize}
			}
		}
		require.Greater(t, len(events), 60)

		batches, err := lambdapoller.Events(t.Context(), e.Streams(), store.StreamARN, 100)
		require.NoError(t, err)
		decoder := streamrecord.NewDecoder(streamrecord.Config{})
		for _, payload := range batches {
			batch, err := decoder.Decode(payload)
			require.NoError(t, err)
			for _, record := range batch.Records {
				s, ok := events[record.EventID]
				require.True(t, ok, "%q", record.EventID)
				delete(events, record.EventID)
				t.Run(fmt.Sprintf("%s/%d", s.name, s.form), func(t *testing.T) {
					require.Nil(t, record.Fault, "%v", record.Fault)
					require.Len(t, record.Detail, s.size)
					got, err := envelope.Parse(record.Detail)
					require.NoError(t, err)
					s.event.Payload = bytes.TrimSpace(s.event.Payload) // as Parse has it
					require.Equal(t, encode(t, s.event, s.form).Attrs, encode(t, got, s.form).Attrs)
				})
			}
		}
		require.Empty(t, events, "in the table, but not in its stream")
	})
}
