// Package operation reads the actions of a transaction: the four operations have
// the same fields under the same names, and no type in common.
package operation

import "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

// The names of the operations.
const (
	Put            = "Put"
	Update         = "Update"
	Delete         = "Delete"
	ConditionCheck = "ConditionCheck"
)

// Operation is what an action is to do. It shares its maps with the action.
type Operation struct {
	Name      string
	Table     *string
	Attrs     map[string]types.AttributeValue // the Item of a Put, the Key of the others
	Update    *string                         // the UpdateExpression; nil of all but an Update
	Condition *string
	Names     map[string]string
	Values    map[string]types.AttributeValue
	OnFailure types.ReturnValuesOnConditionCheckFailure
}

// Of returns the operation of an action and how many it has: one if it is right.
// Of several it returns the last, in the order of the names above.
func Of(a *types.TransactWriteItem) (op Operation, count int) {
	if o := a.Put; o != nil {
		count++
		op = Operation{Put, o.TableName, o.Item, nil, o.ConditionExpression,
			o.ExpressionAttributeNames, o.ExpressionAttributeValues, o.ReturnValuesOnConditionCheckFailure}
	}
	if o := a.Update; o != nil {
		count++
		op = Operation{Update, o.TableName, o.Key, o.UpdateExpression, o.ConditionExpression,
			o.ExpressionAttributeNames, o.ExpressionAttributeValues, o.ReturnValuesOnConditionCheckFailure}
	}
	if o := a.Delete; o != nil {
		count++
		op = Operation{Delete, o.TableName, o.Key, nil, o.ConditionExpression,
			o.ExpressionAttributeNames, o.ExpressionAttributeValues, o.ReturnValuesOnConditionCheckFailure}
	}
	if o := a.ConditionCheck; o != nil {
		count++
		op = Operation{ConditionCheck, o.TableName, o.Key, nil, o.ConditionExpression,
			o.ExpressionAttributeNames, o.ExpressionAttributeValues, o.ReturnValuesOnConditionCheckFailure}
	}
	return op, count
}
