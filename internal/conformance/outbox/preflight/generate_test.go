package preflight

import (
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// generator makes transactions on keys that no other generator uses.
type generator struct {
	draw
	prefix string   // of its keys
	block  int      // of its keys that are numbers
	tables []schema // of the caller
	store  schema   // of the writer of the transaction
	shown  map[*string]bool
	put    map[string]bool // keys of Puts whose table's key does not show
	ids    *atomic.Int64
}

// part makes the value of a key attribute, of a pool that is small enough for
// two actions to meet. A number is always spelled in one way: DynamoDB Local
// takes two spellings for two keys (TestTransactions, "same item/two spellings").
func (g *generator) part(kind byte, unique int, limit int) types.AttributeValue {
	n := g.pick(5)
	if unique > 0 {
		n = 100 + unique
	}
	if kind == 'N' {
		return number(strconv.Itoa(g.block + n))
	}
	s := g.prefix + strconv.Itoa(n)
	if g.chance(16) {
		s += long(limit - len(s))
	}
	if kind == 'B' {
		return binary(s)
	}
	return text(s)
}

// badPart makes what no key attribute can be, whatever its kind, and whichever of
// two it is.
func (g *generator) badPart() types.AttributeValue {
	return oneOf[types.AttributeValue](g.draw, text(""), binary(""), text(long(2049)), binary(long(2049)), texts("a"), object(attrs{}), null(true),
		&types.AttributeValueMemberBOOL{}, nil, number("x"))
}

// otherPart makes what the key attribute of one kind cannot be.
func (g *generator) otherPart(kind byte) types.AttributeValue {
	if kind == 'S' {
		return oneOf(g.draw, number("1"), binary("a"))
	}
	return text("a")
}

// key makes a key. What can be wrong with it depends on what the request shows:
// in the writer's own table all of it; where another action shows the names, their
// absence from a Put; else nothing but what is wrong in every table.
func (g *generator) key(s schema, isPut bool, unique int) attrs {
	key := attrs{s.pk: g.part(s.pkKind, unique, itemsize.MaxPartitionKey)}
	if s.sk != "" {
		key[s.sk] = g.part(s.skKind, unique, itemsize.MaxSortKey)
	}
	own := s.table == g.store.table
	if isPut && !own && !g.shown[s.table] {
		return key
	}
	last := s.sk
	if last == "" || g.bits(1) == 0 {
		last = s.pk
	}
	if g.fault(8) {
		key[last] = g.badPart()
	}
	if !isPut && g.fault(4) {
		key["third"], key["fourth"] = text("a"), text("b")
	}
	if (isPut || own) && g.fault(4) {
		delete(key, last)
		if len(key) == 0 {
			key["other"] = text("x")
		}
	}
	if own && g.fault(4) {
		kind := s.pkKind
		if last == s.sk {
			kind = s.skKind
		}
		key[last] = g.otherPart(kind)
	}
	if own && s.skKind == 'S' && g.fault(16) {
		key[s.sk] = text(long(1025))
	}
	return key
}

// keyText is the same for keys that are the same.
func keyText(s schema, key attrs) string {
	return fmt.Sprint(*s.table, partText(key[s.pk]), partText(key[s.sk]))
}

func partText(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return "S" + v.Value
	case *types.AttributeValueMemberN:
		return "N" + canonical(v.Value)
	case *types.AttributeValueMemberB:
		return "B" + string(v.Value)
	}
	return ""
}

// expressions are those of an action, with what its placeholders stand for.
type expressions struct {
	condition, update *string
	names             map[string]string
	values            attrs
}

func (x *expressions) name(placeholder, name string) {
	if x.names == nil {
		x.names = map[string]string{}
	}
	x.names[placeholder] = name
}

func (x *expressions) value(placeholder string, v types.AttributeValue) {
	if x.values == nil {
		x.values = attrs{}
	}
	x.values[placeholder] = v
}

