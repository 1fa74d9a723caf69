package doctor

import (
	"encoding/json"
	"fmt"
)

// sampleRecord is a new event on the stream, as Lambda's filters see it.
func sampleRecord(marker string) []byte {
	text := func(s string) map[string]any { return map[string]any{"S": s} }
	image := map[string]any{
		"pk": text("01HZZZZZZZZZZZZZZZZZZZZZZZ"), "sk": map[string]any{"N": "1764000000000"},
		"event": map[string]any{"M": map[string]any{
			"headers": map[string]any{"M": map[string]any{"eventId": text("01HZZZZZZZZZZZZZZZZZZZZZZZ"), "eventName": text("User.Created"), "source": text("userService"), "timestamp": map[string]any{"N": "1764000000000"}}},
			"payload": map[string]any{"M": map[string]any{}},
		}},
	}
	if marker != "" {
		image[marker] = text("outbox/1")
	}
	record := map[string]any{
		"eventID": "1", "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb", "awsRegion": "eu-west-1",
		"dynamodb": map[string]any{
			"Keys": map[string]any{"pk": image["pk"], "sk": image["sk"]}, "NewImage": image,
			"SequenceNumber": "1", "SizeBytes": 1, "StreamViewType": "NEW_IMAGE", "ApproximateCreationDateTime": 1764000000,
		},
	}
	out, err := json.Marshal(record)
	if err != nil { // it is made of maps and texts
		return nil
	}
	return out
}

// sampleEvent is what the bus sees of an event of the service. TestEventPattern
// wants every one of these members
// (https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html).
func sampleEvent(source, detailType, region string) string {
	return fmt.Sprintf(`{"id":"00000000-0000-0000-0000-000000000000","account":"123456789012","source":%q,"detail-type":%q,"time":"2026-11-24T00:00:00Z","region":%q,"resources":[],"detail":{"headers":{"eventName":%q,"source":%q},"payload":{}}}`,
		source, detailType, region, detailType, source)
}
