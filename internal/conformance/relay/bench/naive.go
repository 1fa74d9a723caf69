package bench

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/relay/transcode"
)

// readNaively returns the entries of a batch as a Go function makes them without
// the library.
func readNaively(payload []byte) ([]types.PutEventsRequestEntry, error) {
	events, err := transcode.Naive(payload)
	if err != nil {
		return nil, err
	}
	entries := make([]types.PutEventsRequestEntry, len(events))
	for i, e := range events {
		source, _ := e.Headers["source"].(string)
		name, _ := e.Headers["eventName"].(string)
		ms, _ := e.Headers["timestamp"].(float64)
		entries[i] = types.PutEventsRequestEntry{
			Detail: aws.String(string(e.Detail)), Source: aws.String(source), DetailType: aws.String(name),
			EventBusName: aws.String(bus), Time: aws.Time(time.UnixMilli(int64(ms))),
		}
	}
	return entries, nil
}
