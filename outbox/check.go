package outbox

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/operation"
)

// Check makes the checks of [Writer.Append] on a transaction that is complete, and
// all others that can be made without knowing tables and what they hold. It is
// for tests, and for whoever wants to know before DynamoDB says so:
//
//   - each action is one operation, with what that needs, and names its table
//     rightly; there is at least one action;
//   - values and names at any depth of items and expressions: numbers, sets,
//     nesting in items, NULL, the lengths of names;
//   - keys: one or two attributes that can be a key, of the names and types that
//     the layout says for the writer's own table, and for another one the first
//     Key in the transaction; the item of a Put has them;
//   - expressions: not empty, 4,096 bytes at most, each placeholder well-formed,
//     defined and used, 2 MB of names and values.
//
// A condition or an update is not parsed: syntax, reserved words, the number of
// operators and paths that overlap are left to DynamoDB.
//
// The events of the transaction were checked by [Writer.Items]: here they are
// actions like the caller's, and nothing is said of their size on the bus.
func (w *Writer) Check(in *dynamodb.TransactWriteItemsInput) error {
	if in == nil {
		return errNilTransaction
	}
	if len(in.TransactItems) == 0 {
		return &PreflightError{Index: -1, Rule: RuleActions, Problem: "the transaction has none"}
	}
	p := preflight{own: tableIDOf(w.table), layout: w.opts.Layout, actions: read(in.TransactItems, nil)}
	if err := p.check(in.ClientRequestToken); err != nil {
		return err
	}
	for i := range p.actions {
		a := &p.actions[i]
		op, count := operation.Of(&in.TransactItems[i])
		err := a.complete(op, count)
		if err == nil {
			err = a.storable()
		}
		if err == nil {
			err = expressions(op).check(a)
		}
		if err == nil {
			err = p.rightKey(a)
		}
		if err != nil {
			return p.named(err, a)
		}
	}
	return nil
}

// complete checks that an action is one operation, with what it needs.
func (a *action) complete(op operation.Operation, operations int) *PreflightError {
	missing := ""
	switch {
	case len(op.Attrs) == 0:
		missing = op.Name + "." + a.where()
	case op.Name == operation.Update && op.Update == nil:
		missing = "Update.UpdateExpression"
	case op.Name == operation.ConditionCheck && op.Condition == nil:
		missing = "ConditionCheck.ConditionExpression"
	}
	problem := ""
	switch {
	case operations == 0:
		problem = "no operation; an action is a Put, an Update, a Delete or a ConditionCheck"
	case operations > 1:
		problem = fmt.Sprintf("%d operations; each goes into an action of its own", operations)
	case a.table == "":
		problem = "no TableName"
	case validateTable(a.table) != nil:
		problem = "TableName is not 3 to 255 characters a-z, A-Z, 0-9, '_', '-' and '.', nor the ARN of a table"
	case missing != "":
		problem = "no " + missing
	case op.OnFailure != "" && op.OnFailure != types.ReturnValuesOnConditionCheckFailureNone && op.OnFailure != types.ReturnValuesOnConditionCheckFailureAllOld:
		problem = "ReturnValuesOnConditionCheckFailure is neither NONE nor ALL_OLD"
	default:
		return nil
	}
	return a.refuse(RuleAction, "", problem)
}

// storable checks the values of an item or a Key.
func (a *action) storable() *PreflightError {
	if _, err := itemsize.Check(a.attrs); err != nil {
		return a.fault(a.where(), err)
	}
	return nil
}
