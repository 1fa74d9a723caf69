package outbox

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

// action is one operation of a transaction, whatever its kind.
type action struct {
	index int
	table string
	item  map[string]types.AttributeValue // of a Put
	size  int                             // of the item, where that is known already
	key   map[string]types.AttributeValue // of the others

	expressions eventitem.Expressions
}

func view(index int, item *types.TransactWriteItem) (action, error) {
	a := action{index: index}
	refuse := func(problem string) (action, error) {
		return a, &PreflightError{Index: index, Table: a.table, Rule: RuleAction, Problem: problem}
	}
	operations := 0
	var table *string
	var onFailure types.ReturnValuesOnConditionCheckFailure
	missing := ""
	require := func(name string, given bool) {
		if missing == "" && !given {
			missing = name
		}
	}
	if op := item.Put; op != nil {
		operations++
		table, a.item, onFailure = op.TableName, op.Item, op.ReturnValuesOnConditionCheckFailure
		a.expressions = eventitem.Expressions{Condition: op.ConditionExpression,
			Names: op.ExpressionAttributeNames, Values: op.ExpressionAttributeValues}
		require("Put.Item", len(op.Item) > 0)
	}
	if op := item.Update; op != nil {
		operations++
		table, a.key, onFailure = op.TableName, op.Key, op.ReturnValuesOnConditionCheckFailure
		a.expressions = eventitem.Expressions{Condition: op.ConditionExpression, Update: op.UpdateExpression,
			Names: op.ExpressionAttributeNames, Values: op.ExpressionAttributeValues}
		require("Update.Key", len(op.Key) > 0)
		require("Update.UpdateExpression", op.UpdateExpression != nil)
	}
	if op := item.Delete; op != nil {
		operations++
		table, a.key, onFailure = op.TableName, op.Key, op.ReturnValuesOnConditionCheckFailure
		a.expressions = eventitem.Expressions{Condition: op.ConditionExpression,
			Names: op.ExpressionAttributeNames, Values: op.ExpressionAttributeValues}
		require("Delete.Key", len(op.Key) > 0)
	}
	if op := item.ConditionCheck; op != nil {
		operations++
		table, a.key, onFailure = op.TableName, op.Key, op.ReturnValuesOnConditionCheckFailure
		a.expressions = eventitem.Expressions{Condition: op.ConditionExpression,
			Names: op.ExpressionAttributeNames, Values: op.ExpressionAttributeValues}
		require("ConditionCheck.Key", len(op.Key) > 0)
		require("ConditionCheck.ConditionExpression", op.ConditionExpression != nil)
	}
	a.table = value(table)
	switch {
	case operations == 0:
		return refuse("no operation; an action is a Put, an Update, a Delete or a ConditionCheck")
	case operations > 1:
		return refuse(fmt.Sprintf("%d operations; each goes into an action of its own", operations))
	case a.table == "":
		return refuse("no TableName")
	case !isTable(a.table):
		return refuse("TableName is not 3 to 255 characters a-z, A-Z, 0-9, '_', '-' and '.', nor an ARN")
	case missing != "":
		return refuse("no " + missing)
	}
	switch onFailure {
	case "", types.ReturnValuesOnConditionCheckFailureNone, types.ReturnValuesOnConditionCheckFailureAllOld:
		return a, nil
	}
	return refuse("ReturnValuesOnConditionCheckFailure is neither NONE nor ALL_OLD")
}

// isTable reports whether a table can be named so. What is in an ARN is left to
// DynamoDB.
func isTable(table string) bool {
	if strings.HasPrefix(table, "arn:") {
		return len(table) <= 1024
	}
	return isTableName(table)
}

// check checks an action alone, its key apart, and returns the bytes that it
// counts for in the transaction.
func (a action) check() (int, error) {
	expressions, err := a.expressions.Size()
	if err != nil {
		return 0, a.valueError("", RuleExpressionSize, err)
	}
	if a.item == nil {
		size, err := eventitem.ItemSize(a.key)
		if err != nil {
			return 0, a.valueError("Key", RuleValue, err)
		}
		return size + expressions, nil
	}
	size := a.size
	if size == 0 {
		if size, err = eventitem.ItemSize(a.item); err != nil {
			return 0, a.valueError("Item", RuleValue, err)
		}
	}
	if size > MaxItemBytes {
		return 0, &PreflightError{Index: a.index, Table: a.table, Rule: RuleItemSize, Actual: size, Allowed: MaxItemBytes}
	}
	return size + expressions, nil
}

// valueError places an error about a value in the action; limit is the rule if
// it is one about another limit than a name's.
func (a action) valueError(where string, limit Rule, err error) error {
	e := &PreflightError{Index: a.index, Table: a.table, Rule: RuleValue, Path: where, Problem: err.Error()}
	var v *eventitem.ValueError
	if errors.As(err, &v) {
		e.Problem, e.Actual, e.Allowed = v.Problem, v.Size, v.Limit
		if v.Limit > 0 && v.Limit != eventitem.MaxName {
			e.Rule = limit
		}
		switch {
		case v.Path == "":
		case v.Path[0] == '[' || where == "":
			e.Path += v.Path
		default:
			e.Path += "." + v.Path
		}
	}
	return e
}
