package storerules

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/faketable"
)

// reader is what is judged by the rules of reading.
type reader interface {
	store
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	Scan(context.Context, *dynamodb.ScanInput, ...func(*dynamodb.Options)) (*dynamodb.ScanOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
}

// journal is a table of a reader, with the keys of one that the relay keeps for
// itself: the texts pk and sk.
type journal struct {
	reader
	table string
}

func newJournal(t *testing.T, db reader) *journal {
	t.Helper()
	j := &journal{db, enginetest.Unique(t)}
	in := &dynamodb.CreateTableInput{TableName: &j.table, BillingMode: types.BillingModePayPerRequest}
	for name, kind := range map[string]types.KeyType{"pk": types.KeyTypeHash, "sk": types.KeyTypeRange} {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS})
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: &name, KeyType: kind})
	}
	slices.SortFunc(in.KeySchema, func(a, b types.KeySchemaElement) int { return strings.Compare(*a.AttributeName, *b.AttributeName) })
	_, err := db.CreateTable(t.Context(), in)
	require.NoError(t, err)
	return j
}

func keyOf(pk, sk string) item { return item{"pk": s(pk), "sk": s(sk)} }

// put puts items under one partition key, in the order given.
func (j *journal) put(t *testing.T, pk string, sks ...string) {
	t.Helper()
	for _, sk := range sks {
		j.putItem(t, item{"pk": s(pk), "sk": s(sk), "v": s("of " + sk), "t": n("1")})
	}
}

func (j *journal) putItem(t *testing.T, it item) {
	t.Helper()
	_, err := j.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &j.table, Item: it})
	require.NoError(t, err)
}

