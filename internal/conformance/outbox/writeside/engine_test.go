// Package writeside holds what the library says before a commit against what
// real DynamoDB engines say: sizes at the limit and one byte beyond, keys,
// nesting, numbers, and hostile payloads. The engine is the judge.
//
// DynamoDB Local is taken for DynamoDB; where dynoxide differs from it, the
// test's row says so, and the difference is a test too.
package writeside

import (
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

type attrs = map[string]types.AttributeValue

func text(v string) types.AttributeValue   { return &types.AttributeValueMemberS{Value: v} }
func number(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }
func binary(v string) types.AttributeValue {
	return &types.AttributeValueMemberB{Value: []byte(v)}
}
func boolean(v bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: v} }
func null() types.AttributeValue          { return &types.AttributeValueMemberNULL{Value: true} }
func object(v attrs) types.AttributeValue { return &types.AttributeValueMemberM{Value: v} }
func list(v ...types.AttributeValue) types.AttributeValue {
	if v == nil {
		v = []types.AttributeValue{}
	}
	return &types.AttributeValueMemberL{Value: v}
}
func texts(v ...string) types.AttributeValue   { return &types.AttributeValueMemberSS{Value: v} }
func numbers(v ...string) types.AttributeValue { return &types.AttributeValueMemberNS{Value: v} }
func binaries(v ...string) types.AttributeValue {
	set := &types.AttributeValueMemberBS{}
	for _, b := range v {
		set.Value = append(set.Value, []byte(b))
	}
	return set
}

// maps returns n maps within each other around a leaf, lists likewise.
func maps(n int, leaf types.AttributeValue) types.AttributeValue {
	for range n {
		leaf = object(attrs{"a": leaf})
	}
	return leaf
}

func lists(n int, leaf types.AttributeValue) types.AttributeValue {
	for range n {
		leaf = list(leaf)
	}
	return leaf
}

// ways are the ways to put an item: the engines check each on its own.
var ways = map[string]func(*testing.T, *dynamodb.Client, string, attrs) error{
	"PutItem": func(t *testing.T, db *dynamodb.Client, table string, item attrs) error {
		_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item})
		return err
	},
	"TransactWriteItems": func(t *testing.T, db *dynamodb.Client, table string, item attrs) error {
		return transact(t, db, types.TransactWriteItem{Put: &types.Put{TableName: &table, Item: item}})
	},
}

func transact(t *testing.T, db *dynamodb.Client, actions ...types.TransactWriteItem) error {
	t.Helper()
	_, err := db.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: actions})
	return err
}

// itemLimit is the size of the largest item
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
const itemLimit = 400 * 1024

// padded returns the item with an attribute more that makes it as large as
// size, by the library's count.
func padded(t *testing.T, item attrs, size int) attrs {
	t.Helper()
	const pad = "pad"
	out := attrs{pad: text("")}
	for name, v := range item {
		out[name] = v
	}
	have, err := itemsize.Check(out)
	require.NoError(t, err)
	require.LessOrEqual(t, have, size)
	out[pad] = text(strings.Repeat("x", size-have))
	return out
}

// requireLimit checks that the item is taken when it is filled up to the limit,
// and refused when it is one byte larger.
func requireLimit(t *testing.T, e *engine.Engine, item attrs, put func(attrs) error) {
	t.Helper()
	limit := itemLimit - countedMore(e, object(item))
	require.NoError(t, put(padded(t, item, limit)))
	requireTooLarge(t, put(padded(t, item, limit+1)))
}

func requireTooLarge(t *testing.T, err error) {
	t.Helper()
	require.ErrorContains(t, err, "Item size has exceeded the maximum allowed size")
}

// requireVerdict checks that the engine takes what DynamoDB takes, and refuses
// the rest; the opposite where it deviates.
func requireVerdict(t *testing.T, e *engine.Engine, taken bool, err error) {
	t.Helper()
	if does := enginetest.Deviation(t, e); does != "" {
		require.Equal(t, taken, err != nil, "%s no longer deviates (%s): %v", e.Name, does, err)
		return
	}
	if taken {
		require.NoError(t, err)
		return
	}
	requireRefused(t, err)
}

// requireRefused checks that an engine said no to what was sent, rather than
// not answering at all.
func requireRefused(t *testing.T, err error) {
	t.Helper()
	require.Error(t, err)
	require.Regexp(t, "ValidationException|ValidationError", err.Error())
}
