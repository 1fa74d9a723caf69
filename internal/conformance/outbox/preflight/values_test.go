package preflight

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// What an engine does with a value, in the item of a Put, in a value that an
// Update sets and in one that a condition compares with.
//
// The rules are of the chapters on names and data types and on quotas
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html,
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html).
// The range of a zero's exponent and the depth of an expression's values are what
// AWS was seen to do (paritysuite/dynamodb-conformance, numberExponent.test.ts,
// nestingDepth.test.ts): the depth is looked at in some regions only.
func TestValues(t *testing.T) {
	nines := func(n int) string { return strings.Repeat("9", n) }
	type value struct {
		v       types.AttributeValue
		refused bool
	}
	values := map[string]value{
		"empty text":                       {v: text("")},
		"empty binary":                     {v: binary("")},
		"empty map":                        {v: object(attrs{})},
		"empty list":                       {v: list()},
		"nil map":                          {v: object(nil)},
		"nil list":                         {v: &types.AttributeValueMemberL{}},
		"null":                             {v: null(true)},
		"null that is false":               {v: null(false), refused: true},
		"null that is false in a list":     {v: list(null(false)), refused: true},
		"set of texts":                     {v: texts("", "a", "A")},
		"set of numbers":                   {v: numbers("1", "10", "0.1", "-1")},
		"set of binaries":                  {v: binaries("", "a")},
		"empty set of texts":               {v: texts(), refused: true},
		"empty set, not nil":               {v: &types.AttributeValueMemberSS{Value: []string{}}, refused: true},
		"empty set of numbers":             {v: numbers(), refused: true},
		"empty set of binaries":            {v: binaries(), refused: true},
		"empty set in a map":               {v: list(object(attrs{"a": texts()})), refused: true},
		"text twice":                       {v: texts("a", "b", "a"), refused: true},
		"empty text twice":                 {v: texts("", ""), refused: true},
		"number twice":                     {v: numbers("1", "2", "1"), refused: true},
		"number in two spellings":          {v: numbers("100", "1.0e2"), refused: true},
		"zero in two spellings":            {v: numbers("0", "-0"), refused: true},
		"binary twice":                     {v: binaries("a", "a"), refused: true},
		"empty binary twice":               {v: binaries("", ""), refused: true},
		"text twice in a list":             {v: list(texts("a", "a")), refused: true},
		"name of 65,535 bytes":             {v: object(attrs{strings.Repeat("n", 65535): text("x")})},
		"name of 65,536 bytes":             {v: object(attrs{strings.Repeat("n", 65536): text("x")}), refused: true},
		"name of 65,536 bytes, characters": {v: object(attrs{strings.Repeat("é", 32768): text("x")}), refused: true},
		"empty name":                       {v: object(attrs{"": text("x")}), refused: true},
		"empty name in a list":             {v: list(object(attrs{"a": text("x"), "": text("x")})), refused: true},
		"38 digits":                        {v: number(nines(38))},
		"39 digits":                        {v: number(nines(39)), refused: true},
		"39 digits in a set":               {v: numbers("1", nines(39)), refused: true},
		"38 digits and zeros":              {v: number("000" + nines(38) + "00.00")},
		"9.99E125":                         {v: number("9.99E125")},
		"1E126":                            {v: number("1E126"), refused: true},
		"exponent beyond 32 bits":          {v: number("1E99999999999"), refused: true},
		"-1E126":                           {v: number("-1E126"), refused: true},
		"1E-130":                           {v: number("1E-130")},
		"9.9E-131":                         {v: number("9.9E-131"), refused: true},
		"zero with an exponent":            {v: number("0E125")},
		"zero with one out of range":       {v: number("0E126"), refused: true},
		"no number":                        {v: number("one"), refused: true},
		"39 digits in a list":              {v: list(number("0." + nines(39))), refused: true},
		"39 digits, the last a zero":       {v: number(nines(38) + "0")},
		"digits below 1E-130":              {v: number("1.2345E-130")},
		"zero with one too small":          {v: number("0E-131"), refused: true},
		"plus sign":                        {v: number("+1")},
		"point first":                      {v: number(".5")},
		"point last":                       {v: number("5.")},
		"space before":                     {v: number(" 1"), refused: true},
		"minus alone":                      {v: number("-"), refused: true},
		"NaN":                              {v: number("NaN"), refused: true},
		"Infinity":                         {v: number("Infinity"), refused: true},
		"hexadecimal":                      {v: number("0x10"), refused: true},
		"underscore":                       {v: number("1_000"), refused: true},
		"no number in a set":               {v: numbers("1", "x"), refused: true},
		"digits of another script":         {v: number("١"), refused: true},
		"empty number":                     {v: number(""), refused: true},
		"number and space":                 {v: number("1 "), refused: true},
		"30 maps around an empty map":      {v: maps(30, object(attrs{}))},
		"31 maps around a text":            {v: maps(31, text("x"))},
		"31 lists around a set":            {v: lists(31, texts("x"))},
		"nil":                              {v: nil, refused: true},
		"nil in a map":                     {v: object(attrs{"a": nil}), refused: true},
		"nil *AttributeValueMemberS":       {v: (*types.AttributeValueMemberS)(nil), refused: true},
		"nil *AttributeValueMemberM":       {v: list((*types.AttributeValueMemberM)(nil)), refused: true},
		"nil binary":                       {v: &types.AttributeValueMemberB{}, refused: true},
		"nil binary in a set":              {v: &types.AttributeValueMemberBS{Value: [][]byte{{1}, nil}}, refused: true},
		"value of a later SDK":             {v: &types.UnknownUnionMember{Tag: "Z"}, refused: true},
		"text that is not UTF-8":           {v: text("a\xff")},
		"texts that are sent as one":       {v: texts("a\xff", "a\xfe"), refused: true},
		"surrogates":                       {v: text("\xed\xa0\x80")},
		"name that is not UTF-8":           {v: object(attrs{"\xff": text("x")})},
	}
	checkRows(t, func(w world) map[string]row {
		key := attrs{"pk": text("k")}
		rows := map[string]row{
			"32 maps in an item":                         {actions: []action{put(w.users, attrs{"pk": text("k"), "x": maps(32, text("x"))})}, refused: outbox.RuleValue},
			"31 maps around an empty map in an item":     {actions: []action{put(w.users, attrs{"pk": text("k"), "x": maps(31, object(attrs{}))})}, refused: outbox.RuleValue},
			"32 lists in an item":                        {actions: []action{put(w.users, attrs{"pk": text("k"), "x": lists(32, number("1"))})}, refused: outbox.RuleValue},
			"31 lists around an empty list in an item":   {actions: []action{put(w.users, attrs{"pk": text("k"), "x": lists(31, list())})}, refused: outbox.RuleValue},
			"32 maps in a condition":                     {actions: []action{comparing(w.users, key, maps(32, text("x")))}},
			"33 maps in a condition":                     {actions: []action{comparing(w.users, key, maps(33, text("x")))}},
			"32 lists around an empty list in condition": {actions: []action{comparing(w.users, key, lists(32, list()))}},
			"attribute of 65,535 bytes":                  {actions: []action{put(w.users, attrs{"pk": text("k"), strings.Repeat("n", 65535): text("x")})}},
			"attribute of 65,536 bytes":                  {actions: []action{put(w.users, attrs{"pk": text("k"), strings.Repeat("n", 65536): text("x")})}, refused: outbox.RuleValue},
			"attribute without a name":                   {actions: []action{put(w.users, attrs{"pk": text("k"), "": text("x")})}, refused: outbox.RuleValue},
		}
		for name, v := range values {
			r := row{}
			if v.refused {
				r.refused = outbox.RuleValue
			}
			r.actions = []action{put(w.users, attrs{"pk": text("k"), "x": v.v})}
			rows["item/"+name] = r
			setting := update(w.users, key)
			setting.Update.ExpressionAttributeValues = attrs{":v": v.v}
			r.actions = []action{setting}
			rows["update/"+name] = r
			r.actions = []action{comparing(w.users, key, v.v)}
			rows["condition/"+name] = r
		}
		return rows
	})
}

