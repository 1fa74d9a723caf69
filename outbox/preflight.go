package outbox

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

// Limits of a transaction
// (https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html).
const (
	MaxActions          = 100
	MaxItemBytes        = 400 << 10
	MaxTransactionBytes = 4 << 20
	maxToken            = 36
)

// preflight checks a transaction as DynamoDB will, as far as a request shows
// what DynamoDB looks at. It reads the caller's actions and keeps nothing.
type preflight struct {
	table   string // of the writer or inbox, whose key names are known
	layout  envelope.Layout
	actions []types.TransactWriteItem // the caller's
	puts    []eventPut                // ours, behind them

	// hashes of the keys that are known, by the index of the action, for the rule
	// that no two actions go to one item; 0 where the key is not known.
	hashes [MaxActions]uint64
}

// check checks the transaction that actions and puts make together.
func (p *preflight) check(token *string) error {
	actions := len(p.actions) + len(p.puts)
	if actions > MaxActions {
		return &PreflightError{Index: -1, Rule: RuleActions, Actual: actions, Allowed: MaxActions}
	}
	if token != nil && (*token == "" || len(*token) > maxToken) {
		return &PreflightError{Index: -1, Rule: RuleToken, Actual: len(*token), Allowed: maxToken}
	}
	total := 0
	for i := range actions {
		a, err := p.at(i)
		if err != nil {
			return err
		}
		size, err := a.check()
		if err == nil {
			err = p.sameItem(a)
		}
		if err != nil {
			return p.named(err, a)
		}
		total += size
	}
	if total > MaxTransactionBytes {
		return &PreflightError{Index: -1, Rule: RuleTransactionSize, Actual: total, Allowed: MaxTransactionBytes}
	}
	return nil
}

// at returns the action with an index.
func (p *preflight) at(i int) (action, error) {
	if ours := i - len(p.actions); ours >= 0 {
		put := p.puts[ours]
		return action{index: i, table: *put.TableName, item: put.Item, size: put.size,
			condition: put.ConditionExpression, names: put.ExpressionAttributeNames}, nil
	}
	return view(i, &p.actions[i])
}

// named fills in the event that an error is about, if it is about one.
func (p *preflight) named(err error, a action) error {
	var e *PreflightError
	if errors.As(err, &e) && a.item != nil && tableName(a.table) == tableName(p.table) {
		if id, ok := eventitem.EventOf(a.item, p.layout); ok {
			e.EventID, e.EventName = id.EventID, id.EventName
		} else if id := text(a.item[receiptEventID]); id != "" && text(a.item[receiptConsumer]) != "" {
			e.EventID, e.EventName = id, text(a.item[receiptEventName])
		}
	}
	return err
}

// action is one operation of a transaction, whatever its kind.
type action struct {
	index int
	table string
	item  map[string]types.AttributeValue // of a Put
	size  int                             // of the item, where that is known already
	key   map[string]types.AttributeValue // of the others

	condition, update *string
	names             map[string]string
	values            map[string]types.AttributeValue
}