// query is a page of the items of a partition key, in words.
func (j *journal) query(t *testing.T, pk string, start item) (sks []string, last item, err error) {
	out, err := j.Query(t.Context(), &dynamodb.QueryInput{
		TableName: &j.table, KeyConditionExpression: aws.String("#pk = :pk"), ExpressionAttributeNames: map[string]string{"#pk": "pk"},
		ExpressionAttributeValues: item{":pk": s(pk)}, ExclusiveStartKey: start, ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, nil, err
	}
	return keysOf(out.Items), out.LastEvaluatedKey, nil
}

// scan is a page of the table.
func (j *journal) scan(t *testing.T, limit int32, start item) (sks []string, last item, err error) {
	out, err := j.Scan(t.Context(), &dynamodb.ScanInput{TableName: &j.table, Limit: &limit, ExclusiveStartKey: start, ConsistentRead: aws.Bool(true)})
	if err != nil {
		return nil, nil, err
	}
	return keysOf(out.Items), out.LastEvaluatedKey, nil
}

// refused is what Query and Scan say to a key that they should begin behind.
func (j *journal) refused(t *testing.T, start item) []string {
	j.put(t, "x", "a")
	_, _, query := j.query(t, "x", start)
	_, _, scan := j.scan(t, 10, start)
	return []string{code(query), code(scan)}
}

// pages reads to the end.
func pages(t *testing.T, next func(start item) ([]string, item, error)) (all [][]string) {
	t.Helper()
	var start item
	for {
		require.Less(t, len(all), 20, "it has no end")
		page, last, err := next(start)
		require.NoError(t, err)
		all = append(all, page)
		if len(last) == 0 {
			return all
		}
		require.Len(t, last, 2)
		require.NotEmpty(t, page)
		require.Equal(t, s(page[len(page)-1]), last["sk"], "the last key is that of the last item")
		start = last
	}
}

func keysOf(items []item) (sks []string) {
	for _, it := range items {
		sks = append(sks, it["sk"].(*types.AttributeValueMemberS).Value)
	}
	return sks
}

// remove deletes an item whose attribute t is that value, or, for nil, is not there.
func (j *journal) remove(t *testing.T, key item, value types.AttributeValue) string {
	in := &dynamodb.DeleteItemInput{
		TableName: &j.table, Key: key, ExpressionAttributeNames: map[string]string{"#t": "t"}, ConditionExpression: aws.String("attribute_not_exists(#t)"),
	}
	if value != nil {
		in.ConditionExpression, in.ExpressionAttributeValues = aws.String("#t = :t"), item{":t": value}
	}
	_, err := j.DeleteItem(t.Context(), in)
	return code(err)
}

// The rules are of
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.html,
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html,
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Scan.html and
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteItem.html.
var readingRules = []struct {
	name string
	want string
	play func(*testing.T, *journal) []string
}{
	{"Query has the items of one key, in the order of the bytes of the other", "B a a1 b é ", func(t *testing.T, j *journal) []string {
		j.put(t, "x", "b", "é", "a1", "a", "B")
		j.put(t, "y", "c")
		got, last, err := j.query(t, "x", nil)
		require.NoError(t, err)
		return append(got, text(last))
	}},
	{"Query of a key that no item has", "", func(t *testing.T, j *journal) []string {
		j.put(t, "x", "a")
		got, last, err := j.query(t, "y", nil)
		require.NoError(t, err)
		require.Empty(t, last)
		return got
	}},
	{"Query goes on behind a key", "b c", func(t *testing.T, j *journal) []string {
		j.put(t, "x", "a", "b", "c")
		got, _, err := j.query(t, "x", keyOf("x", "a"))
		require.NoError(t, err)
		return got
	}},
	{"and behind one that is not there any more", "c", func(t *testing.T, j *journal) []string {
		j.put(t, "x", "a", "b", "c")
		require.Equal(t, "ok", j.remove(t, keyOf("x", "b"), n("1")))
		got, _, err := j.query(t, "x", keyOf("x", "b"))
		require.NoError(t, err)
		return got
	}},
	{"Query has pages of 1 MB", "a b c d e f true", func(t *testing.T, j *journal) []string {
		for _, sk := range []string{"f", "e", "d", "c", "b", "a"} {
			j.putItem(t, item{"pk": s("x"), "sk": s(sk), "v": s(strings.Repeat("x", 300_000))})
		}
		all := pages(t, func(start item) ([]string, item, error) { return j.query(t, "x", start) })
		return append(slices.Concat(all...), fmt.Sprint(len(all) > 1))
	}},
	{"Scan has each item once", "a b c d e", func(t *testing.T, j *journal) []string {
		j.put(t, "x", "a", "b", "c")
		j.put(t, "y", "d", "e")
		all := slices.Concat(pages(t, func(start item) ([]string, item, error) { return j.scan(t, 1000, start) })...)
		slices.Sort(all)
		return all
	}},
	{"and a page as many as Limit says", "a b c d e [2 2 1]", func(t *testing.T, j *journal) []string {
		j.put(t, "x", "a", "b", "c")
		j.put(t, "y", "d", "e")
		all := pages(t, func(start item) ([]string, item, error) { return j.scan(t, 2, start) })
		var sizes []int
		for _, page := range all {
			sizes = append(sizes, len(page))
		}
		flat := slices.Concat(all...)
		slices.Sort(flat)
		return append(flat, fmt.Sprint(sizes))
	}},
	{"Scan goes on behind what was deleted meanwhile", "a b c d e", func(t *testing.T, j *journal) []string {
		j.put(t, "x", "a", "b", "c", "d", "e")
		var all []string
		for start := item(nil); ; {
			page, last, err := j.scan(t, 2, start)
			require.NoError(t, err)
			for _, sk := range page {
				require.Equal(t, "ok", j.remove(t, keyOf("x", sk), n("1")))
			}
			if all, start = append(all, page...), last; len(last) == 0 {
				slices.Sort(all)
				return all
			}
		}
	}},
	{"Scan of some attributes", "{sk=a v=of a}", func(t *testing.T, j *journal) []string {
		j.put(t, "x", "a")
		out, err := j.Scan(t.Context(), &dynamodb.ScanInput{
			TableName: &j.table, ProjectionExpression: aws.String("#0, #1, #2"), ExpressionAttributeNames: map[string]string{"#0": "sk", "#1": "v", "#2": "none"},
			ConsistentRead: aws.Bool(true),
		})
		require.NoError(t, err)
		require.Len(t, out.Items, 1)
		return []string{text(out.Items[0])}
	}},
	{"the reader has a copy", "of a", func(t *testing.T, j *journal) []string {
		j.put(t, "x", "a")
		for range 2 {
			out, err := j.Scan(t.Context(), &dynamodb.ScanInput{TableName: &j.table, ConsistentRead: aws.Bool(true)})
			require.NoError(t, err)
			require.Len(t, out.Items, 1)
			value := out.Items[0]["v"].(*types.AttributeValueMemberS)
			if value.Value != "of a" {
				return []string{value.Value}
			}
			value.Value = "changed"
		}
		return []string{"of a"}
	}},
	{"a key of another type begins no page", "ValidationException ValidationException", func(t *testing.T, j *journal) []string {
		return j.refused(t, item{"pk": s("x"), "sk": n("1")})
	}},
	{"a key without a part begins no page", "ValidationException ValidationException", func(t *testing.T, j *journal) []string {
		return j.refused(t, item{"pk": s("x")})
	}},
	{"a key of another table begins no page", "ValidationException ValidationException", func(t *testing.T, j *journal) []string {
		return j.refused(t, item{"pk": s("x"), "r": s("a")})
	}},
	{"an item is deleted that is still as it was read", "ok []", func(t *testing.T, j *journal) []string {
		j.put(t, "x", "a")
		deleted := j.remove(t, keyOf("x", "a"), n("1"))
		left, _, err := j.scan(t, 10, nil)
		require.NoError(t, err)
		return []string{deleted, fmt.Sprint(left)}
	}},
	{"and no other", "ConditionalCheckFailedException ConditionalCheckFailedException [a]", func(t *testing.T, j *journal) []string {
		j.put(t, "x", "a")
		changed, has := j.remove(t, keyOf("x", "a"), n("2")), j.remove(t, keyOf("x", "a"), nil)
		left, _, err := j.scan(t, 10, nil)
		require.NoError(t, err)
		return []string{changed, has, fmt.Sprint(left)}
	}},
	{"an item without the attribute", "ConditionalCheckFailedException ok []", func(t *testing.T, j *journal) []string {
		j.putItem(t, keyOf("x", "a"))
		has, has2 := j.remove(t, keyOf("x", "a"), n("1")), j.remove(t, keyOf("x", "a"), nil)
		left, _, err := j.scan(t, 10, nil)
		require.NoError(t, err)
		return []string{has, has2, fmt.Sprint(left)}
	}},
	{"an item that is not there", "ConditionalCheckFailedException ok", func(t *testing.T, j *journal) []string {
		return []string{j.remove(t, keyOf("x", "a"), n("1")), j.remove(t, keyOf("x", "a"), nil)}
	}},
}

// What relay/deadletter, relay/journal and relay/recovery build on when they read a
// table and delete from it.
func TestReadingRules(t *testing.T) {
	for _, rule := range readingRules {
		t.Run(rule.name, func(t *testing.T) {
			judge := func(t *testing.T, e *engine.Engine, db reader) {
				got := strings.Join(rule.play(t, newJournal(t, db)), " ")
				if does := enginetest.Deviation(t, e); does != "" {
					require.NotEqual(t, rule.want, got, "%s does as AWS documents it now: take this out of its list: %s", e.Name, does)
					return
				}
				require.Equal(t, rule.want, got)
			}
			t.Run("faketable", func(t *testing.T) { judge(t, &engine.Engine{Name: "faketable"}, new(faketable.Tables)) })
			enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
				judge(t, e, e.DynamoDB(func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }))
			})
		})
	}
}
