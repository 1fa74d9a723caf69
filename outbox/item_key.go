package outbox

import (
	"fmt"
	"hash/maphash"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
)

// keyNames are the names of a key's attributes, in the order of the alphabet, for
// a Key does not say which of two is the sort key. The first is "" where there is
// one; both are "" where the key does not show.
type keyNames [2]string

func (n keyNames) known() bool { return n[1] != "" }

func (n keyNames) count() int {
	switch {
	case n[0] != "":
		return 2
	case n[1] != "":
		return 1
	}
	return 0
}

func namesOfKey(a, b string) keyNames {
	if a > b {
		a, b = b, a
	}
	return keyNames{a, b}
}

// tableKey is the key of a table as an action's Key shows it.
type tableKey struct {
	table string
	names keyNames
	by    int // the index of the action
}

// learnKeys finds out which actions show their key: each that has a Key; a Put to
// the table of the writer or inbox, by the layout; a Put to a table of which
// another action shows the key. If that one is wrong, DynamoDB refuses the
// transaction for it.
func (p *preflight) learnKeys() {
	for i := range p.actions {
		a := &p.actions[i]
		if a.put || len(a.attrs) == 0 || len(a.attrs) > 2 {
			continue
		}
		for name := range a.attrs {
			a.key = namesOfKey(a.key[1], name)
		}
		if p.keyOf(a.name) == nil {
			p.keys = append(p.keys, tableKey{table: a.name, names: a.key, by: i})
		}
	}
	for i := range p.actions {
		a := &p.actions[i]
		if !a.put {
			continue
		}
		var names keyNames
		switch k := p.keyOf(a.name); {
		case a.name == p.own.name:
			names[1] = p.layout.PK
			if a.attrs[p.layout.SK] != nil {
				names = namesOfKey(p.layout.PK, p.layout.SK)
			}
		case k != nil:
			names = k.names
		}
		if a.hasAll(names) {
			a.key = names
		}
	}
}

var keySeed = maphash.MakeSeed()

// hashKey makes the hash of a key, by which a hundred actions are compared with
// each other in a fraction of the time.
func (a *action) hashKey() {
	hash := maphash.String(keySeed, a.name)
	for _, name := range a.key {
		hash *= 31
		switch v := a.attrs[name].(type) {
		case *types.AttributeValueMemberS:
			hash += maphash.String(keySeed, itemsize.Sent(v.Value))
		case *types.AttributeValueMemberB:
			hash += maphash.Bytes(keySeed, v.Value)
		case *types.AttributeValueMemberN:
			hash += maphash.String(keySeed, decimal.Canonical(v.Value))
		}
	}
	a.hash = hash
}

// keyOf returns what shows of the key of a table, nil if nothing does.
func (p *preflight) keyOf(table string) *tableKey {
	for i := range p.keys {
		if p.keys[i].table == table {
			return &p.keys[i]
		}
	}
	return nil
}

func (a *action) hasAll(names keyNames) bool {
	for _, name := range names {
		if name != "" && a.attrs[name] == nil {
			return false
		}
	}
	return true
}

// sameItem refuses an action whose key an earlier one has, too.
func (p *preflight) sameItem(a *action) *PreflightError {
	if !a.key.known() {
		return nil
	}
	a.hashKey()
	for i := range p.actions[:a.index] {
		if !a.sameKey(&p.actions[i]) {
			continue
		}
		problem := fmt.Sprintf("TransactItems[%d] goes to it too", i)
		mine, _ := p.subject(a)
		if other, _ := p.subject(&p.actions[i]); mine != "" && mine == other {
			problem = fmt.Sprintf("the same event is at TransactItems[%d]; it was appended twice", i)
		}
		return a.refuse(RuleSameItem, "", problem)
	}
	return nil
}

func (a *action) sameKey(b *action) bool {
	if a.hash != b.hash || a.key != b.key || a.name != b.name {
		return false
	}
	for _, name := range a.key {
		if name != "" && !equalKeys(a.attrs[name], b.attrs[name]) {
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
		return textA.Value == textB.Value || itemsize.Sent(textA.Value) == itemsize.Sent(textB.Value)
	}
	return eventitem.Equal(a, b)
}

// keySizes checks the sizes of a key's values, as far as the key shows. Where it
// does not show which of two is the sort key, one of them is.
func (p *preflight) keySizes(a *action) *PreflightError {
	own := a.name == p.own.name
	shorter := itemsize.MaxPartitionKey
	for _, name := range a.key {
		size, sized := keySize(a.attrs[name])
		if !sized {
			shorter = 0
			continue
		}
		limit := itemsize.MaxPartitionKey
		if own && name == p.layout.SK {
			if !p.hasSortKey() {
				continue
			}
			limit = itemsize.MaxSortKey
		}
		switch {
		case size == 0:
			return a.refuse(RuleValue, joined(a.where(), name), "empty, which a key cannot be")
		case size > limit:
			return a.over(RuleKeySize, joined(a.where(), name), size, limit)
		}
		shorter = min(shorter, size)
	}
	if !own && shorter > itemsize.MaxSortKey {
		return a.over(RuleKeySize, a.where(), shorter, itemsize.MaxSortKey)
	}
	return nil
}

// keySize returns the bytes of a key's text or binary.
func keySize(v types.AttributeValue) (size int, sized bool) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(itemsize.Sent(v.Value)), true
	case *types.AttributeValueMemberB:
		return len(v.Value), true
	}
	return 0, false
}

// hasSortKey reports whether the writer's or inbox's own table shows a sort key:
// without Keys the layout has one, else an item of ours has one if the table has.
func (p *preflight) hasSortKey() bool {
	if p.layout.Keys == nil {
		return true
	}
	for i := range p.actions {
		if _, ok := p.eventOf(&p.actions[i]); ok {
			return p.actions[i].attrs[p.layout.SK] != nil
		}
	}
	return false
}
