package preflight

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// Transactions as a whole, by
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html.
func TestTransactions(t *testing.T) {
	checkRows(t, func(w world) map[string]row {
		k := attrs{"pk": text("k")}
		two := put(w.users, attrs{"pk": text("1")})
		two.Delete = remove(w.users, attrs{"pk": text("2")}).Delete
		withFailure := func(v types.ReturnValuesOnConditionCheckFailure) []action {
			a := put(w.users, attrs{"pk": text("k")})
			a.Put.ReturnValuesOnConditionCheckFailure = v
			return []action{a}
		}
		named := func(table string) []action { return []action{put(&table, attrs{"pk": text("k")})} }
		one := []action{put(w.users, attrs{"pk": text("k")})}
		rows := map[string]row{
			"no action":      {actions: []action{}, refused: outbox.RuleActions},
			"nil actions":    {refused: outbox.RuleActions},
			"1 action":       {actions: one},
			"100 actions":    {actions: few(w.users, 100)},
			"101 actions":    {actions: few(w.users, 101), refused: outbox.RuleActions},
			"no operation":   {actions: []action{{}}, refused: outbox.RuleAction},
			"two operations": {actions: []action{two}, refused: outbox.RuleAction},

			"nil Item":               {actions: []action{put(w.users, nil)}, refused: outbox.RuleAction},
			"empty Item":             {actions: []action{put(w.users, attrs{})}, refused: outbox.RuleAction},
			"nil Key":                {actions: []action{remove(w.users, nil)}, refused: outbox.RuleAction},
			"empty Key":              {actions: []action{remove(w.users, attrs{})}, refused: outbox.RuleAction},
			"nil TableName":          {actions: []action{put(nil, attrs{"pk": text("k")})}, refused: outbox.RuleAction},
			"no UpdateExpression":    {actions: []action{{Update: &types.Update{TableName: w.users, Key: k}}}, refused: outbox.RuleAction},
			"no ConditionExpression": {actions: []action{{ConditionCheck: &types.ConditionCheck{TableName: w.users, Key: k}}}, refused: outbox.RuleAction},

			"empty TableName":        {actions: named(""), refused: outbox.RuleAction},
			"TableName of 2":         {actions: named("ab"), refused: outbox.RuleAction},
			"TableName of 256":       {actions: named(long(256)), refused: outbox.RuleAction},
			"TableName with a space": {actions: named("us ers"), refused: outbox.RuleAction},
			"TableName with a slash": {actions: named("table/users"), refused: outbox.RuleAction},
			"TableName not UTF-8":    {actions: named("users\xff"), refused: outbox.RuleAction},
			"not shown: no table":    {actions: named("absent"), opposite: "which tables there are does not show"},
			"ARN":                    {actions: named(*w.arn)},

			"returns nothing": {actions: withFailure("NONE")},
			"returns the old": {actions: withFailure("ALL_OLD")},
			"returns the new": {actions: withFailure("ALL_NEW"), refused: outbox.RuleAction},

			"token of 1":             {actions: one, token: aws.String("t")},
			"token of 36":            {actions: one, token: aws.String(strings.Repeat("t", 36))},
			"token of 37":            {actions: one, token: aws.String(strings.Repeat("t", 37)), refused: outbox.RuleToken},
			"token of 36 characters": {actions: one, token: aws.String(strings.Repeat("é", 36))},
			"token of 18 emoji":      {actions: one, token: aws.String(strings.Repeat("😀", 18))},
			"token of 19 emoji":      {actions: one, token: aws.String(strings.Repeat("😀", 19))},
			"token of 37 emoji":      {actions: one, token: aws.String(strings.Repeat("😀", 37)), refused: outbox.RuleToken},
			"empty token":            {actions: one, token: aws.String(""), refused: outbox.RuleToken},

			"item of 409,600 bytes": {actions: []action{put(w.users, filled(attrs{"pk": text("k")}, outbox.MaxItemBytes))}},
			"item of 409,601 bytes": {actions: []action{put(w.users, filled(attrs{"pk": text("k")}, outbox.MaxItemBytes+1))}, refused: outbox.RuleItemSize},
			"item not in UTF-8":     {actions: []action{put(w.users, attrs{"pk": text("k"), "x": text(strings.Repeat("\xff", 136_532))})}},
			"a byte more when sent": {actions: []action{put(w.users, attrs{"pk": text("k"), "x": text(strings.Repeat("\xff", 136_532) + "x")})}, refused: outbox.RuleItemSize},
			// what else of a transaction counts AWS does not say
			"4 MB":            {actions: filling(w.users, outbox.MaxTransactionBytes)},
			"4 MB and a byte": {actions: filling(w.users, outbox.MaxTransactionBytes+1), refused: outbox.RuleTransactionSize},
		}
		kinds := map[string]func() action{
			"Put":            func() action { return put(w.users, attrs{"pk": text("k"), "x": text("y")}) },
			"Update":         func() action { return update(w.users, k) },
			"Delete":         func() action { return remove(w.users, k) },
			"ConditionCheck": func() action { return comparing(w.users, k, text("x")) },
		}
		for first, a := range kinds {
			for second, b := range kinds {
				r := row{actions: []action{a(), b()}, refused: outbox.RuleSameItem}
				if first == "Put" && second == "Put" {
					r.refused, r.opposite = "", "the key of a table that is only put to does not show"
				}
				rows["same item/"+first+" and "+second] = r
			}
		}
		rows["same item/two Puts where a Key shows"] = row{actions: []action{put(w.users, attrs{"pk": text("k")}), put(w.users, attrs{"pk": text("k"), "x": text("y")}), remove(w.users, attrs{"pk": text("other")})}, refused: outbox.RuleSameItem}
		rows["same item/two Puts in the event store"] = row{actions: []action{put(w.store, attrs{"pk": text("k"), "sk": number("1")}), put(w.store, attrs{"pk": text("k"), "sk": number("1.0")})}, refused: outbox.RuleSameItem}
		rows["same item/two spellings"] = row{actions: []action{remove(w.store, attrs{"pk": text("k"), "sk": number("100")}), remove(w.store, attrs{"pk": text("k"), "sk": number("1e2")})}, refused: outbox.RuleSameItem}
		rows["same item/as it is sent"] = row{actions: []action{remove(w.users, attrs{"pk": text("\xff")}), remove(w.users, attrs{"pk": text("\xfe")})}, refused: outbox.RuleSameItem}
		rows["same key in two tables"] = row{actions: []action{remove(w.users, attrs{"pk": text("k")}), remove(w.orders, attrs{"pk": text("k"), "sk": text("k")})}}
		return rows
	})
}

