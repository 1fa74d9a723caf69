package streamrecord_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/streamrecord"
)

// TestFaultTexts has the words for records and invocations that are at fault; the
// words for events and their values are in the tables of those.
func TestFaultTexts(t *testing.T) {
	for record, want := range map[string]string{
		`null`:                                 "BadRecord: not an object",
		`{"eventName":"INSERT" "dynamodb":{}}`: "BadRecord: damaged JSON",
		`{"eventName":"UPSERT"}`:               "BadRecord: eventName is missing or none of INSERT, MODIFY, REMOVE",
		`{"eventName":"MODIFY","dynamodb":[]}`: "BadRecord: dynamodb is not what a stream record has there",
		`{"eventName":"INSERT","dynamodb":{}}`: "MissingNewImage: an INSERT without dynamodb.NewImage",
		`{"eventName":"MODIFY","eventName":1}`: "DuplicateMember: eventName is there twice",
	} {
		require.Equal(t, want, decodeRecord(t, streamrecord.Config{}, record).Fault.String())
	}
	for invocation, want := range map[string]string{
		` []`:                        "no JSON object at byte 1",
		`{ 1:2}`:                     "no member of an object at byte 2",
		`{"Records":[],"Records":1}`: `a second "Records" at byte 14`,
		`{"Records":[],"x":{`:        "no end of the value that begins at byte 18",
		`{"Records":[]} x`:           "something behind the event at byte 15",
		`{"Records":[{"a":1`:         "no end of the record that begins at byte 12",
		`{"Records":[{} {}]}`:        "neither comma nor end behind the record at byte 12",
		`{"records":[]}`:             `no array "Records" at byte 0`,
	} {
		_, err := streamrecord.NewDecoder(streamrecord.Config{}).Decode([]byte(invocation))
		require.EqualError(t, err, "not a DynamoDB stream event: "+want+" of the invocation payload")
	}
}
