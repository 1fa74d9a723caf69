package preflight

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
)

// countedMore is by how many bytes an engine counts the numbers of a value for
// more than AWS does: MiniStack 1.5.33 and DynamoDB Local 3.1.0 pair digits from
// the point on, so that 12e11 and 0.012 have two pairs. DynamoDB Local counts no
// number for more than 21 bytes.
func countedMore(e *engine.Engine, v types.AttributeValue) int {
	most := 0
	switch e.Name {
	case engine.MiniStack:
		most = 100
	case engine.DynamoDBLocal:
		most = 21
	default:
		return 0
	}
	more := 0
	switch v := v.(type) {
	case *types.AttributeValueMemberN:
		n, ok := decimal.Parse(v.Value)
		if !ok || n.Digits() == 0 {
			return 0
		}
		last := n.Exponent() - int64(n.Digits()) + 1 // power of ten of the last digit
		size := 2 + int(n.Exponent()>>1-last>>1)     // powers 1 and 0 are a pair, -1 and -2, …
		if n.Negative() {
			size++
		}
		return min(size, most) - n.Size()
	case *types.AttributeValueMemberNS:
		for _, n := range v.Value {
			more += countedMore(e, number(n))
		}
	case *types.AttributeValueMemberM:
		for _, member := range v.Value {
			more += countedMore(e, member)
		}
	case *types.AttributeValueMemberL:
		for _, element := range v.Value {
			more += countedMore(e, element)
		}
	}
	return more
}
