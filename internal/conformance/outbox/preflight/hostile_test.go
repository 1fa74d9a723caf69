package preflight

import (
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

func newEvent(payload string) envelope.CustomEvent {
	return envelope.CustomEvent{
		Headers: envelope.Headers{
			EventID:       "01JDEVENT",
			CorrelationID: "c1",
			EventName:     "User.Created",
			CreatedBy:     "alice",
			Source:        "userService",
			Timestamp:     time.UnixMilli(1732450000123),
			Extensions:    map[string]json.RawMessage{"tenant": json.RawMessage(`{"id":1e2,"tags":["\u0001é"]}`)},
		},
		Payload: json.RawMessage(payload),
	}
}

func encode(t *testing.T, payload string, form eventitem.Form) eventitem.Item {
	t.Helper()
	item, err := eventitem.Encode(newEvent(payload), envelope.Layout{}, form, 0)
	require.NoError(t, err)
	return item
}

// hostilePayload is a row of the table that eventitem's own tests have.
type hostilePayload struct {
	Name    string
	Payload string
	Base64  []byte // instead of Payload, for what is not UTF-8
	Map     string // problem in the form eventitem.Map, "" if it is taken
	Text    string // problem in the form eventitem.JSONText, likewise
}

func (h hostilePayload) payload() string {
	if h.Base64 != nil {
		return string(h.Base64)
	}
	return h.Payload
}

func (h hostilePayload) problem(form eventitem.Form) string {
	if form == eventitem.Map {
		return h.Map
	}
	return h.Text
}

func hostilePayloads(t *testing.T) []hostilePayload {
	t.Helper()
	raw, err := os.ReadFile("../../../eventitem/testdata/hostile.json")
	require.NoError(t, err)
	var rows []hostilePayload
	require.NoError(t, json.Unmarshal(raw, &rows))
	require.GreaterOrEqual(t, len(rows), 40)
	return rows
}

// Every hostile payload that is taken is stored and comes back as it was sent,
// to the spelling of its numbers, and the item is as large as Encode says.
func TestHostilePayloadsSurviveTheEngine(t *testing.T) {
	rows := hostilePayloads(t)
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		store, db := enginetest.EventStore(t, e).Name, e.DynamoDB()
		for _, row := range rows {
			for _, form := range []eventitem.Form{eventitem.Map, eventitem.JSONText} {
				if row.problem(form) != "" {
					continue
				}
				t.Run(fmt.Sprintf("%s/%d", row.Name, form), func(t *testing.T) {
					item := encode(t, row.payload(), form)
					require.NoError(t, ways["TransactWriteItems"](t, db, store, item.Attrs))
					out, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{
						TableName: &store, ConsistentRead: aws.Bool(true), Key: attrs{"pk": item.Attrs["pk"], "sk": item.Attrs["sk"]},
					})
					require.NoError(t, err)
					require.Equal(t, item.Attrs, out.Item)
					requireLimit(t, e, item.Attrs, func(item attrs) error { return ways["PutItem"](t, db, store, item) })
				})
			}
		}
	})
}
