package outboxtest

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/operation"
)

// stored is a copy of an item as DynamoDB gives it back: its numbers are written
// in the shortest way. A nil item stays nil.
func stored(item map[string]types.AttributeValue) map[string]types.AttributeValue {
	if item == nil {
		return nil
	}
	kept := make(map[string]types.AttributeValue, len(item))
	for name, v := range item {
		kept[name] = storedValue(v)
	}
	return kept
}

func storedValue(v types.AttributeValue) types.AttributeValue {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return &types.AttributeValueMemberS{Value: v.Value}
	case *types.AttributeValueMemberN:
		return &types.AttributeValueMemberN{Value: storedNumber(v.Value)}
	case *types.AttributeValueMemberB:
		return &types.AttributeValueMemberB{Value: slices.Clone(v.Value)}
	case *types.AttributeValueMemberBOOL:
		return &types.AttributeValueMemberBOOL{Value: v.Value}
	case *types.AttributeValueMemberNULL:
		return &types.AttributeValueMemberNULL{Value: v.Value}
	case *types.AttributeValueMemberSS:
		return &types.AttributeValueMemberSS{Value: slices.Clone(v.Value)}
	case *types.AttributeValueMemberNS:
		kept := make([]string, len(v.Value))
		for i := range v.Value {
			kept[i] = storedNumber(v.Value[i])
		}
		return &types.AttributeValueMemberNS{Value: kept}
	case *types.AttributeValueMemberBS:
		kept := make([][]byte, len(v.Value))
		for i := range v.Value {
			kept[i] = slices.Clone(v.Value[i])
		}
		return &types.AttributeValueMemberBS{Value: kept}
	case *types.AttributeValueMemberL:
		kept := make([]types.AttributeValue, len(v.Value))
		for i := range v.Value {
			kept[i] = storedValue(v.Value[i])
		}
		return &types.AttributeValueMemberL{Value: kept}
	case *types.AttributeValueMemberM:
		return &types.AttributeValueMemberM{Value: stored(v.Value)}
	}
	return v // the checks have refused it
}

func storedNumber(text string) string {
	n, ok := decimal.Parse(text)
	if !ok {
		return text // the checks have refused it
	}
	return string(n.AppendPlain(nil))
}

// sent is an action as it is when it is sent: what its caller changes later is no
// part of it.
func sent(a types.TransactWriteItem) operation.Operation {
	op, _ := operation.Of(&a)
	op.Attrs, op.Names, op.Values = stored(op.Attrs), maps.Clone(op.Names), stored(op.Values)
	return op
}
