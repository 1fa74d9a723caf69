package outbox

import (
	"fmt"
	"hash/maphash"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
)

// itemKey is the key of an item.
type itemKey struct {
	table string
	attrs map[string]types.AttributeValue // the key's attributes are among these
	names [2]string                       // of the key's attributes, in order; the first may be ""
}

// sameItem takes note of the action's key, if it is known, and refuses it when
// an earlier action has the same.
func (p *preflight) sameItem(a action) error {
	k := p.keyOf(a)
	hash, ok := k.hash()
	if !ok {
		return nil
	}
	for i, other := range p.hashes[:a.index] {
		if other != hash {
			continue
		}
		earlier, _ := p.at(i) // which has been checked
		if p.keyOf(earlier).equal(k) {
			return &PreflightError{Index: a.index, Table: a.table, Rule: RuleSameItem,
				Problem: fmt.Sprintf("TransactItems[%d] goes to it too", i)}
		}
	}
	p.hashes[a.index] = hash
	return nil
}

// keyOf returns the key of an action: as given for most kinds; for a Put as far
// as the key names of its table show, which they do for the writer's own table
// and for one to which another action of the request gives a Key.
func (p *preflight) keyOf(a action) itemKey {
	k := itemKey{table: tableName(a.table), attrs: a.key}
	names := a.key
	if a.item != nil {
		k.attrs = a.item
		if k.table == tableName(p.table) {
			k.names[1] = p.layout.PK
			if a.item[p.layout.SK] != nil {
				k.names[0] = p.layout.SK
			}
			return k.ordered()
		}
		names = keyNamesOf(k.table, p.actions)
	}
	if len(names) > 2 {
		return k
	}
	i := 1
	for name := range names {
		k.names[i] = name
		i--
	}
	return k.ordered()
}

// keyNamesOf returns a key of the table that an action of the request shows.
func keyNamesOf(table string, actions []types.TransactWriteItem) map[string]types.AttributeValue {
	for i := range actions {
		var name *string
		var key map[string]types.AttributeValue
		switch a := &actions[i]; {
		case a.Update != nil:
			name, key = a.Update.TableName, a.Update.Key
		case a.Delete != nil:
			name, key = a.Delete.TableName, a.Delete.Key
		case a.ConditionCheck != nil:
			name, key = a.ConditionCheck.TableName, a.ConditionCheck.Key
		}
		if name != nil && tableName(*name) == table {
			return key
		}
	}
	return nil
}

func (k itemKey) ordered() itemKey {
	if k.names[0] > k.names[1] {
		k.names[0], k.names[1] = k.names[1], k.names[0]
	}
	return k
}

var keySeed = maphash.MakeSeed()

// hash returns the hash of the key, which is not 0, if it is known.
func (k itemKey) hash() (hash uint64, known bool) {
	hash = maphash.String(keySeed, k.table)
	for _, name := range k.names {
		if name == "" {
			continue
		}
		known = true
		hash *= 31
		switch v := k.attrs[name].(type) {
		case *types.AttributeValueMemberS:
			hash += maphash.String(keySeed, v.Value)
		case *types.AttributeValueMemberB:
			hash += maphash.Bytes(keySeed, v.Value)
		case *types.AttributeValueMemberN:
			// equal numbers can be spelled differently, but not be other floats
			if f, err := strconv.ParseFloat(v.Value, 64); err == nil && f != 0 {
				hash += maphash.Comparable(keySeed, f)
			}
		default:
			return 0, false
		}
	}
	return hash | 1, known
}

func (k itemKey) equal(other itemKey) bool {
	if k.table != other.table || k.names != other.names {
		return false
	}
	for _, name := range k.names {
		if name != "" && !eventitem.Equal(k.attrs[name], other.attrs[name]) {
			return false
		}
	}
	return true
}
