package streamrecord

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const oneEvent = `{"Records":[{"eventID":"1","eventName":"INSERT","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-west-1",` +
	`"dynamodb":{"ApproximateCreationDateTime":1764000000,"Keys":{"sk":{"N":"1764000000123"},"pk":{"S":"01J"}},` +
	`"NewImage":{"sk":{"N":"1764000000123"},"event":{"M":{"headers":{"M":{"eventId":{"S":"01J"},"eventName":{"S":"User.Created"},` +
	`"source":{"S":"userService"},"region":{"S":"eu-west-1"},"timestamp":{"N":"1764000000123"}}},` +
	`"payload":{"M":{"a":{"L":[{"N":"1"},{"NULL":true},{"BOOL":false}]}}}}},"pk":{"S":"01J"}},` +
	`"SequenceNumber":"111","SizeBytes":26,"StreamViewType":"NEW_IMAGE"},"eventSourceARN":"arn:aws:dynamodb:x"}]}`

func TestDecodeOneEvent(t *testing.T) {
	b, err := NewDecoder(Config{}).Decode([]byte(oneEvent))
	require.NoError(t, err)
	require.Len(t, b.Records, 1)
	r := b.Records[0]
	require.Nil(t, r.Fault)
	require.Equal(t, Event, r.Kind)
	require.Equal(t, `{"headers":{"eventId":"01J","eventName":"User.Created","source":"userService","region":"eu-west-1","timestamp":1764000000123},"payload":{"a":[1,null,false]}}`, string(r.Detail))
	require.Equal(t, "111", r.SequenceNumber)
	require.Equal(t, int64(1764000000123), r.Timestamp)
	require.Equal(t, `{"sk":{"N":"1764000000123"},"pk":{"S":"01J"}}`, string(r.Keys))
}