func view(index int, item *types.TransactWriteItem) (action, error) {
	a := action{index: index}
	refuse := func(problem string) (action, error) {
		return a, &PreflightError{Index: index, Table: a.table, Rule: RuleAction, Problem: problem}
	}
	operations := 0
	var table *string
	missing := ""
	require := func(name string, given bool) {
		if missing == "" && !given {
			missing = name
		}
	}
	if op := item.Put; op != nil {
		operations++
		table, a.item = op.TableName, op.Item
		a.condition, a.names, a.values = op.ConditionExpression, op.ExpressionAttributeNames, op.ExpressionAttributeValues
		require("Put.Item", len(op.Item) > 0)
	}
	if op := item.Update; op != nil {
		operations++
		table, a.key = op.TableName, op.Key
		a.condition, a.names, a.values = op.ConditionExpression, op.ExpressionAttributeNames, op.ExpressionAttributeValues
		require("Update.Key", len(op.Key) > 0)
		a.update = op.UpdateExpression
		require("Update.UpdateExpression", a.update != nil)
	}
	if op := item.Delete; op != nil {
		operations++
		table, a.key = op.TableName, op.Key
		a.condition, a.names, a.values = op.ConditionExpression, op.ExpressionAttributeNames, op.ExpressionAttributeValues
		require("Delete.Key", len(op.Key) > 0)
	}
	if op := item.ConditionCheck; op != nil {
		operations++
		table, a.key = op.TableName, op.Key
		a.condition, a.names, a.values = op.ConditionExpression, op.ExpressionAttributeNames, op.ExpressionAttributeValues
		require("ConditionCheck.Key", len(op.Key) > 0)
		require("ConditionCheck.ConditionExpression", a.condition != nil)
	}
	a.table = value(table)
	switch {
	case operations == 0:
		return refuse("no operation; an action is a Put, an Update, a Delete or a ConditionCheck")
	case operations > 1:
		return refuse(fmt.Sprintf("%d operations; each goes into an action of its own", operations))
	case a.table == "":
		return refuse("no TableName")
	case missing != "":
		return refuse("no " + missing)
	}
	return a, nil
}

// check checks an action alone and returns the bytes that it counts for in the
// transaction.
func (a action) check() (int, error) {
	expressions, err := eventitem.ExpressionSize(a.names, a.values, a.condition, a.update)
	if err != nil {
		return 0, a.valueError("ExpressionAttributeValues", err)
	}
	if a.item == nil {
		size, err := eventitem.ItemSize(a.key)
		if err != nil {
			return 0, a.valueError("Key", err)
		}
		return size + expressions, a.checkKey()
	}
	size := a.size
	if size == 0 {
		if size, err = eventitem.ItemSize(a.item); err != nil {
			return 0, a.valueError("Item", err)
		}
	}
	return size + expressions, a.itemSize(size)
}

func (a action) itemSize(size int) error {
	if size > MaxItemBytes {
		return &PreflightError{Index: a.index, Table: a.table, Rule: RuleItemSize, Actual: size, Allowed: MaxItemBytes}
	}
	return nil
}

// checkKey checks the key of an Update, Delete or ConditionCheck. Which of two
// attributes is the sort key does not show, only that one of them is.
func (a action) checkKey() error {
	refuse := func(name, problem string) error {
		return &PreflightError{Index: a.index, Table: a.table, Rule: RuleValue, Path: "Key." + name, Problem: problem}
	}
	if len(a.key) > 2 {
		return &PreflightError{Index: a.index, Table: a.table, Rule: RuleAction,
			Problem: fmt.Sprintf("%d key attributes; a key has one or two", len(a.key))}
	}
	shorter, longer, longest := 0, 0, ""
	for name, v := range a.key {
		size := 0
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			size = len(v.Value)
		case *types.AttributeValueMemberB:
			size = len(v.Value)
		case *types.AttributeValueMemberN:
			size = 1
		default:
			return refuse(name, "a key is a string, a number or binary")
		}
		if size == 0 {
			return refuse(name, "empty, which a key can not be")
		}
		shorter = max(shorter, min(size, longer))
		if size > longer {
			shorter, longer, longest = longer, size, name
		}
	}
	over := func(path string, size, limit int) error {
		return &PreflightError{Index: a.index, Table: a.table, Rule: RuleKeySize, Path: path, Actual: size, Allowed: limit}
	}
	switch {
	case longer > eventitem.MaxPartitionKey:
		return over("Key."+longest, longer, eventitem.MaxPartitionKey)
	case shorter > eventitem.MaxSortKey:
		return over("Key", shorter, eventitem.MaxSortKey)
	}
	return nil
}

func (a action) valueError(where string, err error) error {
	e := &PreflightError{Index: a.index, Table: a.table, Rule: RuleValue, Path: where, Problem: err.Error()}
	var v *eventitem.ValueError
	if errors.As(err, &v) {
		e.Problem = v.Problem
		switch {
		case v.Path == "":
		case v.Path[0] == '[':
			e.Path += v.Path
		default:
			e.Path += "." + v.Path
		}
	}
	return e
}
