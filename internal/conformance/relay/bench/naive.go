package bench

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
)

// readNaively returns the entries of a batch as a Go function makes them without
// the library: aws-lambda-go's events, the SDK's attribute values, encoding/json.
func readNaively(payload []byte) ([]types.PutEventsRequestEntry, error) {
	var batch events.DynamoDBEvent
	if err := json.Unmarshal(payload, &batch); err != nil {
		return nil, err
	}
	var entries []types.PutEventsRequestEntry
	for _, r := range batch.Records {
		if r.EventName != string(events.DynamoDBOperationTypeInsert) {
			continue
		}
		image, err := toSDKMap(r.Change.NewImage)
		if err != nil {
			return nil, err
		}
		var item struct {
			Event struct {
				Headers map[string]any `dynamodbav:"headers" json:"headers"`
				Payload map[string]any `dynamodbav:"payload" json:"payload"`
			} `dynamodbav:"event"`
		}
		if err := attributevalue.UnmarshalMap(image, &item); err != nil {
			return nil, err
		}
		detail, err := json.Marshal(item.Event)
		if err != nil {
			return nil, err
		}
		source, _ := item.Event.Headers["source"].(string)
		name, _ := item.Event.Headers["eventName"].(string)
		ms, _ := item.Event.Headers["timestamp"].(float64)
		entries = append(entries, types.PutEventsRequestEntry{
			Detail: aws.String(string(detail)), Source: aws.String(source), DetailType: aws.String(name),
			EventBusName: aws.String(bus), Time: aws.Time(time.UnixMilli(int64(ms))),
		})
	}
	return entries, nil
}

// toSDKMap is the converter between the two types of attribute values that
// everybody has to write (https://github.com/aws/aws-lambda-go/issues/58).
func toSDKMap(from map[string]events.DynamoDBAttributeValue) (map[string]ddbtypes.AttributeValue, error) {
	to := make(map[string]ddbtypes.AttributeValue, len(from))
	for k, v := range from {
		var err error
		if to[k], err = toSDK(v); err != nil {
			return nil, err
		}
	}
	return to, nil
}

func toSDK(from events.DynamoDBAttributeValue) (ddbtypes.AttributeValue, error) {
	switch from.DataType() {
	case events.DataTypeNull:
		return &ddbtypes.AttributeValueMemberNULL{Value: true}, nil
	case events.DataTypeBoolean:
		return &ddbtypes.AttributeValueMemberBOOL{Value: from.Boolean()}, nil
	case events.DataTypeNumber:
		return &ddbtypes.AttributeValueMemberN{Value: from.Number()}, nil
	case events.DataTypeString:
		return &ddbtypes.AttributeValueMemberS{Value: from.String()}, nil
	case events.DataTypeMap:
		m, err := toSDKMap(from.Map())
		return &ddbtypes.AttributeValueMemberM{Value: m}, err
	case events.DataTypeList:
		list := make([]ddbtypes.AttributeValue, len(from.List()))
		for i, v := range from.List() {
			var err error
			if list[i], err = toSDK(v); err != nil {
				return nil, err
			}
		}
		return &ddbtypes.AttributeValueMemberL{Value: list}, nil
	default:
		return nil, fmt.Errorf("bench: no SDK type for data type %d", from.DataType())
	}
}
