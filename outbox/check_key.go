package outbox

import (
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// shownKey is what shows of the key of a table.
type shownKey struct {
	names  keyNames
	kinds  map[string]byte // 'S', 'N' or 'B' by name; 0 where it does not show
	open   bool            // there may be a sort key that does not show
	source string          // in words
}

// shownKeyOf returns the key of the writer's own table by its layout, and that of
// another one by the first Key of the transaction.
func (p *preflight) shownKeyOf(table string) (k shownKey, ok bool) {
	if table == p.own.name {
		return p.ownKey(), true
	}
	by := p.keyOf(table)
	if by == nil {
		return shownKey{}, false
	}
	k = shownKey{names: by.names, kinds: map[string]byte{}, source: fmt.Sprintf(", by TransactItems[%d]", by.by)}
	for name, v := range p.actions[by.by].attrs {
		k.kinds[name] = kindOfKey(v)
	}
	return k, true
}

// ownKey is the key of the writer's own table. Whether there is a sort key shows
// in an item of ours; without one, in a layout without Keys.
func (p *preflight) ownKey() shownKey {
	k := shownKey{names: keyNames{"", p.layout.PK}, kinds: map[string]byte{p.layout.PK: 'S'}, source: ", by the layout"}
	for i := range p.actions {
		if _, ok := p.eventOf(&p.actions[i]); ok {
			if v := p.actions[i].attrs[p.layout.SK]; v != nil {
				k.names, k.kinds[p.layout.SK] = namesOfKey(p.layout.PK, p.layout.SK), kindOfKey(v)
			}
			return k
		}
	}
	if k.open = p.layout.Keys != nil; !k.open {
		k.names, k.kinds[p.layout.SK] = namesOfKey(p.layout.PK, p.layout.SK), 'N'
	}
	return k
}

// kindOfKey returns the kind of a key attribute's value, 0 if a key cannot have
// it.
func kindOfKey(v types.AttributeValue) byte {
	switch v.(type) {
	case *types.AttributeValueMemberS:
		return 'S'
	case *types.AttributeValueMemberB:
		return 'B'
	case *types.AttributeValueMemberN:
		return 'N'
	}
	return 0
}

// rightKey checks that the key of an action can be one, and is that of the table
// as far as that shows.
func (p *preflight) rightKey(a *action) *PreflightError {
	shown, ok := p.shownKeyOf(a.name)
	if !a.put {
		if n := len(a.attrs); n > 2 {
			return a.refuse(RuleValue, "Key", fmt.Sprintf("%d attributes; a key has one or two", n))
		}
		if n := shown.names.count(); !shown.open && len(a.attrs) != n {
			return a.refuse(RuleValue, "Key", fmt.Sprintf("%d attributes, but the key of the table has %d%s", len(a.attrs), n, shown.source))
		}
		for _, name := range slices.Sorted(maps.Keys(a.attrs)) {
			if !shown.open && name != shown.names[0] && name != shown.names[1] {
				return a.refuse(RuleValue, joined("Key", name), "not an attribute of the table's key"+shown.source)
			}
			if kindOfKey(a.attrs[name]) == 0 {
				return a.refuse(RuleValue, joined("Key", name), "a key is a string, a number or binary")
			}
		}
	}
	if !ok {
		return nil
	}
	for _, name := range shown.names {
		if name == "" {
			continue
		}
		v, path := a.attrs[name], joined(a.where(), name)
		switch kind := kindOfKey(v); {
		case v == nil:
			return a.refuse(RuleValue, path, "missing, but an attribute of the table's key"+shown.source)
		case kind == 0:
			return a.refuse(RuleValue, path, "a key is a string, a number or binary")
		case shown.kinds[name] != 0 && kind != shown.kinds[name]:
			return a.refuse(RuleValue, path, fmt.Sprintf("of type %c, but the table's key is of type %c%s", kind, shown.kinds[name], shown.source))
		}
	}
	return p.keySizes(a)
}
