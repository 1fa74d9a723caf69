package outbox

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

// tableKey is what a transaction shows of the primary key of a table.
type tableKey struct {
	parts [2]keyPart // the partition key first, if that shows; one without a name is not there

	// ordered says that the first part is the partition key: the other way round
	// is possible where only an action's Key shows the names.
	ordered bool

	// open says that there may be a sort key that does not show.
	open bool

	// by is the index of the action that shows it, -1 for the layout.
	by int
}

type keyPart struct {
	name string
	kind byte // 'S', 'N' or 'B'
}

func (k tableKey) known() bool { return k.parts[0].name != "" }

func (k tableKey) attributes() int {
	if k.parts[1].name != "" {
		return 2
	}
	return 1
}

// tableKey returns what shows of the key of a table: in its layout if it is the
// writer's or inbox's own, in the first Key that is given for it if not. A Put
// shows nothing.
func (p *preflight) tableKey(table string) tableKey {
	if table == tableName(p.table) {
		return p.own
	}
	for i := range p.actions {
		var name *string
		var attrs map[string]types.AttributeValue
		switch a := &p.actions[i]; {
		case a.Update != nil:
			name, attrs = a.Update.TableName, a.Update.Key
		case a.Delete != nil:
			name, attrs = a.Delete.TableName, a.Delete.Key
		case a.ConditionCheck != nil:
			name, attrs = a.ConditionCheck.TableName, a.ConditionCheck.Key
		}
		if name == nil || tableName(*name) != table {
			continue
		}
		k := tableKey{by: i}
		if len(attrs) > len(k.parts) {
			return k // which is refused for that
		}
		part := 0
		for name, v := range attrs {
			k.parts[part].name = name
			k.parts[part].kind, _ = keyValue(v)
			part++
		}
		return k
	}
	return tableKey{}
}

// ownKey returns the key of the writer's or inbox's own table. Whether there is a
// sort key shows in an item of ours; without one, in a layout without Keys.
func (p *preflight) ownKey() tableKey {
	k := tableKey{ordered: true, by: -1}
	k.parts[0] = keyPart{p.layout.PK, 'S'}
	item := p.ownItem()
	switch {
	case item != nil:
		if v := item[p.layout.SK]; v != nil {
			k.parts[1].name = p.layout.SK
			k.parts[1].kind, _ = keyValue(v)
		}
	case p.layout.Keys == nil:
		k.parts[1] = keyPart{p.layout.SK, 'N'}
	default:
		k.open = true
	}
	return k
}

// ownItem returns an item of ours in the transaction: of this call, or of an event
// that an earlier one has appended. It is nil if there is none, or none is needed.
func (p *preflight) ownItem() map[string]types.AttributeValue {
	if len(p.puts) > 0 {
		return p.puts[0].Item
	}
	if p.layout.Keys == nil {
		return nil
	}
	for i := range p.actions {
		put := p.actions[i].Put
		if put != nil && tableName(value(put.TableName)) == tableName(p.table) && eventitem.IsEvent(put.Item, p.layout) {
			return put.Item
		}
	}
	return nil
}

// keyValue returns the kind of a key attribute's value, 0 if a key cannot have
// it, and its size; that of a number is never a problem.
func keyValue(v types.AttributeValue) (kind byte, size int) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		if v != nil {
			return 'S', len(eventitem.Sent(v.Value))
		}
	case *types.AttributeValueMemberB:
		if v != nil {
			return 'B', len(v.Value)
		}
	case *types.AttributeValueMemberN:
		if v != nil {
			return 'N', 1
		}
	}
	return 0, 0
}

// checkKey checks the key of an action, in the item of a Put as far as the key
// of the table shows.
func (p *preflight) checkKey(a action) error {
	shown := p.tableKey(tableName(a.table))
	if a.item != nil {
		if !shown.known() {
			return nil
		}
		return a.checkParts("Item", a.item, shown)
	}
	switch {
	case len(a.key) > len(shown.parts):
		return a.keyError("Key", fmt.Sprintf("%d attributes; a key has one or two", len(a.key)))
	case !shown.open && len(a.key) != shown.attributes():
		return a.keyError("Key", fmt.Sprintf("%d attributes, but the key of the table has %d%s", len(a.key), shown.attributes(), shown.source()))
	}
	for name := range a.key {
		if name != shown.parts[0].name && name != shown.parts[1].name && !shown.open {
			return a.keyError("Key."+name, "not an attribute of the table's key"+shown.source())
		}
	}
	if shown.open {
		for name, v := range a.key {
			if name != shown.parts[0].name {
				shown.parts[1].name = name
				shown.parts[1].kind, _ = keyValue(v)
			}
		}
	}
	return a.checkParts("Key", a.key, shown)
}

// checkParts checks the attributes of a key. Where it does not show which of two
// is the sort key, one of them is all the same.
func (a action) checkParts(where string, attrs map[string]types.AttributeValue, shown tableKey) error {
	shortest := eventitem.MaxPartitionKey
	for i := range shown.attributes() {
		part := &shown.parts[i]
		kind, size := keyValue(attrs[part.name])
		switch {
		case attrs[part.name] == nil:
			return a.keyError(where+"."+part.name, "missing, but an attribute of the table's key"+shown.source())
		case kind == 0:
			return a.keyError(where+"."+part.name, "a key is a string, a number or binary")
		case size == 0:
			return a.keyError(where+"."+part.name, "empty, which a key cannot be")
		case kind != part.kind && part.kind != 0:
			return a.keyError(where+"."+part.name, fmt.Sprintf("of type %c, but the table's key is of type %c%s", kind, part.kind, shown.source()))
		}
		limit := eventitem.MaxPartitionKey
		if shown.ordered && i == 1 {
			limit = eventitem.MaxSortKey
		}
		if size > limit {
			return a.keySize(where+"."+part.name, size, limit)
		}
		shortest = min(shortest, size)
	}
	if shown.attributes() == 2 && shortest > eventitem.MaxSortKey {
		return a.keySize(where, shortest, eventitem.MaxSortKey)
	}
	return nil
}

// source says where the key of a table shows.
func (k tableKey) source() string {
	if k.by < 0 {
		return ", by the layout"
	}
	return fmt.Sprintf(", by TransactItems[%d]", k.by)
}

func (a action) keyError(path, problem string) error {
	return &PreflightError{Index: a.index, Table: a.table, Rule: RuleValue, Path: path, Problem: problem}
}

func (a action) keySize(path string, size, limit int) error {
	return &PreflightError{Index: a.index, Table: a.table, Rule: RuleKeySize, Path: path, Actual: size, Allowed: limit}
}
