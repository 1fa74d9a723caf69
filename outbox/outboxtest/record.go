package outboxtest

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// change is what became of one item. A nil image means that there was, or is, no
// item.
type change struct {
	table    string
	old, new map[string]types.AttributeValue
}

// recordOf is a change as a stream record of view type NEW_IMAGE, as Lambda
// delivers it (https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html). Its
// time is that of the clock.
func recordOf(c change, l envelope.Layout, arn, sequence string) (json.RawMessage, error) {
	l = l.WithDefaults()
	name, some := "INSERT", c.new
	switch {
	case c.new == nil:
		name, some = "REMOVE", c.old
	case c.old != nil:
		name = "MODIFY"
	}
	keys := map[string]types.AttributeValue{}
	for _, k := range []string{l.PK, l.SK} {
		if v, ok := some[k]; ok {
			keys[k] = v
		}
	}
	stream := map[string]any{
		"ApproximateCreationDateTime": time.Now().Unix(), "SequenceNumber": sequence, "SizeBytes": 1, "StreamViewType": "NEW_IMAGE",
	}
	for member, item := range map[string]map[string]types.AttributeValue{"Keys": keys, "NewImage": c.new} {
		if item == nil {
			continue
		}
		text, err := attributevalue.MarshalMapJSON(item)
		if err != nil {
			return nil, fmt.Errorf("outboxtest: an item of table %s: %w", c.table, err)
		}
		stream[member] = json.RawMessage(text)
	}
	region := "eu-west-1"
	if parts := strings.SplitN(arn, ":", 5); len(parts) == 5 {
		region = parts[3]
	}
	return json.Marshal(map[string]any{
		"eventID": "event-" + sequence, "eventName": name, "eventVersion": "1.1", "eventSource": "aws:dynamodb",
		"awsRegion": region, "eventSourceARN": arn, "dynamodb": stream,
	})
}

// tableOf returns the name of a table that is given by name or by ARN.
func tableOf(table *string) string {
	if table == nil {
		return ""
	}
	if _, name, ok := strings.Cut(*table, ":table/"); ok {
		return name
	}
	return *table
}
