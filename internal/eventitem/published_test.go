package eventitem_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// requirePublished requires that the relay's own transcoder makes a Detail of the
// item that is as long as was announced, and returns it.
func requirePublished(t testing.TB, it eventitem.Item, attribute string) (detail struct {
	Headers map[string]json.RawMessage
	Payload json.RawMessage
}) {
	t.Helper()
	image, err := attributevalue.MarshalMapJSON(it.Attrs)
	require.NoError(t, err)
	batch, err := streamrecord.NewDecoder(streamrecord.Config{Event: attribute}).Decode([]byte(`{"Records":[{"eventName":"INSERT",` +
		`"eventSource":"aws:dynamodb","dynamodb":{"NewImage":` + string(image) + `,"SequenceNumber":"1","StreamViewType":"NEW_IMAGE"}}]}`))
	require.NoError(t, err)
	require.Len(t, batch.Records, 1)
	record := batch.Records[0]
	require.Nil(t, record.Fault, "%v", record.Fault)
	require.Equal(t, streamrecord.Event, record.Kind)
	require.Len(t, record.Detail, it.DetailSize, "the relay publishes what was announced")
	require.NoError(t, json.Unmarshal(record.Detail, &detail))
	return detail
}

// requireJSONEqual compares two JSON texts, numbers as exact decimals.
func requireJSONEqual(t testing.TB, want, got string) {
	t.Helper()
	require.Equal(t, decoded(t, want), decoded(t, got))
}

// decoded is a JSON text with every number in one spelling.
func decoded(t testing.TB, text string) (v any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	require.NoError(t, d.Decode(&v), "%.300q", text)
	return canonical(v)
}

func canonical(v any) any {
	switch v := v.(type) {
	case json.Number:
		return json.Number(decimal.Canonical(v.String()))
	case []any:
		for i := range v {
			v[i] = canonical(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = canonical(v[name])
		}
	}
	return v
}
