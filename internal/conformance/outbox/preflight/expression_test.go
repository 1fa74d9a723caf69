package preflight

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// What shows of an expression without knowing its grammar. Rows that only a
// parser could judge are at the end: the library leaves them to DynamoDB.
//
// Limits of expressions are those of
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
// and placeholders those of
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ExpressionAttributeNames.html.
func TestExpressions(t *testing.T) {
	const always = "attribute_not_exists(absent)"
	condition := func(expression string, names map[string]string, values attrs) func(w world) []action {
		return func(w world) []action {
			return []action{{Delete: &types.Delete{TableName: w.users, Key: attrs{"pk": text("k")},
				ConditionExpression: &expression, ExpressionAttributeNames: names, ExpressionAttributeValues: values}}}
		}
	}
	update := func(expression string, condition *string, names map[string]string, values attrs) func(w world) []action {
		return func(w world) []action {
			return []action{{Update: &types.Update{TableName: w.users, Key: attrs{"pk": text("k")}, UpdateExpression: &expression,
				ConditionExpression: condition, ExpressionAttributeNames: names, ExpressionAttributeValues: values}}}
		}
	}
	without := func(names map[string]string, values attrs) func(w world) []action {
		return func(w world) []action {
			return []action{{Put: &types.Put{TableName: w.users, Item: attrs{"pk": text("k")}, ExpressionAttributeNames: names, ExpressionAttributeValues: values}}}
		}
	}
	filled := func(n int) string { return always + strings.Repeat(" ", n-len(always)) }
	value := always + " OR absent = :v" // 42 bytes and twice the value's
	both := always + " OR absent = :v OR #n = :v"
	name := map[string]string{"#n": "absent"}
	tests := map[string]struct {
		actions func(w world) []action
		refused outbox.Rule
	}{
		"empty condition":              {condition("", nil, nil), outbox.RuleValue},
		"blank condition":              {condition(" \t\n", nil, nil), outbox.RuleValue},
		"empty update":                 {update("", nil, nil, nil), outbox.RuleValue},
		"update with empty condition":  {update("REMOVE x", aws.String(""), nil, nil), outbox.RuleValue},
		"4,096 bytes":                  {condition(filled(4096), nil, nil), ""},
		"4,097 bytes":                  {condition(filled(4097), nil, nil), outbox.RuleExpressionSize},
		"4,096 and 4,096 bytes":        {update("REMOVE x"+strings.Repeat(" ", 4088), aws.String(filled(4096)), nil, nil), ""},
		"update of 4,097 bytes":        {update("REMOVE x"+strings.Repeat(" ", 4089), nil, nil, nil), outbox.RuleExpressionSize},
		"name not defined":             {condition("attribute_not_exists(#n)", nil, nil), outbox.RuleValue},
		"value not defined":            {condition(value, nil, nil), outbox.RuleValue},
		"longer name not defined":      {condition("attribute_not_exists(#nn)", name, nil), outbox.RuleValue},
		"name not used":                {condition(always, name, nil), outbox.RuleValue},
		"value not used":               {condition(always, nil, attrs{":v": text("x")}), outbox.RuleValue},
		"one of two names used":        {condition("attribute_not_exists(#n)", map[string]string{"#n": "absent", "#nn": "x"}, nil), outbox.RuleValue},
		"names without an expression":  {without(name, nil), ""},
		"values without an expression": {without(nil, attrs{":v": text("x")}), ""},
		"empty maps, no expression":    {without(map[string]string{}, attrs{}), ""},
		"empty names":                  {condition(always, map[string]string{}, nil), outbox.RuleValue},
		"empty values":                 {condition(always, nil, attrs{}), outbox.RuleValue},
		"name used in one of two":      {update("SET x = :v", aws.String("attribute_not_exists(#n)"), name, attrs{":v": text("x")}), ""},
		"value used twice":             {condition(both, name, attrs{":v": text("x")}), ""},
		"placeholder of digits":        {condition("attribute_not_exists(#1)", map[string]string{"#1": "absent"}, nil), ""},
		"placeholder of underscores":   {condition("attribute_not_exists(#_)", map[string]string{"#_": "absent"}, nil), ""},
		"name without #":               {condition(always, map[string]string{"absent": "x"}, nil), outbox.RuleValue},
		"# alone":                      {condition("attribute_not_exists(#)", map[string]string{"#": "x"}, nil), outbox.RuleValue},
		"value without :":              {condition(value, nil, attrs{"v": text("x"), ":v": text("x")}), outbox.RuleValue},
		": alone":                      {condition(always+" OR absent = :", nil, attrs{":": text("x")}), outbox.RuleValue},
		"placeholder of 255 bytes":     {condition("attribute_not_exists(#"+long(254)+")", map[string]string{"#" + long(254): "absent"}, nil), ""},
		"placeholder of 256 bytes":     {condition("attribute_not_exists(#"+long(255)+")", map[string]string{"#" + long(255): "absent"}, nil), outbox.RuleExpressionSize},
		"value's of 255 bytes":         {condition(always+" OR absent = :"+long(254), nil, attrs{":" + long(254): text("x")}), ""},
		"value's of 256 bytes":         {condition(always+" OR absent = :"+long(255), nil, attrs{":" + long(255): text("x")}), outbox.RuleExpressionSize},
		"empty name":                   {condition("attribute_not_exists(#n)", map[string]string{"#n": ""}, nil), outbox.RuleValue},
		"name of 65,535 bytes":         {condition("attribute_not_exists(#n)", map[string]string{"#n": long(65535)}, nil), ""},
		"name of 65,536 bytes":         {condition("attribute_not_exists(#n)", map[string]string{"#n": long(65536)}, nil), outbox.RuleValue},
		"name that is not UTF-8":       {condition("attribute_not_exists(#n)", map[string]string{"#n": "\xff"}, nil), ""},
		"1 MB of a value":              {condition(value, nil, attrs{":v": text(long(1<<20 - len(value)))}), ""},
		"2 MB of names and values":     {condition(both, name, attrs{":v": text(long(2<<20 - len("absent")))}), ""},
		"a byte more":                  {condition(both, name, attrs{":v": text(long(2<<20 - len("absent") + 1))}), outbox.RuleExpressionSize},
	}
	for c := range 128 {
		p := "#a" + string(rune(c))
		letter := strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", rune(c))
		test := tests["# alone"]
		test.actions = condition("attribute_not_exists("+p+")", map[string]string{p: "absent"}, nil)
		if letter {
			test.refused = ""
		}
		tests["placeholder with "+string(rune(c))] = test
	}
	checkRows(t, func(w world) map[string]row {
		rows := map[string]row{}
		for name, tt := range tests {
			rows[name] = row{actions: tt.actions(w), refused: tt.refused}
		}
		return rows
	})
}

