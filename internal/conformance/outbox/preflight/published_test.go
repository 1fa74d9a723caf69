package preflight

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// Every hostile payload that is taken goes through the table and its stream,
// and the Detail that the relay makes of it is JSON-equal to what went in and
// exactly as long as was announced before the commit.
func TestHostilePayloadsArePublishedAsAnnounced(t *testing.T) {
	rows := hostilePayloads(t)
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		store, db := enginetest.EventStore(t, e), e.DynamoDB()
		type sent struct {
			row     hostilePayload
			form    eventitem.Form
			details int
		}
		events := map[string]sent{}
		for i, row := range rows {
			for _, form := range []eventitem.Form{eventitem.Map, eventitem.JSONText} {
				if row.problem(form) != "" {
					continue
				}
				ev := newEvent(row.payload())
				ev.Headers.EventID = fmt.Sprintf("event-%d-%d", i, form)
				item, err := eventitem.Encode(ev, envelope.Layout{}, form, 0)
				require.NoError(t, err, row.Name)
				require.NoError(t, ways["TransactWriteItems"](t, db, store.Name, item.Attrs), row.Name)
				events[ev.Headers.EventID] = sent{row, form, item.DetailSize}
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
				t.Run(fmt.Sprintf("%s/%d", s.row.Name, s.form), func(t *testing.T) {
					require.Nil(t, record.Fault, "%v", record.Fault)
					require.Len(t, record.Detail, s.details)
					var detail struct{ Headers, Payload json.RawMessage }
					require.NoError(t, json.Unmarshal(record.Detail, &detail))
					requireJSONEqual(t, s.row.payload(), string(detail.Payload))
					want := newEvent("null").Headers
					want.EventID = record.EventID
					headers, err := json.Marshal(want)
					require.NoError(t, err)
					requireJSONEqual(t, string(headers), string(detail.Headers))
				})
			}
		}
		require.Empty(t, events, "in the table, but not in its stream")
	})
}

// requireJSONEqual compares two JSON texts, numbers as exact decimals.
func requireJSONEqual(t *testing.T, want, got string) {
	t.Helper()
	decode := func(text string) (v any) {
		d := json.NewDecoder(bytes.NewReader([]byte(text)))
		d.UseNumber()
		require.NoError(t, d.Decode(&v))
		return v
	}
	require.True(t, equalJSON(decode(want), decode(got)), "want %.300s\ngot %.300s", want, got)
}

func equalJSON(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && decimal.Equal(a.String(), b.String())
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, value := range a {
			other, ok := b[key]
			if !ok || !equalJSON(value, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equalJSON)
	}
	return a == b
}
