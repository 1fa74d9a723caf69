package writeside

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/examples/internal/enginetest"
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

// Every hostile payload that is taken is stored and comes back as it was sent,
// to the spelling of its numbers, and the item is as large as Encode says.
func TestHostilePayloadsSurviveTheEngine(t *testing.T) {
	raw, err := os.ReadFile("../../../internal/eventitem/testdata/hostile.json")
	require.NoError(t, err)
	var rows []struct {
		Name, Payload string
		Base64        []byte
		Map, Text     string // problem in either form, "" if it is taken
	}
	require.NoError(t, json.Unmarshal(raw, &rows))
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		store, db := enginetest.EventStore(t, e).Name, e.DynamoDB()
		taken := 0
		for _, row := range rows {
			for form, problem := range map[eventitem.Form]string{eventitem.Map: row.Map, eventitem.JSONText: row.Text} {
				if problem != "" {
					continue
				}
				taken++
				t.Run(row.Name, func(t *testing.T) {
					payload := row.Payload
					if row.Base64 != nil {
						payload = string(row.Base64)
					}
					item := encode(t, payload, form)
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
		require.Greater(t, taken, 60)
	})
}
