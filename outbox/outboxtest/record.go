package outboxtest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// recordOf is a new item as a stream record of view type NEW_IMAGE, as Lambda
// delivers it (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html). Its
// time is that of the clock.
func recordOf(item map[string]types.AttributeValue, l envelope.Layout, arn, sequence string) (json.RawMessage, error) {
	l = l.WithDefaults()
	keys := map[string]types.AttributeValue{}
	for _, k := range []string{l.PK, l.SK} {
		if v, ok := item[k]; ok {
			keys[k] = v
		}
	}
	stream := map[string]any{
		"ApproximateCreationDateTime": time.Now().Unix(), "SequenceNumber": sequence, "SizeBytes": 1, "StreamViewType": "NEW_IMAGE",
	}
	for member, attrs := range map[string]map[string]types.AttributeValue{"Keys": keys, "NewImage": item} {
		text, err := attributevalue.MarshalMapJSON(attrs)
		if err != nil {
			return nil, err
		}
		stream[member] = json.RawMessage(text)
	}
	region := "eu-west-1"
	if parts := strings.SplitN(arn, ":", 5); len(parts) == 5 {
		region = parts[3]
	}
	return json.Marshal(map[string]any{
		"eventID": "event-" + sequence, "eventName": "INSERT", "eventVersion": "1.1", "eventSource": "aws:dynamodb",
		"awsRegion": region, "eventSourceARN": arn, "dynamodb": stream,
	})
}
