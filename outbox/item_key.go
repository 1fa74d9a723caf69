package outbox

import (
	"fmt"
	"hash/maphash"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
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
// as the request shows the key of its table.
func (p *preflight) keyOf(a action) itemKey {
	k := itemKey{table: tableName(a.table), attrs: a.key}
	if a.item == nil {
		if len(a.key) > len(k.names) {
			return k
		}
		i := len(k.names) - 1
		for name := range a.key {
			k.names[i] = name
			i--
		}
		return k.ordered()
	}
	k.attrs = a.item
	shown := p.tableKey(k.table)
	for i, part := range shown.parts {
		k.names[i] = part.name
	}
	if shown.open && a.item[p.layout.SK] != nil {
		k.names[1] = p.layout.SK
	}
	return k.ordered()
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
			hash += maphash.String(keySeed, eventitem.Sent(v.Value))
		case *types.AttributeValueMemberB:
			hash += maphash.Bytes(keySeed, v.Value)
		case *types.AttributeValueMemberN:
			n, _ := decimal.Parse(v.Value)
			hash += n.Hash(keySeed)
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
		if name != "" && !equalKeys(k.attrs[name], other.attrs[name]) {
			return false
		}
	}
	return true
}

// equalKeys reports whether two values of a key attribute are the same as the
// SDK sends them.
func equalKeys(a, b types.AttributeValue) bool {
	textA, isA := a.(*types.AttributeValueMemberS)
	textB, isB := b.(*types.AttributeValueMemberS)
	if isA && isB {
		return eventitem.Sent(textA.Value) == eventitem.Sent(textB.Value)
	}
	return eventitem.Equal(a, b)
}
