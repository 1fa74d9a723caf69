package outbox

import (
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/operation"
)

// action is what is read of one action of a transaction.
type action struct {
	index int
	table string // as the action names it; "" where it does not
	name  string // of the table

	// attrs are the item of a Put, or the Key of the others. An action that is
	// not exactly one operation shows nothing.
	attrs  map[string]types.AttributeValue
	values map[string]types.AttributeValue // that its placeholders stand for
	put    bool
	size   int // of the item, where that is known already

	key  keyNames // if it shows
	hash uint64   // of the key
}

// view reads a caller's action.
func view(index int, item *types.TransactWriteItem) action {
	op, count := operation.Of(item)
	if count != 1 {
		return action{index: index}
	}
	table := value(op.Table)
	return action{index: index, table: table, name: tableName(table), attrs: op.Attrs, values: op.Values, put: op.Name == operation.Put}
}

// refuse returns the error that an action breaks a rule.
func (a *action) refuse(rule Rule, path, problem string) *PreflightError {
	return &PreflightError{Index: a.index, Table: a.table, Rule: rule, Path: path, Problem: problem}
}

// over returns the error that an action is over a limit of bytes.
func (a *action) over(rule Rule, path string, actual, allowed int) *PreflightError {
	return &PreflightError{Index: a.index, Table: a.table, Rule: rule, Path: path, Actual: actual, Allowed: allowed}
}

// fault returns an error about a value in a field of the action.
func (a *action) fault(field string, err error) *PreflightError {
	e := a.refuse(RuleValue, field, err.Error())
	var f *itemsize.Fault
	if errors.As(err, &f) {
		e.Problem, e.Actual, e.Allowed = f.Problem, f.Size, f.Limit
		switch {
		case f.Path == "":
		case f.Path[0] == '[':
			e.Path += f.Path
		default:
			e.Path += "." + f.Path
		}
	}
	return e
}

// where is the field of an action that its attributes are.
func (a *action) where() string {
	if a.put {
		return "Item"
	}
	return "Key"
}

// joined is the path of a member of a field.
func joined(field, name string) string {
	return jsonlex.Path(jsonlex.AppendKey([]byte(field), name))
}

// named fills in the event, or the receipt's, that an error is about, if it is
// about one.
func (p *preflight) named(err *PreflightError, a *action) *PreflightError {
	if err != nil {
		err.EventID, err.EventName = p.subject(a)
	}
	return err
}

// subject returns the event that an action is, or is the receipt of; "" if it is
// neither.
func (p *preflight) subject(a *action) (eventID, eventName string) {
	if ev, ok := p.eventOf(a); ok {
		return ev.EventID, ev.EventName
	}
	if a.put && a.name == p.own.name && text(a.attrs[receiptConsumer]) != "" {
		return text(a.attrs[receiptEventID]), text(a.attrs[receiptEventName])
	}
	return "", ""
}

// eventOf returns the event of a Put to the writer's own table.
func (p *preflight) eventOf(a *action) (eventitem.Event, bool) {
	if !a.put || a.name != p.own.name {
		return eventitem.Event{}, false
	}
	return eventitem.EventOf(a.attrs, p.layout)
}
