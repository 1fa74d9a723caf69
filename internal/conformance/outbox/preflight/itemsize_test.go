package preflight

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
)

// An item of exactly 409,600 bytes by our count is taken and one of 409,601 is
// refused, whatever it is made of. A count that were off by one in either
// direction would fail one of the two.
func TestItemSizeIsTheEngines(t *testing.T) {
	values := map[string]types.AttributeValue{
		"text":                       text("abcde"),
		"empty text":                 text(""),
		"text of 2-byte characters":  text("ééé"),
		"text of 4-byte characters":  text("😀"),
		"text of control characters": text("\x00\x01\n\"\\"),
		"empty binary":               binary(""),
		"binary of 1":                binary("a"),
		"binary of 2":                binary("ab"),
		"binary of 3":                binary("abc"),
		"true":                       boolean(true),
		"false":                      boolean(false),
		"null":                       null(true),
		"set of texts":               texts("a", "bb", "ccc", "é"),
		"set with an empty text":     texts("", "a"),
		"set of numbers":             numbers("1", "12", "123", "-1", "1.2"),
		"set of binaries":            binaries("a", "bb", "ccc"),
		"empty map":                  object(attrs{}),
		"map":                        object(attrs{"a": text("xx"), "bb": number("12")}),
		"map with long names":        object(attrs{strings.Repeat("k", 300): text("x"), "é": text("x")}),
		"map with the longest name":  object(attrs{long(65535): text("x")}),
		"map in a map":               object(attrs{"a": object(attrs{"b": object(attrs{})})}),
		"empty list":                 list(),
		"list":                       list(text("a"), number("1"), boolean(true), null(true), binary("a")),
		"list in a list":             list(list(), list(list(text("x")))),
		"list of sets":               list(texts("a"), numbers("1"), binaries("a")),
		"31 maps":                    maps(31, text("x")),
		"31 lists":                   lists(31, number("1")),
		"maps and lists":             maps(10, lists(10, maps(5, number("-1.5")))),
	}
	for _, n := range []string{
		"0", "-0", "0.0", "0e125", "0e-130", "-0.0E5", "1", "10", "12", "100", "123", "1234", "12345", "-1", "-12", "-123", "1.2", "1.23", "12.3", "12.34", "123.4",
		"0.1", "0.12", "0.0012", "0.00123", "-12.3", "1e10", "1e11", "12e10", "123e10", "123e11", "1.50", "+7", "007", ".5",
		"0.012", "-0.012", "12e11", "1234e-7", "12e123", "7.7777777777777777777777777777777777777", "-7.7777777777777777777777777777777777777",
		"1e125", "1e-130", "1e-129", "1.2345e-130", "99999999999999999999999999999999999999", "9999999999999999999.9999999999999999999",
		"999999999999999999.99999999999999999999", "-99999999999999999999999999999999999999", "1234567890123456789012345678901234567800000",
	} {
		values["number "+n] = number(n)
	}
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		table, db := enginetest.BusinessTable(t, e).Name, e.DynamoDB()
		for name, v := range values {
			for way, put := range ways {
				t.Run(name+"/"+way, func(t *testing.T) {
					item := attrs{"pk": text("k"), "value": v}
					requireLimit(t, e, item, func(item attrs) error { return put(t, db, table, item) })
				})
			}
		}
		for _, length := range []int{1, 255, 256, 65535} {
			t.Run(fmt.Sprintf("name of %d bytes", length), func(t *testing.T) {
				item := attrs{"pk": text("k"), strings.Repeat("n", length): text("x")}
				requireLimit(t, e, item, func(item attrs) error { return ways["PutItem"](t, db, table, item) })
			})
		}
	})
}

// Items made at random, each at the limit and one byte beyond.
func TestItemSizeOfRandomItems(t *testing.T) {
	random := rapid.Custom(func(rt *rapid.T) attrs {
		d := draw{t: rt}
		item := attrs{"pk": text("k"), "numbers": list(number(d.number()), number(d.number()), number(d.number()), number(d.number()))}
		for range d.pick(5) {
			item[d.name()] = d.value(ofItem)
		}
		return item
	})
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		table, db := enginetest.BusinessTable(t, e).Name, e.DynamoDB()
		var wrong []string
		for seed := range 150 {
			item := random.Example(seed)
			full, over := ways["PutItem"](t, db, table, filled(item, itemLimit)), ways["PutItem"](t, db, table, filled(item, itemLimit+1))
			if full != nil || over == nil {
				wrong = append(wrong, show(reflect.ValueOf(item)))
			}
		}
		if does := enginetest.Deviation(t, e); does != "" {
			require.NotEmpty(t, wrong, "%s no longer deviates: %s", e.Name, does)
			return
		}
		require.Empty(t, wrong)
	})
}

// ways are the ways to put an item: the engines check each on its own.
var ways = map[string]func(*testing.T, *dynamodb.Client, string, attrs) error{
	"PutItem": func(t *testing.T, db *dynamodb.Client, table string, item attrs) error {
		_, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: item})
		return err
	},
	"TransactWriteItems": func(t *testing.T, db *dynamodb.Client, table string, item attrs) error {
		_, err := db.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: []action{put(&table, item)}})
		return err
	},
}

// itemLimit is the size of the largest item
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
const itemLimit = 400 * 1024

// requireLimit checks that the item is taken when it is filled up to the limit,
// and refused when it is one byte larger.
func requireLimit(t *testing.T, e *engine.Engine, item attrs, put func(attrs) error) {
	t.Helper()
	full, over := put(filled(item, itemLimit)), put(filled(item, itemLimit+1))
	if does := enginetest.Deviation(t, e); does != "" {
		require.False(t, full == nil && over != nil, "%s no longer deviates: %s", e.Name, does)
		return
	}
	require.NoError(t, full)
	require.ErrorContains(t, over, "Item size has exceeded the maximum allowed size")
}
