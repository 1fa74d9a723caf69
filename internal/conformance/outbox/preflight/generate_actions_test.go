package preflight

import (
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// The kinds of actions.
const (
	isPut = iota
	isUpdate
	isDelete
	isCheck
)

// transaction is one with what is needed to judge it.
type transaction struct {
	actions []action // the caller's
	token   *string
	events  []envelope.CustomEvent
	writer  *outbox.Writer
	store   schema
}

// transaction makes one. The last two of the tables are those of the writers.
func (g *generator) transaction(tables []schema, writers []map[bool]*outbox.Writer) (tx transaction) {
	g.hostile = g.bits(1) == 1
	events := oneOf(g.draw, 0, 0, 1, 1, 2)
	if g.chance(4) {
		events = 8
	}
	// Whether a table with Keys has a sort key shows only in an event, so a
	// transaction of its writer without events is not made.
	store := 0
	if events > 0 {
		store = g.bits(1)
	}
	stores := tables[len(tables)-2:]
	g.store, g.tables = stores[store], append(slices.Clone(tables[:len(tables)-2]), stores[1-store])
	tx.store, tx.writer = g.store, writers[store][g.bits(1) == 1]
	tx.actions = g.actions(events)
	for range events {
		tx.events = append(tx.events, g.event())
		if g.fault(32) {
			tx.events[len(tx.events)-1].Headers.EventID = tx.events[0].Headers.EventID
		}
	}
	if g.chance(32) {
		token := g.prefix + strconv.FormatInt(g.ids.Add(1), 10)
		token += strings.Repeat("t", 36-len(token))
		if g.fault(256) {
			token += "t"
		}
		tx.token = &token
	}
	return tx
}

// actions makes the caller's part of a transaction, to which some events come.
func (g *generator) actions(events int) (actions []action) {
	if g.chance(1) {
		return g.fourMegabytes()
	}
	count, unique := g.pick(6), false
	if events == 0 {
		count++
	}
	if g.chance(4) {
		count, unique = 98-events+g.pick(3), true
		if g.hostile {
			count += g.pick(4)
		}
	}
	type plan struct {
		schema
		kind int
	}
	plans := make([]plan, count)
	g.shown = map[*string]bool{}
	g.put = map[string]bool{}
	for i := range plans {
		plans[i] = plan{oneOf(g.draw, append(g.tables, g.store)...), oneOf(g.draw, isPut, isPut, isUpdate, isDelete, isCheck)}
		if plans[i].kind != isPut {
			g.shown[plans[i].table] = true
		}
	}
	for i, p := range plans {
		n, large := 0, false
		switch {
		case unique:
			n = i + 1
		case p.kind == isPut && g.chance(12):
			// On a key of its own: the size of an item after an Update does not show.
			large, n = true, 500+i
		}
		key := g.key(p.schema, p.kind == isPut, n)
		if p.kind == isPut && p.table != g.store.table && !g.shown[p.table] {
			// Two Puts on one item of a table whose key does not show are left
			// to DynamoDB (TestTransactions, "same item/Put and Put").
			k := keyText(p.schema, key)
			if g.put[k] {
				continue
			}
			g.put[k] = true
		}
		a := g.action(p.schema, p.kind, key, unique)
		if large {
			a.Put.Item = g.fill(a.Put.Item)
		}
		if g.fault(4) {
			g.mutilate(&a)
		}
		actions = append(actions, a)
	}
	return actions
}

func (g *generator) action(s schema, kind int, key attrs, small bool) action {
	table := s.table
	var x expressions
	if !small || kind == isUpdate || kind == isCheck {
		x = g.expressions(kind == isCheck, kind == isUpdate)
	}
	onFailure := oneOf(g.draw, "", types.ReturnValuesOnConditionCheckFailureNone, types.ReturnValuesOnConditionCheckFailureAllOld)
	switch kind {
	case isUpdate:
		return action{Update: &types.Update{TableName: table, Key: key, UpdateExpression: x.update, ConditionExpression: x.condition,
			ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values, ReturnValuesOnConditionCheckFailure: onFailure}}
	case isDelete:
		return action{Delete: &types.Delete{TableName: table, Key: key, ConditionExpression: x.condition,
			ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values, ReturnValuesOnConditionCheckFailure: onFailure}}
	case isCheck:
		return action{ConditionCheck: &types.ConditionCheck{TableName: table, Key: key, ConditionExpression: x.condition,
			ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values, ReturnValuesOnConditionCheckFailure: onFailure}}
	}
	item := attrs{}
	if !small {
		for range g.pick(4) {
			item[g.name()] = g.value(ofItem)
		}
	}
	for name, v := range key {
		item[name] = v
	}
	return action{Put: &types.Put{TableName: table, Item: item, ConditionExpression: x.condition,
		ExpressionAttributeNames: x.names, ExpressionAttributeValues: x.values, ReturnValuesOnConditionCheckFailure: onFailure}}
}

// fill makes an item as large as it can be, or a byte larger.
func (g *generator) fill(item attrs) attrs {
	size, err := itemsize.Check(item)
	if err != nil || size+len("pad") > outbox.MaxItemBytes-2 {
		return item
	}
	limit := outbox.MaxItemBytes - g.pick(2)
	if g.hostile {
		limit += g.pick(2)
	}
	return filled(item, limit)
}

// mutilate takes from an action what makes it one.
func (g *generator) mutilate(a *action) {
	table := aws.String(oneOf(g.draw, "", "ab", "us ers", long(256), "users\xff"))
	if g.bits(1) == 0 {
		table = nil
	}
	switch {
	case g.chance(128):
		*a = action{}
	case a.Put != nil && g.bits(1) == 0:
		a.Put.Item = nil
	case a.Put != nil:
		a.Put.TableName = table
	case a.Update != nil && g.bits(1) == 0:
		a.Update.UpdateExpression = nil
	case a.Update != nil:
		a.Update.TableName = table
	case a.Delete != nil && g.bits(1) == 0:
		a.Put = &types.Put{TableName: a.Delete.TableName, Item: attrs{"pk": text("x")}}
	case a.Delete != nil:
		a.Delete.Key = oneOf(g.draw, nil, attrs{})
	case a.ConditionCheck != nil && g.bits(1) == 0:
		a.ConditionCheck.ConditionExpression = nil
	case a.ConditionCheck != nil:
		a.ConditionCheck.TableName = table
	}
}

// fourMegabytes makes Puts that count for 4 MB together, or for a byte more or
// less.
func (g *generator) fourMegabytes() (actions []action) {
	left := outbox.MaxTransactionBytes - g.pick(2)
	if g.hostile {
		left += 1 + g.pick(2)
	}
	for i, a := range filling(g.tables[0].table, left) {
		id := g.prefix + strconv.Itoa(900+i)
		pad := a.Put.Item["pad"].(*types.AttributeValueMemberS)
		old := a.Put.Item["pk"].(*types.AttributeValueMemberS)
		pad.Value = strings.Repeat("y", len(pad.Value)+len(old.Value)-len(id))
		a.Put.Item["pk"] = text(id)
		actions = append(actions, a)
	}
	return actions
}
