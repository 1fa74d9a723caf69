package eventitem_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// published returns the Detail that the relay's own transcoder makes of an
// item that was inserted.
func published(t testing.TB, item attrs) string {
	t.Helper()
	image := map[string]any{}
	for name, v := range item {
		image[name] = dynamoJSON(t, v)
	}
	event, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"eventName": "INSERT", "eventSource": "aws:dynamodb",
		"dynamodb": map[string]any{"NewImage": image, "SequenceNumber": "1", "StreamViewType": "NEW_IMAGE"},
	}}})
	require.NoError(t, err)
	batch, err := streamrecord.NewDecoder(streamrecord.Config{}).Decode(event)
	require.NoError(t, err)
	require.Len(t, batch.Records, 1)
	record := batch.Records[0]
	require.Nil(t, record.Fault, "%v", record.Fault)
	require.Equal(t, streamrecord.Event, record.Kind)
	return string(record.Detail)
}

func dynamoJSON(t testing.TB, v types.AttributeValue) any {
	t.Helper()
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return map[string]any{"S": v.Value}
	case *types.AttributeValueMemberN:
		return map[string]any{"N": v.Value}
	case *types.AttributeValueMemberBOOL:
		return map[string]any{"BOOL": v.Value}
	case *types.AttributeValueMemberNULL:
		return map[string]any{"NULL": v.Value}
	case *types.AttributeValueMemberM:
		members := map[string]any{}
		for name, value := range v.Value {
			members[name] = dynamoJSON(t, value)
		}
		return map[string]any{"M": members}
	case *types.AttributeValueMemberL:
		elements := []any{}
		for _, value := range v.Value {
			elements = append(elements, dynamoJSON(t, value))
		}
		return map[string]any{"L": elements}
	}
	t.Fatalf("no JSON for %T", v)
	return nil
}
