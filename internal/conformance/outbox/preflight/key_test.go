package preflight

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// Keys, by each kind of action, in a table whose key shows in the request: the
// event store's own, whose names the writer knows, and one to which an action
// gives a Key.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.CoreComponents.html#HowItWorks.CoreComponents.PrimaryKey
func TestKeys(t *testing.T) {
	checkRows(t, func(w world) map[string]row {
		kinds := map[string]func(table *string, key attrs) []action{
			"Delete": func(table *string, key attrs) []action { return []action{remove(table, key)} },
			"Update": func(table *string, key attrs) []action { return []action{update(table, key)} },
			"ConditionCheck": func(table *string, key attrs) []action {
				return []action{comparing(table, key, text("x"))}
			},
			"Put beside a Delete": func(table *string, key attrs) []action {
				other := attrs{"pk": text("other"), "sk": text("other")}
				if table == w.users {
					delete(other, "sk")
				} else if table == w.store {
					other["sk"] = number("-1")
				}
				return []action{remove(table, other), put(table, key)}
			},
		}
		type key struct {
			table   *string
			key     attrs
			refused outbox.Rule
		}
		keys := map[string]key{
			"of 1 byte":                    {w.users, attrs{"pk": text("k")}, ""},
			"of 2,048 bytes":               {w.users, attrs{"pk": text(long(2048))}, ""},
			"of 2,049 bytes":               {w.users, attrs{"pk": text(long(2049))}, outbox.RuleKeySize},
			"of 2,049 bytes when sent":     {w.users, attrs{"pk": text(long(2046) + "\xff")}, outbox.RuleKeySize},
			"empty":                        {w.users, attrs{"pk": text("")}, outbox.RuleValue},
			"nil":                          {w.users, attrs{"pk": nil}, outbox.RuleValue},
			"a set":                        {w.users, attrs{"pk": texts("k")}, outbox.RuleValue},
			"a map":                        {w.users, attrs{"pk": object(attrs{})}, outbox.RuleValue},
			"null":                         {w.users, attrs{"pk": null(true)}, outbox.RuleValue},
			"empty binary":                 {w.users, attrs{"pk": binary("")}, outbox.RuleValue},
			"sort key of 1,024 bytes":      {w.orders, attrs{"pk": text(long(2048)), "sk": text(long(1024))}, ""},
			"both over 1,024 bytes":        {w.orders, attrs{"pk": text(long(1025)), "sk": text(long(1025))}, outbox.RuleKeySize},
			"empty sort key":               {w.orders, attrs{"pk": text("k"), "sk": text("")}, outbox.RuleValue},
			"event store":                  {w.store, attrs{"pk": text("k"), "sk": number("1")}, ""},
			"event store, pk of 2,048":     {w.store, attrs{"pk": text(long(2048)), "sk": number("1")}, ""},
			"event store, pk of 2,049":     {w.store, attrs{"pk": text(long(2049)), "sk": number("1")}, outbox.RuleKeySize},
			"event store, pk is N":         {w.store, attrs{"pk": number("1"), "sk": number("1")}, outbox.RuleValue},
			"event store, sk is S":         {w.store, attrs{"pk": text("k"), "sk": text("1")}, outbox.RuleValue},
			"event store, sk of 39 digits": {w.store, attrs{"pk": text("k"), "sk": number("1" + long(0) + "23456789012345678901234567890123456789")}, outbox.RuleValue},
			"event store, no sk":           {w.store, attrs{"pk": text("k")}, outbox.RuleValue},
			"event store, no pk":           {w.store, attrs{"sk": number("1")}, outbox.RuleValue},
		}
		rows := map[string]row{
			"three attributes":                 {actions: []action{remove(w.users, attrs{"pk": text("k"), "a": text("a"), "b": text("b")})}, refused: outbox.RuleValue},
			"event store, other sort key":      {actions: []action{remove(w.store, attrs{"pk": text("k"), "at": number("1")})}, refused: outbox.RuleValue},
			"keys of two shapes":               {actions: []action{remove(w.orders, attrs{"pk": text("k"), "sk": text("s")}), remove(w.orders, attrs{"pk": text("k")})}, refused: outbox.RuleValue},
			"keys of two names":                {actions: []action{remove(w.users, attrs{"pk": text("k")}), remove(w.users, attrs{"PK": text("l")})}, refused: outbox.RuleValue},
			"keys of two types":                {actions: []action{remove(w.users, attrs{"pk": text("k")}), remove(w.users, attrs{"pk": number("1")})}, refused: outbox.RuleValue},
			"Put without what Delete has":      {actions: []action{remove(w.orders, attrs{"pk": text("k"), "sk": text("s")}), put(w.orders, attrs{"pk": text("l")})}, refused: outbox.RuleValue},
			"not shown: key of a Put":          {actions: []action{put(w.users, attrs{"pk": text("")})}, opposite: "the key of a table that is only put to does not show"},
			"not shown: no key in a Put":       {actions: []action{put(w.users, attrs{"id": text("k")})}, opposite: "the key of a table that is only put to does not show"},
			"not shown: names":                 {actions: []action{remove(w.users, attrs{"id": text("k")})}, opposite: "the key schema does not show"},
			"not shown: types":                 {actions: []action{remove(w.users, attrs{"pk": number("1")})}, opposite: "the key schema does not show"},
			"not shown: which is sort key":     {actions: []action{remove(w.orders, attrs{"pk": text("k"), "sk": text(long(1025))})}, opposite: "which of two attributes is the sort key does not show"},
			"not shown: attribute of an index": {actions: []action{remove(w.users, attrs{"pk": text("k"), "sk": text("s")})}, opposite: "the key schema does not show"},
		}
		for name, k := range keys {
			for kind, actions := range kinds {
				rows[kind+"/"+name] = row{actions: actions(k.table, k.key), refused: k.refused}
			}
		}
		return rows
	})
}

func put(table *string, item attrs) action {
	return action{Put: &types.Put{TableName: table, Item: item}}
}

func remove(table *string, key attrs) action {
	return action{Delete: &types.Delete{TableName: table, Key: key}}
}

func update(table *string, key attrs) action {
	expression := "SET x = :v"
	return action{Update: &types.Update{TableName: table, Key: key, UpdateExpression: &expression, ExpressionAttributeValues: attrs{":v": text("x")}}}
}
