package preflight

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
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
	const items = 150
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		table, db := enginetest.BusinessTable(t, e).Name, e.DynamoDB()
		random := rand.New(rand.NewPCG(4, 1))
		for i := range items {
			item := attrs{"pk": text("k")}
			for a := range random.IntN(5) {
				item[fmt.Sprintf("%s%d", randomText(random), a)] = randomValue(random, 1)
			}
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				requireLimit(t, e, item, func(item attrs) error { return ways["PutItem"](t, db, table, item) })
			})
		}
	})
}

func randomValue(random *rand.Rand, level int) types.AttributeValue {
	kinds := 10
	if level > 8 {
		kinds = 8
	}
	switch random.IntN(kinds) {
	case 0:
		return text(randomText(random))
	case 1, 2:
		return number(randomNumber(random))
	case 3:
		return binary(randomText(random))
	case 4:
		return boolean(random.IntN(2) == 0)
	case 5:
		return null(true)
	case 6:
		return texts("a"+randomText(random), "b"+randomText(random))
	case 7:
		return numbers("1", "-"+strconv.Itoa(2+random.IntN(1_000_000)))
	case 8:
		members := attrs{}
		for i := range random.IntN(5) {
			members[fmt.Sprintf("%s%d", randomText(random), i)] = randomValue(random, level+1)
		}
		return object(members)
	}
	elements := []types.AttributeValue{}
	for range random.IntN(5) {
		elements = append(elements, randomValue(random, level+1))
	}
	return list(elements...)
}

func randomText(random *rand.Rand) string {
	letters := []string{"a", "é", "€", "😀", "\n", `"`, "\x00", " "}
	var b strings.Builder
	for range random.IntN(12) {
		b.WriteString(letters[random.IntN(len(letters))])
	}
	return b.String()
}

// randomNumber returns a number in any spelling.
func randomNumber(random *rand.Rand) string {
	var b strings.Builder
	if random.IntN(3) == 0 {
		b.WriteByte('-')
	}
	point := random.IntN(60)
	for i := range 1 + random.IntN(38) {
		if i > 0 && i == point {
			b.WriteByte('.')
		}
		b.WriteByte(byte('0' + random.IntN(10)))
	}
	if random.IntN(2) == 0 {
		return b.String()
	}
	return fmt.Sprintf("%se%d", b.String(), random.IntN(160)-100)
}

// An event's item at the limit: what Encode says, the engine says.
func TestEncodedItemSizeIsTheEngines(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		store, db := enginetest.EventStore(t, e).Name, e.DynamoDB()
		for name, form := range map[string]eventitem.Form{"map": eventitem.Map, "JSON text": eventitem.JSONText} {
			for way, put := range ways {
				t.Run(name+"/"+way, func(t *testing.T) {
					for size, taken := range map[int]bool{itemLimit: true, itemLimit + 1: false} {
						item := encodedOfSize(t, form, size)
						err := put(t, db, store, item.Attrs)
						if taken {
							require.NoError(t, err)
						} else {
							requireTooLarge(t, err)
						}
					}
				})
			}
		}
	})
}

// encodedOfSize encodes an event whose item has the size.
func encodedOfSize(t *testing.T, form eventitem.Form, size int) eventitem.Item {
	t.Helper()
	payload := func(n int) string {
		return `{"a":[1,-1.5,true,null,{"é":"\u003c"}],"text":"` + strings.Repeat("x", n) + `"}`
	}
	empty := encode(t, payload(0), form)
	item := encode(t, payload(size-empty.Size), form)
	require.Equal(t, size, item.Size)
	return item
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
	limit := itemLimit - countedMore(e, object(item))
	require.NoError(t, put(filled(item, limit)))
	requireTooLarge(t, put(filled(item, limit+1)))
}

func requireTooLarge(t *testing.T, err error) {
	t.Helper()
	require.ErrorContains(t, err, "Item size has exceeded the maximum allowed size")
}
