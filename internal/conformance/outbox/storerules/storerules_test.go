// Package storerules judges stores by the rules of DynamoDB that packages outbox and
// relay build on: the engines, and the Client of package outboxtest, as far as that
// says that it models them, with what package faketable of the relay's own tests adds
// to it.
package storerules

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox/outboxtest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// store is what is judged.
type store interface {
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
}

type (
	item   = map[string]types.AttributeValue
	action = types.TransactWriteItem
)

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func n(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }

// tables of a store: one whose key is the text k, and one whose key is the text
// k and the number r.
type tables struct {
	store
	plain, sorted string
}

func newTables(t *testing.T, db store) *tables {
	t.Helper()
	name := enginetest.Unique(t)
	tb := &tables{store: db, plain: name, sorted: name + "-sorted"}
	for table, attributes := range map[string][]types.AttributeDefinition{
		tb.plain:  {{AttributeName: aws.String("k"), AttributeType: types.ScalarAttributeTypeS}},
		tb.sorted: {{AttributeName: aws.String("k"), AttributeType: types.ScalarAttributeTypeS}, {AttributeName: aws.String("r"), AttributeType: types.ScalarAttributeTypeN}},
	} {
		in := &dynamodb.CreateTableInput{TableName: &table, BillingMode: types.BillingModePayPerRequest, AttributeDefinitions: attributes}
		for i, a := range attributes {
			in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: a.AttributeName, KeyType: []types.KeyType{types.KeyTypeHash, types.KeyTypeRange}[i]})
		}
		_, err := db.CreateTable(t.Context(), in)
		require.NoError(t, err)
	}
	return tb
}

// put is an action that writes an item under the key, with more attributes.
func (tb *tables) put(key, condition string, more ...item) action {
	it := item{"k": s(key)}
	for _, m := range more {
		maps.Copy(it, m)
	}
	p := &types.Put{TableName: &tb.plain, Item: it}
	if condition != "" {
		p.ConditionExpression = &condition
	}
	return action{Put: p}
}

func (tb *tables) check(key, condition string) action {
	return action{ConditionCheck: &types.ConditionCheck{TableName: &tb.plain, Key: item{"k": s(key)}, ConditionExpression: &condition}}
}

func (tb *tables) remove(key string) action {
	return action{Delete: &types.Delete{TableName: &tb.plain, Key: item{"k": s(key)}}}
}

// send says what becomes of a transaction: ok, the reasons for which it is
// cancelled, each with the item that it shows, or the error's code.
func (tb *tables) send(t *testing.T, token string, actions ...action) string {
	in := &dynamodb.TransactWriteItemsInput{TransactItems: actions}
	if token != "" {
		in.ClientRequestToken = &token
	}
	_, err := tb.TransactWriteItems(t.Context(), in)
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		return code(err)
	}
	var reasons []string
	for _, r := range cancelled.CancellationReasons {
		reasons = append(reasons, aws.ToString(r.Code)+text(r.Item))
	}
	return strings.Join(reasons, " ")
}

// get is the item under a key of the plain table.
func (tb *tables) get(t *testing.T, key string) string {
	return tb.find(t, tb.plain, item{"k": s(key)})
}

func (tb *tables) find(t *testing.T, table string, key item) string {
	out, err := tb.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	require.NoError(t, err)
	return text(out.Item)
}

func code(err error) string {
	if err == nil {
		return "ok"
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return "no error of DynamoDB"
	}
	return api.ErrorCode()
}

// text is an item but for its attribute k, "" for none.
func text(it item) string {
	if it == nil {
		return ""
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(it)) {
		switch v := it[name].(type) {
		case *types.AttributeValueMemberS:
			all = append(all, name+"="+v.Value)
		case *types.AttributeValueMemberN:
			all = append(all, name+"="+v.Value)
		default:
			all = append(all, fmt.Sprintf("%s=%T", name, v))
		}
	}
	return "{" + strings.Join(slices.DeleteFunc(all, func(a string) bool { return strings.HasPrefix(a, "k=") }), " ") + "}"
}

