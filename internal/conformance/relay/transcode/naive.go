package transcode

import (
	"encoding/json"
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// NaiveEvent is an event as a Go function has it without the library.
type NaiveEvent struct {
	Headers map[string]any
	Detail  []byte
}

// Naive returns the inserts in a stream event, as a Go function makes them without
// the library: aws-lambda-go's events, the SDK's attribute values, encoding/json.
func Naive(payload []byte) ([]NaiveEvent, error) {
	var batch events.DynamoDBEvent
	if err := json.Unmarshal(payload, &batch); err != nil {
		return nil, err
	}
	var all []NaiveEvent
	for _, r := range batch.Records {
		if r.EventName != string(events.DynamoDBOperationTypeInsert) {
			continue
		}
		image, err := toSDKMap(r.Change.NewImage)
		if err != nil {
			return nil, err
		}
		var item struct {
			Event map[string]any `dynamodbav:"event"`
		}
		if err := attributevalue.UnmarshalMap(image, &item); err != nil {
			return nil, err
		}
		detail, err := json.Marshal(item.Event)
		if err != nil {
			return nil, err
		}
		headers, _ := item.Event["headers"].(map[string]any)
		all = append(all, NaiveEvent{headers, detail})
	}
	return all, nil
}

// toSDKMap turns aws-lambda-go's attribute values into the SDK's: the converter
// that everybody has to write
// (https://github.com/aws/aws-lambda-go/issues/58).
func toSDKMap(from map[string]events.DynamoDBAttributeValue) (map[string]types.AttributeValue, error) {
	to := make(map[string]types.AttributeValue, len(from))
	for k, v := range from {
		av, err := toSDK(v)
		if err != nil {
			return nil, err
		}
		to[k] = av
	}
	return to, nil
}

func toSDK(from events.DynamoDBAttributeValue) (types.AttributeValue, error) {
	switch from.DataType() {
	case events.DataTypeNull:
		return &types.AttributeValueMemberNULL{Value: from.IsNull()}, nil
	case events.DataTypeBoolean:
		return &types.AttributeValueMemberBOOL{Value: from.Boolean()}, nil
	case events.DataTypeBinary:
		return &types.AttributeValueMemberB{Value: from.Binary()}, nil
	case events.DataTypeBinarySet:
		return &types.AttributeValueMemberBS{Value: from.BinarySet()}, nil
	case events.DataTypeNumber:
		return &types.AttributeValueMemberN{Value: from.Number()}, nil
	case events.DataTypeNumberSet:
		return &types.AttributeValueMemberNS{Value: from.NumberSet()}, nil
	case events.DataTypeString:
		return &types.AttributeValueMemberS{Value: from.String()}, nil
	case events.DataTypeStringSet:
		return &types.AttributeValueMemberSS{Value: from.StringSet()}, nil
	case events.DataTypeMap:
		m, err := toSDKMap(from.Map())
		return &types.AttributeValueMemberM{Value: m}, err
	case events.DataTypeList:
		values := make([]types.AttributeValue, len(from.List()))
		for i, v := range from.List() {
			av, err := toSDK(v)
			if err != nil {
				return nil, err
			}
			values[i] = av
		}
		return &types.AttributeValueMemberL{Value: values}, nil
	}
	return nil, fmt.Errorf("transcode: no SDK type for data type %d", from.DataType())
}
