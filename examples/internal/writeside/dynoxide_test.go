package writeside

import (
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
)

// countedLess is by how many bytes dynoxide 1.2.1 counts the numbers of a value
// for less than DynamoDB Local does. AWS calls its own rule approximate and says
// nothing of how digits are paired, or of a sign
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html).
//
//   - DynamoDB Local pairs digits from the point on. Dynoxide does so only in a
//     number with digits on both sides of the point: 12e11 and 0.012 are a byte
//     less there.
//   - DynamoDB Local counts no number for more than 21 bytes. In dynoxide, a
//     number below zero with 20 pairs is 22.
func countedLess(v types.AttributeValue) int {
	less := 0
	switch v := v.(type) {
	case *types.AttributeValueMemberN:
		n, ok := decimal.Parse(v.Value)
		if !ok || n.Digits() == 0 {
			return 0
		}
		pairs := (n.Digits() + 1) / 2
		if whole := int(n.Exponent()) + 1; whole > 0 && whole < n.Digits() {
			pairs = (whole+1)/2 + (n.Digits()-whole+1)/2
		}
		size := pairs + 1
		if n.Negative() {
			size++
		}
		return n.Size() - size
	case *types.AttributeValueMemberNS:
		for _, n := range v.Value {
			less += countedLess(number(n))
		}
	case *types.AttributeValueMemberM:
		for _, member := range v.Value {
			less += countedLess(member)
		}
	case *types.AttributeValueMemberL:
		for _, element := range v.Value {
			less += countedLess(element)
		}
	}
	return less
}
