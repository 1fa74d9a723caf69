package writeside

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
)

// What itemsize.Check refuses because it could not be stored, DynamoDB refuses,
// and what it sizes is taken
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html;
// for the exponent of a zero, paritysuite/dynamodb-conformance,
// tests/tier3/limits/numberExponent.test.ts).
func TestValuesAreRefusedWhereTheEngineRefusesThem(t *testing.T) {
	nines := func(n int) string { return strings.Repeat("9", n) }
	tests := []struct {
		name  string
		value types.AttributeValue
		taken bool
	}{
		{name: "38 digits", value: number(nines(38)), taken: true},
		{name: "39 digits", value: number(nines(39))},
		{name: "39 digits in a list", value: list(number("0." + nines(39)))},
		{name: "39 digits, the last a zero", value: number(nines(38) + "0"), taken: true},
		{name: "9.9E125", value: number("9.9E125"), taken: true},
		{name: "1E126", value: number("1E126")},
		{name: "-1E126", value: number("-1E126")},
		{name: "1E-130", value: number("1E-130"), taken: true},
		{name: "9.9E-131", value: number("9.9E-131")},
		{name: "digits below 1E-130", value: number("1.2345E-130"), taken: true},
		{name: "0E125", value: number("0E125"), taken: true},
		{name: "0E126", value: number("0E126")},
		{name: "0E-131", value: number("0E-131")},
		{name: "1e999999999", value: number("1e999999999")},
		{name: "plus sign", value: number("+1"), taken: true},
		{name: "leading zeros", value: number("007"), taken: true},
		{name: "point first", value: number(".5"), taken: true},
		{name: "point last", value: number("5."), taken: true},
		{name: "space before", value: number(" 1")},
		{name: "space after", value: number("1 ")},
		{name: "no digits", value: number("")},
		{name: "minus alone", value: number("-")},
		{name: "NaN", value: number("NaN")},
		{name: "Infinity", value: number("Infinity")},
		{name: "hexadecimal", value: number("0x10")},
		{name: "underscore", value: number("1_000")},
		{name: "no number in a set", value: numbers("1", "x")},
		{name: "31 maps around a text", value: maps(31, text("x")), taken: true},
		{name: "32 maps around a text", value: maps(32, text("x"))},
		{name: "31 lists around a number", value: lists(31, number("1")), taken: true},
		{name: "32 lists around a number", value: lists(32, number("1"))},
		{name: "30 maps around an empty map", value: maps(30, object(attrs{})), taken: true},
		{name: "31 maps around an empty map", value: maps(31, object(attrs{}))},
		{name: "31 lists around an empty list", value: lists(31, list())},
	}
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		table, db := enginetest.BusinessTable(t, e).Name, e.DynamoDB()
		for _, tt := range tests {
			for way, put := range ways {
				t.Run(tt.name+"/"+way, func(t *testing.T) {
					item := attrs{"pk": text("k"), "value": tt.value}
					_, ours := itemsize.Check(item)
					require.Equal(t, tt.taken, ours == nil, "%v", ours)
					err := put(t, db, table, item)
					requireVerdict(t, e, tt.taken, err)
				})
			}
		}
	})
}

// The names of a payload's members: what Encode refuses, DynamoDB does.
func TestNamesAreRefusedWhereTheEngineRefusesThem(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		store, db := enginetest.EventStore(t, e).Name, e.DynamoDB()
		for name, tt := range map[string]struct {
			name  string
			taken bool
		}{
			"one letter":   {"a", true},
			"none":         {"", false},
			"zero byte":    {"\x00", true},
			"other signs":  {"é.[0]#:", true},
			"65,535 bytes": {strings.Repeat("n", itemsize.MaxName), true},
			"65,536 bytes": {strings.Repeat("n", itemsize.MaxName+1), false},
		} {
			payload := `{"outer":{"` + strings.ReplaceAll(tt.name, "\x00", `\u0000`) + `":1}}`
			_, ours := eventitem.Encode(newEvent(payload), envelope.Layout{}, eventitem.Map, 0)
			require.Equal(t, tt.taken, ours == nil, "%v", ours)
			for way, put := range ways {
				t.Run(name+"/"+way, func(t *testing.T) {
					err := put(t, db, store, attrs{"pk": text("k"), "sk": number("1"), "outer": object(attrs{tt.name: number("1")})})
					requireVerdict(t, e, tt.taken, err)
				})
			}
		}
	})
}