// expressions makes a condition that holds whatever is stored, and an update that
// can be done whatever is stored: its grammar is right, the key is not touched,
// and the item will not be too large, for none of this shows.
func (g *generator) expressions(conditional, updates bool) (x expressions) {
	if updates {
		update := oneOf(g.draw, "SET u1 = :u", "SET #u = :u", "REMOVE u2", "SET u1=:u,#u=:u REMOVE u2", "ADD cnt :one", "SET u1 = :u, u2 = if_not_exists(u2, :one)")
		if strings.Contains(update, "#u") {
			x.name("#u", oneOf(g.draw, "é", "u3", "a b", "name", "\x00"))
		}
		if strings.Contains(update, ":u") {
			x.value(":u", g.value(ofExpression))
		}
		if strings.Contains(update, ":one") {
			x.value(":one", number("1"))
		}
		x.update = &update
	}
	if conditional || g.bits(1) == 0 {
		g.condition(&x)
	}
	g.spoil(&x)
	return x
}

func (g *generator) condition(x *expressions) {
	condition := oneOf(g.draw, "attribute_not_exists(absent)", "attribute_not_exists(#n)", "attribute_not_exists(absent) OR absent = :v",
		"attribute_not_exists(absent) OR #n = :v OR absent.#n[3] = :v", "NOT attribute_exists(#n) OR #n <> :vv AND #n <> :v",
		"attribute_not_exists(absent)OR absent IN(:v,:vv,:v)")
	if strings.Contains(condition, "#n") {
		x.name("#n", oneOf(g.draw, "absent", "absent é", "absent"+long(g.bits(9)), "absent\xff"))
		if g.fault(8) {
			x.name("#n", oneOf(g.draw, "", "absent"+long(65530)))
		}
	}
	for _, placeholder := range []string{":v", ":vv"} {
		if strings.Contains(condition+" ", placeholder+" ") || strings.Contains(condition, placeholder+",") {
			x.value(placeholder, g.value(ofExpression))
		}
	}
	switch {
	case g.chance(8):
		condition += strings.Repeat(" ", 4096-len(condition))
	case g.fault(8):
		condition += strings.Repeat(" ", 4097-len(condition))
	}
	x.condition = &condition
}

// spoil makes expressions wrong in a way that shows without a parser.
func (g *generator) spoil(x *expressions) {
	// Placeholders without an expression are not made: DynamoDB may take them in
	// a transaction.
	if x.condition == nil && x.update == nil || !g.fault(36) {
		return
	}
	switch g.pick(6) {
	case 0:
		x.value(oneOf(g.draw, ":unused", "v", ":", "#v", ":a-b", "", ":"+long(255)), text("x"))
	case 1:
		x.name(oneOf(g.draw, "#unused", "n", "#", ":n", "#a.b", "", "#"+long(255)), "absent")
	case 2:
		clear(x.values)
		if g.bits(1) == 0 {
			x.values = nil
		}
	case 3:
		x.names = map[string]string{}
	case 4:
		if x.condition != nil {
			x.condition = aws.String(oneOf(g.draw, "", " ", "\n"))
		}
	default:
		if x.update != nil {
			x.update = aws.String(oneOf(g.draw, "", " ", "\n"))
		}
	}
}

// event makes an event that is right in itself: what can be wrong in an event
// alone, no engine sees.
func (g *generator) event() envelope.CustomEvent {
	payload := oneOf(g.draw, `{}`, `null`, `"text"`, `[1,2.50,-0]`, `{"a":{"b":["é",true,{}]},"n":1e2}`)
	if g.chance(4) {
		payload = `"` + long(outbox.MaxItemBytes-400-g.bits(9)) + `"`
		if g.hostile {
			payload = `"` + long(outbox.MaxItemBytes-g.bits(9)) + `"`
		}
	}
	id := g.prefix + "e" + strconv.FormatInt(g.ids.Add(1), 10)
	return event(id, payload)
}