// The events of a call count as the caller's actions do.
func TestTransactionsWithEvents(t *testing.T) {
	eachWorld(t, func(t *testing.T, w world) {
		writer, text_ := w.writer(t), w.writer(t, func(o *outbox.Options) { o.PayloadAsText = true })
		size := func(payload string) int { // of an event's item as text
			items, err := text_.Items(event("e", payload))
			require.NoError(t, err)
			return itemSize(t, items[0].Put.Item)
		}
		quoted := func(n int) string { return `"` + long(n) + `"` }
		largest := outbox.MaxItemBytes - size(quoted(0))
		tests := map[string]struct {
			actions []action
			ids     []string
			payload string
			rule    outbox.Rule
			index   int
		}{
			"99 actions and an event":       {few(w.users, 99), []string{"e"}, `1`, "", 0},
			"100 actions and an event":      {few(w.users, 100), []string{"e"}, `1`, outbox.RuleActions, -1},
			"98 actions and two events":     {few(w.users, 98), []string{"e", "f"}, `1`, "", 0},
			"the same event twice":          {nil, []string{"e", "e"}, `1`, outbox.RuleSameItem, 1},
			"the event's item is there":     {[]action{put(w.store, attrs{"pk": text("e"), "sk": number("946684800000")})}, []string{"e"}, `1`, outbox.RuleSameItem, 1},
			"an event of 409,600 bytes":     {nil, []string{"e"}, quoted(largest), "", 0},
			"an event of 409,601 bytes":     {nil, []string{"e"}, quoted(largest + 1), outbox.RuleItemSize, 0},
			"4 MB with an event":            {filling(w.users, outbox.MaxTransactionBytes-size(quoted(100))), []string{"e"}, quoted(100), "", 0},
			"4 MB and a byte with an event": {filling(w.users, outbox.MaxTransactionBytes-size(quoted(100))+1), []string{"e"}, quoted(100), outbox.RuleTransactionSize, -1},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				in := &dynamodb.TransactWriteItemsInput{TransactItems: tt.actions}
				whole := &dynamodb.TransactWriteItemsInput{TransactItems: tt.actions}
				for i, id := range tt.ids {
					items, err := text_.Items(event(id, tt.payload))
					require.NoError(t, err)
					whole.TransactItems = append(whole.TransactItems[:len(tt.actions)+i:len(tt.actions)+i], items...)
				}
				err := error(nil)
				for i, id := range tt.ids { // several appends and writers on one input
					if err == nil {
						err = []*outbox.Writer{writer, text_}[i%2].Append(in, event(id, tt.payload))
					}
				}
				if tt.rule == "" {
					require.NoError(t, err)
				} else {
					var e *outbox.PreflightError
					require.ErrorAs(t, err, &e)
					require.Equal(t, tt.rule, e.Rule)
					require.Equal(t, tt.index, e.Index)
				}
				w.requireVerdict(t, tt.rule != "", w.send(t, whole))
				for _, id := range tt.ids { // for the next row's condition
					_, err := w.db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: w.store, Key: attrs{"pk": text(id), "sk": number("946684800000")}})
					require.NoError(t, err)
				}
			})
		}
	})
}

// few returns Puts of small items.
func few(table *string, count int) (actions []action) {
	for i := range count {
		actions = append(actions, put(table, attrs{"pk": text(fmt.Sprintf("f%02d", i))}))
	}
	return actions
}

// filling returns Puts that count for so many bytes in all, each for 200 at
// least.
func filling(table *string, size int) (actions []action) {
	for i := 0; size > 0; i++ {
		part := min(size, 400_000)
		if rest := size - part; rest > 0 && rest < 200 {
			part -= 200
		}
		actions = append(actions, put(table, filled(attrs{"pk": text(fmt.Sprintf("p%02d", i))}, part)))
		size -= part
	}
	return actions
}
