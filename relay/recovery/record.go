package recovery

import (
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// An item as a record of the stream, as far as the relay asks for it.
const (
	beforeItem = `{"eventName":"INSERT","eventSource":"aws:dynamodb","dynamodb":{"NewImage":`
	behindItem = `}}`
)

// recordsOf makes records of items in DynamoDB JSON.
func recordsOf(items [][]byte) []relay.Again {
	size := 0
	for _, item := range items {
		size += len(beforeItem) + len(item) + len(behindItem)
	}
	buffer := make([]byte, 0, size)
	out := make([]relay.Again, len(items))
	for i, item := range items {
		from := len(buffer)
		buffer = append(append(append(buffer, beforeItem...), item...), behindItem...)
		out[i].Record = buffer[from:len(buffer):len(buffer)]
	}
	return out
}

// itemTexts are items as DynamoDB JSON.
func itemTexts(items []map[string]types.AttributeValue) ([][]byte, error) {
	out := make([][]byte, len(items))
	for i, item := range items {
		text, err := attributevalue.MarshalMapJSON(item)
		if err != nil {
			return nil, err
		}
		out[i] = text
	}
	return out, nil
}