// alike is n actions that write one item each.
func (tb *tables) alike(n int, key string, more ...item) []action {
	all := make([]action, n)
	for i := range all {
		all[i] = tb.put(fmt.Sprint(key, i), "", more...)
	}
	return all
}

const (
	isNew = "attribute_not_exists(k)"
	isOld = "attribute_exists(k)"
)

// The rules are of
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html
// and of the chapter on condition expressions
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html).
// Each plays on tables of its own, and says what it saw.
var rules = []struct {
	name string
	want string
	play func(*testing.T, *tables) []string
}{
	{"all of it is done", "ok {v=1} {v=2}", func(t *testing.T, tb *tables) []string {
		return []string{tb.send(t, "", tb.put("a", isNew, item{"v": n("1")}), tb.put("b", isNew, item{"v": n("2")})), tb.get(t, "a"), tb.get(t, "b")}
	}},
	{"or nothing is", "ok None ConditionalCheckFailed {v=1}", func(t *testing.T, tb *tables) []string {
		return []string{tb.send(t, "", tb.put("a", "", item{"v": n("1")})), tb.send(t, "", tb.put("b", isNew), tb.put("a", isNew, item{"v": n("2")})), tb.get(t, "a") + tb.get(t, "b")}
	}},
	{"the item is shown to who asks", "ok ConditionalCheckFailed{v=1}", func(t *testing.T, tb *tables) []string {
		asks := tb.put("a", isNew)
		asks.Put.ReturnValuesOnConditionCheckFailure = types.ReturnValuesOnConditionCheckFailureAllOld
		return []string{tb.send(t, "", tb.put("a", "", item{"v": n("1")})), tb.send(t, "", asks)}
	}},
	{"an item that is not there does not exist", "ConditionalCheckFailed None", func(t *testing.T, tb *tables) []string {
		return []string{tb.send(t, "", tb.check("a", isOld), tb.put("b", ""))}
	}},
	{"and no attribute of it does", "ok", func(t *testing.T, tb *tables) []string {
		return []string{tb.send(t, "", tb.check("a", "attribute_not_exists(v) AND "+isNew))}
	}},
	{"an attribute exists or not", "ok ok ConditionalCheckFailed", func(t *testing.T, tb *tables) []string {
		return []string{tb.send(t, "", tb.put("a", "", item{"v": n("1")})), tb.send(t, "", tb.check("a", isOld+" AND attribute_exists(v)")), tb.send(t, "", tb.check("a", isOld+" AND attribute_exists(w)"))}
	}},
	{"the name of an attribute by a placeholder", "ok ConditionalCheckFailed", func(t *testing.T, tb *tables) []string {
		named := tb.put("a", "attribute_not_exists(#key)")
		named.Put.ExpressionAttributeNames = map[string]string{"#key": "k"}
		return []string{tb.send(t, "", named), tb.send(t, "", named)}
	}},
	{"what is deleted is not there", "ok ok  ok", func(t *testing.T, tb *tables) []string {
		return []string{tb.send(t, "", tb.put("a", "")), tb.send(t, "", tb.remove("a")), tb.get(t, "a"), tb.send(t, "", tb.put("a", isNew))}
	}},
	{"a deletion of what is not there", "ok", func(t *testing.T, tb *tables) []string { return []string{tb.send(t, "", tb.remove("a"))} }},
	{"a check changes nothing", "ok ok {v=1}", func(t *testing.T, tb *tables) []string {
		return []string{tb.send(t, "", tb.put("a", "", item{"v": n("1")})), tb.send(t, "", tb.check("a", isOld)), tb.get(t, "a")}
	}},
	{"an update makes the item", "ok ConditionalCheckFailed", func(t *testing.T, tb *tables) []string {
		update := action{Update: &types.Update{
			TableName: &tb.plain, Key: item{"k": s("a")}, UpdateExpression: aws.String("SET v = :v"), ExpressionAttributeValues: item{":v": n("1")},
		}}
		return []string{tb.send(t, "", update), tb.send(t, "", tb.put("a", isNew))}
	}},
	{"a Put replaces the whole item", "ok ok {w=2}", func(t *testing.T, tb *tables) []string {
		return []string{tb.send(t, "", tb.put("a", "", item{"v": n("1")})), tb.send(t, "", tb.put("a", "", item{"w": n("2")})), tb.get(t, "a")}
	}},
	{"a token is done once", "ok ok ok {v=2}", func(t *testing.T, tb *tables) []string {
		first := tb.put("a", "", item{"v": n("1")})
		return []string{tb.send(t, "token"+tb.plain[:20], first), tb.send(t, "", tb.put("a", "", item{"v": n("2")})), tb.send(t, "token"+tb.plain[:20], first), tb.get(t, "a")}
	}},
	{"a token is of its actions", "ok IdempotentParameterMismatchException {v=1}", func(t *testing.T, tb *tables) []string {
		token := "other" + tb.plain[:20]
		return []string{tb.send(t, token, tb.put("a", "", item{"v": n("1")})), tb.send(t, token, tb.put("a", "", item{"v": n("2")})), tb.get(t, "a")}
	}},
	{"and of what they were when they were sent", "ok IdempotentParameterMismatchException", func(t *testing.T, tb *tables) []string {
		token, first := "inner"+tb.plain[:20], tb.put("a", "", item{"v": n("1")})
		sent := tb.send(t, token, first)
		first.Put.Item["v"] = n("2")
		return []string{sent, tb.send(t, token, first)}
	}},
	{"a token of what was cancelled is free", "ConditionalCheckFailed ok", func(t *testing.T, tb *tables) []string {
		token := "freed" + tb.plain[:20]
		return []string{tb.send(t, token, tb.check("a", isOld)), tb.send(t, token, tb.put("a", ""))}
	}},
	{"the store has a copy", "ok {v=1}", func(t *testing.T, tb *tables) []string {
		mine := tb.put("a", "", item{"v": n("1")})
		sent := tb.send(t, "", mine)
		mine.Put.Item["v"].(*types.AttributeValueMemberN).Value = "2"
		mine.Put.Item["w"] = n("3")
		return []string{sent, tb.get(t, "a")}
	}},
	{"and so has who reads it", "ok {v=1}", func(t *testing.T, tb *tables) []string {
		sent := tb.send(t, "", tb.put("a", "", item{"v": n("1")}))
		out, err := tb.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &tb.plain, Key: item{"k": s("a")}})
		require.NoError(t, err)
		out.Item["v"].(*types.AttributeValueMemberN).Value = "2"
		return []string{sent, tb.get(t, "a")}
	}},
	{"a number has its shortest form", "ok {v=1.5 w=100}", func(t *testing.T, tb *tables) []string {
		return []string{tb.send(t, "", tb.put("a", "", item{"v": n("1.50"), "w": n("1e2")})), tb.get(t, "a")}
	}},
	{"a key is a number, however it is written", "ok {r=10 v=1}", func(t *testing.T, tb *tables) []string {
		put := action{Put: &types.Put{TableName: &tb.sorted, Item: item{"k": s("a"), "r": n("10.0"), "v": n("1")}}}
		return []string{tb.send(t, "", put), tb.find(t, tb.sorted, item{"k": s("a"), "r": n("1e1")})}
	}},
	{"an item is its whole key", "ok {r=1 v=1} {r=2 v=2}", func(t *testing.T, tb *tables) []string {
		at := func(r string) action {
			return action{Put: &types.Put{TableName: &tb.sorted, Item: item{"k": s("a"), "r": n(r), "v": n(r)}}}
		}
		return []string{tb.send(t, "", at("1"), at("2")), tb.find(t, tb.sorted, item{"k": s("a"), "r": n("1")}), tb.find(t, tb.sorted, item{"k": s("a"), "r": n("2")})}
	}},
	{"two actions on one item", "ValidationException", func(t *testing.T, tb *tables) []string {
		return []string{tb.send(t, "", tb.put("a", ""), tb.check("a", isNew))}
	}},
	{"100 actions", "ok", func(t *testing.T, tb *tables) []string { return []string{tb.send(t, "", tb.alike(100, "a")...)} }},
	{"101 actions", "ValidationException", func(t *testing.T, tb *tables) []string { return []string{tb.send(t, "", tb.alike(101, "a")...)} }},
	{"no action", "ValidationException", func(t *testing.T, tb *tables) []string {
		_, err := tb.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []action{}})
		return []string{code(err)}
	}},
	{"an item without the table's key", "ValidationError", func(t *testing.T, tb *tables) []string {
		return []string{tb.send(t, "", action{Put: &types.Put{TableName: &tb.sorted, Item: item{"k": s("a")}}})}
	}},
	{"a key of another type", "ValidationError", func(t *testing.T, tb *tables) []string {
		return []string{tb.send(t, "", action{Put: &types.Put{TableName: &tb.sorted, Item: item{"k": s("a"), "r": s("1")}}})}
	}},
	{"an item of more than 400 KB", "ValidationException", func(t *testing.T, tb *tables) []string {
		return []string{tb.send(t, "", tb.put("a", "", item{"v": s(strings.Repeat("x", 400<<10))}))}
	}},
	{"more than 4 MB", "ValidationException", func(t *testing.T, tb *tables) []string {
		return []string{tb.send(t, "", tb.alike(11, "a", item{"v": s(strings.Repeat("x", 399<<10))})...)}
	}},
	{"a table that is not there", "ResourceNotFoundException", func(t *testing.T, tb *tables) []string {
		absent := tb.put("a", "")
		absent.Put.TableName = aws.String("no-such-table")
		return []string{tb.send(t, "", absent)}
	}},
	{"PutItem and its condition", "ok ConditionalCheckFailedException{v=1} ConditionalCheckFailedException", func(t *testing.T, tb *tables) []string {
		var all []string
		for _, returns := range []types.ReturnValuesOnConditionCheckFailure{"", types.ReturnValuesOnConditionCheckFailureAllOld, types.ReturnValuesOnConditionCheckFailureNone} {
			_, err := tb.PutItem(t.Context(), &dynamodb.PutItemInput{
				TableName: &tb.plain, Item: item{"k": s("a"), "v": n("1")}, ConditionExpression: aws.String(isNew), ReturnValuesOnConditionCheckFailure: returns,
			})
			var refused *types.ConditionalCheckFailedException
			shown := item(nil)
			if errors.As(err, &refused) {
				shown = refused.Item
			}
			all = append(all, code(err)+text(shown))
		}
		return all
	}},
	{"PutItem of more than 400 KB", "ValidationException", func(t *testing.T, tb *tables) []string {
		_, err := tb.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tb.plain, Item: item{"k": s("a"), "v": s(strings.Repeat("x", 400<<10))}})
		return []string{code(err)}
	}},
	{"an item that is not there is none", "", func(t *testing.T, tb *tables) []string { return []string{tb.get(t, "a")} }},
}

func TestStoreRules(t *testing.T) {
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			judge := func(t *testing.T, e *engine.Engine, db store) {
				got := strings.Join(rule.play(t, newTables(t, db)), " ")
				if does := enginetest.Deviation(t, e); does != "" {
					require.NotEqual(t, rule.want, got, "%s does as AWS documents it now: take this out of its list: %s", e.Name, does)
					return
				}
				require.Equal(t, rule.want, got)
			}
			t.Run("outboxtest", func(t *testing.T) { judge(t, &engine.Engine{Name: enginetest.Outboxtest}, new(outboxtest.Client)) })
			enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
				judge(t, e, e.DynamoDB(func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }))
			})
		})
	}
}