func TestKeySizesAreTheEngines(t *testing.T) {
	long := func(n int) string { return strings.Repeat("k", n) }
	tests := []struct {
		name   string
		pk, sk string
		number bool
		taken  bool
	}{
		{name: "shortest", pk: "p", sk: "s", taken: true},
		{name: "longest", pk: long(itemsize.MaxPartitionKey), sk: long(itemsize.MaxSortKey), taken: true},
		{name: "partition key a byte too long", pk: long(itemsize.MaxPartitionKey + 1), sk: "s"},
		{name: "sort key a byte too long", pk: "p", sk: long(itemsize.MaxSortKey + 1)},
		{name: "bytes count, not characters", pk: strings.Repeat("é", itemsize.MaxPartitionKey/2), sk: strings.Repeat("é", itemsize.MaxSortKey/2), taken: true},
		{name: "a character too many", pk: strings.Repeat("é", itemsize.MaxPartitionKey/2+1), sk: "s"},
		{name: "empty partition key", pk: "", sk: "s"},
		{name: "number", pk: "p", sk: "-1.50", number: true, taken: true},
		{name: "number of 38 digits", pk: "p", sk: strings.Repeat("9", 38), number: true, taken: true},
		{name: "number of 39 digits", pk: "p", sk: strings.Repeat("9", 39), number: true},
		{name: "largest number", pk: "p", sk: "9.9E125", number: true, taken: true},
		{name: "number too large", pk: "p", sk: "1E126", number: true},
		{name: "no number", pk: "p", sk: "x", number: true},
	}
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		db := e.DynamoDB()
		byText := enginetest.EventStore(t, e, func(o *enginetest.TableOptions) { o.SKType = types.ScalarAttributeTypeS }).Name
		byNumber := enginetest.EventStore(t, e).Name
		for _, tt := range tests {
			for way, put := range ways {
				t.Run(tt.name+"/"+way, func(t *testing.T) {
					layout := envelope.Layout{NumericSK: tt.number, Keys: func(envelope.CustomEvent) (string, string) { return tt.pk, tt.sk }}
					item, err := eventitem.Encode(newEvent(`{}`), layout, eventitem.Map, 0)
					require.Equal(t, tt.taken, err == nil, "%v", err)
					table, sk := byText, text(tt.sk)
					if tt.number {
						table, sk = byNumber, number(tt.sk)
					}
					if tt.taken {
						require.NoError(t, put(t, db, table, item.Attrs))
						return
					}
					requireRefused(t, put(t, db, table, attrs{"pk": text(tt.pk), "sk": sk}))
				})
			}
		}
	})
}

// A value whose Go slice or map is nil: the SDK sends an empty list or map for
// it, but nothing for binary, which DynamoDB refuses; binary that is empty and
// not nil is a value. (A set may not be empty in either way.)
func TestNilSlicesAsTheSDKSendsThem(t *testing.T) {
	tests := map[string]struct {
		value types.AttributeValue
		taken bool
	}{
		"nil L":                   {&types.AttributeValueMemberL{}, true},
		"nil M":                   {&types.AttributeValueMemberM{}, true},
		"nil B":                   {&types.AttributeValueMemberB{}, false},
		"empty B":                 {binary(""), true},
		"BS with a nil member":    {&types.AttributeValueMemberBS{Value: [][]byte{nil, {1}}}, false},
		"BS with an empty member": {&types.AttributeValueMemberBS{Value: [][]byte{{}, {1}}}, true},
		"nil SS":                  {&types.AttributeValueMemberSS{}, false},
		"nil NS":                  {&types.AttributeValueMemberNS{}, false},
		"nil BS":                  {&types.AttributeValueMemberBS{}, false},
	}
	enginetest.EachDynamoDB(t, func(t *testing.T, e *engine.Engine) {
		table, db := enginetest.BusinessTable(t, e).Name, e.DynamoDB()
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				item := attrs{"pk": text("k"), "value": tt.value}
				if _, ours := itemsize.Check(item); tt.taken {
					require.NoError(t, ours)
				} else {
					require.Error(t, ours)
				}
				err := ways["PutItem"](t, db, table, item)
				if tt.taken {
					require.NoError(t, err)
				} else {
					// 400, but 500 from DynamoDB Local for a nil member
					require.ErrorContains(t, err, "StatusCode: ")
				}
			})
		}
	})
}