// comparing is a check that holds whatever is stored, and compares with a value.
func comparing(table *string, key attrs, value types.AttributeValue) action {
	return action{ConditionCheck: &types.ConditionCheck{TableName: table, Key: key,
		ConditionExpression: aws.String("attribute_not_exists(absent) OR absent = :v"), ExpressionAttributeValues: attrs{":v": value}}}
}

// The one place where the library refuses what engines take: an element of a
// list that the SDK does not send, for it is nil or of a kind that this version
// does not know. What is stored is another list than was meant.
func TestElementsThatAreNotSent(t *testing.T) {
	for name, element := range map[string]types.AttributeValue{"nil": nil, "of a later SDK": &types.UnknownUnionMember{Tag: "Z"}} {
		t.Run(name, func(t *testing.T) {
			eachWorld(t, func(t *testing.T, w world) {
				w.check(t, row{
					actions:  []action{put(w.users, attrs{"pk": text("k"), "x": list(text("a"), element, text("b"))})},
					refused:  outbox.RuleValue,
					opposite: "the SDK leaves the element out (service/dynamodb v1.74.0, types.serializeAttributeValue)",
				})
				out := enginetest.Table{Name: *w.users}.Items(t, w.engine)
				require.Equal(t, []attrs{{"pk": text("k"), "x": list(text("a"), text("b"))}}, out)
			})
		})
	}
}