// What the library does not judge in an expression: each is refused by DynamoDB
// and let through here, as the package's documentation says.
func TestGrammarIsLeftToDynamoDB(t *testing.T) {
	tests := map[string]struct {
		update, condition string
		values            attrs
	}{
		"syntax":                       {condition: "a b c"},
		"reserved word":                {condition: "attribute_not_exists(name)"},
		"character":                    {condition: "attribute_not_exists(é)"},
		"paths that overlap":           {update: "SET x = :v, x = :v", values: attrs{":v": text("x")}},
		"operand of the wrong type":    {update: "ADD x :v", values: attrs{":v": text("x")}},
		"301 operators":                {condition: "a = b" + strings.Repeat(" OR a=b", 301)},
		"101 operands of IN":           {condition: "a IN (b" + strings.Repeat(",b", 100) + ")"},
		"part of the key":              {update: "SET pk = :v", values: attrs{":v": text("x")}},
		"size after the update":        {update: "SET x = :v", values: attrs{":v": text(long(409_600))}},
		"nesting after the update":     {update: "SET x = :v", values: attrs{":v": maps(32, text("x"))}},
		"function that does not exist": {condition: "attribute_absent(x)"},
	}
	eachWorld(t, func(t *testing.T, w world) {
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				a := action{Delete: &types.Delete{TableName: w.users, Key: attrs{"pk": text("k")}, ConditionExpression: &tt.condition, ExpressionAttributeValues: tt.values}}
				if tt.update != "" {
					a = action{Update: &types.Update{TableName: w.users, Key: attrs{"pk": text("k")}, UpdateExpression: &tt.update, ExpressionAttributeValues: tt.values}}
				}
				w.check(t, row{actions: []action{a}, opposite: "a parser's, or the stored item's, matter"})
			})
		}
	})
}
