package outbox_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// keysOf is the key of a table, as name:type.
func keysOf(in *dynamodb.CreateTableInput) (keys []string) {
	for i, k := range in.KeySchema {
		keys = append(keys, *k.AttributeName+":"+string(in.AttributeDefinitions[i].AttributeType))
	}
	return keys
}

func TestCreateTableInput(t *testing.T) {
	single := func(envelope.CustomEvent) (string, string) { return "only", "" }
	strings := func(ev envelope.CustomEvent) (string, string) { return "USER#1", "EVENT#" + ev.Headers.EventID }
	for name, tt := range map[string]struct {
		layout envelope.Layout
		want   []string
	}{
		"default":          {envelope.Layout{}, []string{"pk:S", "sk:N"}},
		"names":            {envelope.Layout{PK: "id", SK: "at"}, []string{"id:S", "at:N"}},
		"aggregate":        {envelope.AggregateLayout(), []string{"pk:S", "sk:N"}},
		"single table":     {envelope.Layout{Keys: strings}, []string{"pk:S", "sk:S"}},
		"without sort key": {envelope.Layout{Keys: single}, []string{"pk:S"}},
	} {
		t.Run(name, func(t *testing.T) {
			w, err := outbox.NewWriter("arn:aws:dynamodb:eu-west-1:123456789012:table/event-store", func(o *outbox.Options) { o.Layout = tt.layout })
			require.NoError(t, err)
			in := w.CreateTableInput()
			require.Equal(t, "event-store", *in.TableName)
			require.Equal(t, tt.want, keysOf(in))
			require.True(t, *in.StreamSpecification.StreamEnabled)
			require.EqualValues(t, "NEW_IMAGE", in.StreamSpecification.StreamViewType)
			require.EqualValues(t, "PAY_PER_REQUEST", in.BillingMode)
		})
	}
	inbox, err := outbox.NewInbox("receipts", "messaging")
	require.NoError(t, err)
	require.Equal(t, []string{"pk:S", "sk:S"}, keysOf(inbox.CreateTableInput()))
	require.Nil(t, inbox.CreateTableInput().StreamSpecification)
	inbox, err = outbox.NewInbox("receipts", "messaging", func(o *outbox.InboxOptions) {
		o.Keys = func(consumer, id string) (string, string) { return consumer + "#" + id, "" }
	})
	require.NoError(t, err)
	require.Equal(t, []string{"pk:S"}, keysOf(inbox.CreateTableInput()))
}
