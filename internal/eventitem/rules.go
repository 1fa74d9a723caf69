package eventitem

import (
	"fmt"
	"strings"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/buslimits"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
)

var (
	duplicateKey  = "the key occurs twice in its object"
	bigInteger    = "an integer outside the int64 range, which EventBridge refuses"
	tooDeep       = fmt.Sprintf("nested too deep: DynamoDB takes %d maps and lists within each other, counted from the attribute of the item", itemsize.MaxLevel)
	tooDeepForBus = fmt.Sprintf("nested too deep: EventBridge takes %d levels", buslimits.MaxDetailDepth)
)

// checkKeyOfMap checks a key of a payload as the name of a map's member.
func checkKeyOfMap(key string) *ValueError {
	switch {
	case key == "":
		return mapFault("an empty key, which a DynamoDB map cannot have")
	case len(key) > itemsize.MaxName:
		return mapFault(fmt.Sprintf("a key of %d bytes, a DynamoDB map takes %d", len(key), itemsize.MaxName))
	}
	return nil
}

// checkPublished checks a number that is published as it was written.
func checkPublished(n *decimal.Number) *ValueError {
	switch {
	case !strings.ContainsAny(n.Literal(), ".eE") && !n.FitsInt64():
		return fault(bigInteger)
	case !n.FitsFloat64():
		return fault("a number too large for a float64, which most JSON readers refuse")
	}
	return nil
}

// checkStored checks a number that is stored as an N, and published as DynamoDB
// writes it. The fault is one of the map form alone if the number could be
// published as it was written.
func checkStored(n *decimal.Number) *ValueError {
	var err *ValueError
	if problem := n.Check(); problem != nil {
		err = fault(problem.Error() + ", which a DynamoDB number cannot hold")
	} else if n.IsInteger() && !n.FitsInt64() {
		err = fault(bigInteger)
	} else {
		return nil
	}
	err.MapOnly = checkPublished(n) == nil
	return err
}
