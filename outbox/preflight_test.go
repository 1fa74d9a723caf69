package outbox_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

type item = map[string]types.AttributeValue

func put(table string, attrs item) types.TransactWriteItem {
	return types.TransactWriteItem{Put: &types.Put{TableName: &table, Item: attrs}}
}

func update(table string, key item) types.TransactWriteItem {
	return types.TransactWriteItem{Update: &types.Update{TableName: &table, Key: key, UpdateExpression: aws.String("SET a = :a"), ExpressionAttributeValues: item{":a": n("1")}}}
}

func del(table string, key item) types.TransactWriteItem {
	return types.TransactWriteItem{Delete: &types.Delete{TableName: &table, Key: key}}
}

func check(table string, key item) types.TransactWriteItem {
	return types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &table, Key: key, ConditionExpression: aws.String("attribute_exists(id)"),
	}}
}

func conditioned(condition string, values item) types.TransactWriteItem {
	a := put("users", item{"id": s("1")})
	a.Put.ConditionExpression, a.Put.ExpressionAttributeValues = &condition, values
	return a
}

func nested(levels int) types.AttributeValue {
	v := s("x")
	for range levels {
		v = m(item{"a": v})
	}
	return v
}

func endless() types.AttributeValue {
	v := &types.AttributeValueMemberM{Value: item{}}
	v.Value["a"] = v
	return v
}

func many(count int) (actions []types.TransactWriteItem) {
	for i := range count {
		actions = append(actions, put("users", item{"id": s(itoa(int64(i)))}))
	}
	return actions
}

func TestPreflight(t *testing.T) {
	const arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/users"
	accepted := outbox.Rule("")
	cases := map[string]struct {
		actions []types.TransactWriteItem
		rule    outbox.Rule
		index   int
		text    string
		left    bool // by Append to DynamoDB, and to Check
	}{
		"99 actions and the event":  {many(99), accepted, 0, "", false},
		"100 actions and the event": {many(100), outbox.RuleActions, -1, "101 actions, at most 100", false},

		"no operation":          {[]types.TransactWriteItem{{}}, outbox.RuleAction, 0, "no operation", true},
		"two operations":        {[]types.TransactWriteItem{{Put: put("users", item{"id": s("1")}).Put, Delete: del("users", item{"id": s("2")}).Delete}}, outbox.RuleAction, 0, "2 operations", true},
		"no table":              {[]types.TransactWriteItem{{Put: &types.Put{Item: item{"id": s("1")}}}}, outbox.RuleAction, 0, "TableName", true},
		"no item":               {[]types.TransactWriteItem{put("users", nil)}, outbox.RuleAction, 0, "Put.Item", true},
		"no key":                {[]types.TransactWriteItem{del("users", nil)}, outbox.RuleAction, 0, "Delete.Key", true},
		"no update expression":  {[]types.TransactWriteItem{{Update: &types.Update{TableName: aws.String("users"), Key: item{"id": s("1")}}}}, outbox.RuleAction, 0, "UpdateExpression", true},
		"no condition to check": {[]types.TransactWriteItem{{ConditionCheck: &types.ConditionCheck{TableName: aws.String("users"), Key: item{"id": s("1")}}}}, outbox.RuleAction, 0, "ConditionExpression", true},

		"nil value":            {[]types.TransactWriteItem{put("users", item{"id": s("1"), "x": nil})}, outbox.RuleValue, 0, "Item.x", false},
		"typed nil value":      {[]types.TransactWriteItem{put("users", item{"id": s("1"), "x": (*types.AttributeValueMemberS)(nil)})}, outbox.RuleValue, 0, "Item.x", false},
		"value of tomorrow":    {[]types.TransactWriteItem{put("users", item{"id": s("1"), "x": &types.UnknownUnionMember{Tag: "Z"}})}, outbox.RuleValue, 0, "Item.x", false},
		"no number":            {[]types.TransactWriteItem{put("users", item{"id": s("1"), "x": m(item{"y": n("one")})})}, outbox.RuleValue, 0, "Item.x.y", true},
		"key of a map":         {[]types.TransactWriteItem{del("users", item{"id": m(nil)})}, outbox.RuleValue, 0, "Key.id", true},
		"empty key":            {[]types.TransactWriteItem{del("users", item{"id": s("")})}, outbox.RuleValue, 0, "Key.id", false},
		"three key attributes": {[]types.TransactWriteItem{del("users", item{"a": s("1"), "b": s("1"), "c": s("1")})}, outbox.RuleValue, 0, "Key: 3 attributes", true},

		"item of 409,600 bytes":    {[]types.TransactWriteItem{put("users", item{"id": s(strings.Repeat("x", 400<<10-2))})}, accepted, 0, "", false},
		"item of 409,601 bytes":    {[]types.TransactWriteItem{put("users", item{"id": s(strings.Repeat("x", 400<<10-1))})}, outbox.RuleItemSize, 0, "409601 bytes, at most 409600", false},
		"partition key of 2048":    {[]types.TransactWriteItem{del("users", item{"id": s(strings.Repeat("x", 2048))})}, accepted, 0, "", false},
		"partition key of 2049":    {[]types.TransactWriteItem{del("users", item{"id": s(strings.Repeat("x", 2049))})}, outbox.RuleKeySize, 0, "2049 bytes", false},
		"one key over 1024":        {[]types.TransactWriteItem{del("users", item{"a": s(strings.Repeat("x", 1024)), "b": s(strings.Repeat("x", 1025))})}, accepted, 0, "", false},
		"both keys over 1024":      {[]types.TransactWriteItem{del("users", item{"a": s(strings.Repeat("x", 1025)), "b": s(strings.Repeat("x", 1025))})}, outbox.RuleKeySize, 0, "1025 bytes", false},
		"items of 4 MB and events": {big(11), outbox.RuleTransactionSize, -1, "at most 4194304", false},

		"two operations on one key": {[]types.TransactWriteItem{del("users", item{"id": s("1")}), {Put: put("users", item{"id": s("1")}).Put, Delete: del("users", item{"id": s("1")}).Delete}}, outbox.RuleAction, 1, "2 operations", true},
		"update and delete":         {[]types.TransactWriteItem{update("users", item{"id": s("1")}), del("users", item{"id": s("1")})}, outbox.RuleSameItem, 1, "TransactItems[0]", false},
		"check and update":          {[]types.TransactWriteItem{check("users", item{"id": s("1")}), update("users", item{"id": s("1")})}, outbox.RuleSameItem, 1, "TransactItems[0]", false},
		"by name and by ARN":        {[]types.TransactWriteItem{check("users", item{"id": s("1")}), update(arn, item{"id": s("1")})}, outbox.RuleSameItem, 1, "TransactItems[0]", false},
		"numbers spelled otherwise": {[]types.TransactWriteItem{check("users", item{"id": n("1")}), update("users", item{"id": n("1.0")})}, outbox.RuleSameItem, 1, "TransactItems[0]", false},
		"put and delete":            {[]types.TransactWriteItem{put("users", item{"id": s("1"), "x": s("y")}), del("users", item{"id": s("1")})}, outbox.RuleSameItem, 1, "TransactItems[0]", false},
		"delete and put":            {[]types.TransactWriteItem{del("users", item{"b": s("1"), "a": s("2")}), put("users", item{"a": s("2"), "b": s("1"), "c": s("3")})}, outbox.RuleSameItem, 1, "TransactItems[0]", false},
		"other item":                {[]types.TransactWriteItem{check("users", item{"id": s("1")}), update("users", item{"id": s("2")})}, accepted, 0, "", false},
		"other table":               {[]types.TransactWriteItem{check("users", item{"id": s("1")}), update("admins", item{"id": s("1")})}, accepted, 0, "", false},
		"other type":                {[]types.TransactWriteItem{check("users", item{"id": s("1")}), update("users", item{"id": n("1")})}, outbox.RuleValue, 1, "Key.id: of type N, but the table's key is of type S, by TransactItems[0]", true},
		"other key":                 {[]types.TransactWriteItem{check("users", item{"id": s("1")}), update("users", item{"ID": s("1")})}, outbox.RuleValue, 1, "Key.ID: not an attribute of the table's key, by TransactItems[0]", true},
		"sort key in one of two":    {[]types.TransactWriteItem{check("users", item{"id": s("1"), "at": n("1")}), del("users", item{"id": s("1")})}, outbox.RuleValue, 1, "Key: 1 attributes, but the key of the table has 2", true},
		"put without the key":       {[]types.TransactWriteItem{put("users", item{"x": s("1")}), del("users", item{"id": s("1")})}, outbox.RuleValue, 0, "Item.id: missing", true},
		"put with an empty key":     {[]types.TransactWriteItem{put("users", item{"id": s("")}), del("users", item{"id": s("1")})}, outbox.RuleValue, 0, "Item.id: empty", true},
		"put with a key of 2049":    {[]types.TransactWriteItem{put("users", item{"id": s(strings.Repeat("x", 2049))}), del("users", item{"id": s("1")})}, outbox.RuleKeySize, 0, "Item.id: 2049 bytes", true},
		"event store without sk":    {[]types.TransactWriteItem{put("event-store", item{"pk": s("1")})}, outbox.RuleValue, 0, "Item.sk: missing, but an attribute of the table's key, by the layout", true},
		"event store with sk S":     {[]types.TransactWriteItem{put("event-store", item{"pk": s("1"), "sk": s("1")})}, outbox.RuleValue, 0, "Item.sk: of type S", true},
		"event store by pk alone":   {[]types.TransactWriteItem{del("event-store", item{"pk": s("1")})}, outbox.RuleValue, 0, "Key: 1 attributes", true},
		"event store by other":      {[]types.TransactWriteItem{del("event-store", item{"pk": s("1"), "at": n("1")})}, outbox.RuleValue, 0, "Key.at: not an attribute", true},
		"same when it is sent":      {[]types.TransactWriteItem{del("users", item{"id": s("\xff")}), del("users", item{"id": s("\xfe")})}, outbox.RuleSameItem, 1, "TransactItems[0]", false},

		"table of two characters":    {[]types.TransactWriteItem{put("ab", item{"id": s("1")})}, outbox.RuleAction, 0, "TableName", true},
		"table with a space":         {[]types.TransactWriteItem{put("us ers", item{"id": s("1")})}, outbox.RuleAction, 0, "TableName", true},
		"empty set":                  {[]types.TransactWriteItem{put("users", item{"id": s("1"), "x": m(item{"y": &types.AttributeValueMemberSS{}})})}, outbox.RuleValue, 0, "Item.x.y: an empty set", true},
		"empty name":                 {[]types.TransactWriteItem{put("users", item{"id": s("1"), "": s("1")})}, outbox.RuleValue, 0, `Item[""]: an attribute without a name`, true},
		"long name":                  {[]types.TransactWriteItem{put("users", item{"id": s("1"), strings.Repeat("x", 65536): s("1")})}, outbox.RuleValue, 0, "the name: 65536 bytes, at most 65535", true},
		"not the caller's UTF-8":     {[]types.TransactWriteItem{put("users", item{"id": s("1"), "x": s("\xff")})}, accepted, 0, "", false},
		"expression too long":        {[]types.TransactWriteItem{conditioned("id <> id"+strings.Repeat(" ", 4089), nil)}, outbox.RuleExpressionSize, 0, "ConditionExpression: 4097 bytes, at most 4096", true},
		"value not defined":          {[]types.TransactWriteItem{conditioned("a = :a", nil)}, outbox.RuleValue, 0, `ConditionExpression: the placeholder ":a" is not defined`, true},
		"value not used":             {[]types.TransactWriteItem{conditioned("a = b", item{":a": s("x")})}, outbox.RuleValue, 0, `ExpressionAttributeValues[":a"]: not used`, true},
		"names without expression":   {[]types.TransactWriteItem{{Put: &types.Put{TableName: aws.String("users"), Item: item{"id": s("1")}, ExpressionAttributeNames: map[string]string{"#n": "x"}}}}, accepted, 0, "", false},
		"deep value in a condition":  {[]types.TransactWriteItem{conditioned("a = :a", item{":a": nested(40)})}, accepted, 0, "", false},
		"deep value in an item":      {[]types.TransactWriteItem{put("users", item{"id": s("1"), "x": nested(40)})}, outbox.RuleValue, 0, "Item.x.a.a", true},
		"value without end":          {[]types.TransactWriteItem{conditioned("a = :a", item{":a": endless()})}, outbox.RuleValue, 0, `ExpressionAttributeValues[":a"].a.a`, false},
		"large value":                {[]types.TransactWriteItem{conditioned("a = :a", item{":a": s(strings.Repeat("x", 1<<20))})}, accepted, 0, "", false},
		"values over 2 MB":           {[]types.TransactWriteItem{conditioned("a = :a", item{":a": s(strings.Repeat("x", 2<<20+1))})}, outbox.RuleExpressionSize, 0, "all names and values of the action: 2097153 bytes, at most 2097152", true},
		"zero with an exponent":      {[]types.TransactWriteItem{put("users", item{"id": s("1"), "x": n("0e125")})}, accepted, 0, "", false},
		"zero out of range":          {[]types.TransactWriteItem{put("users", item{"id": s("1"), "x": n("0e126")})}, outbox.RuleValue, 0, "Item.x: a zero with an exponent outside", true},
		"nil in a condition's list":  {[]types.TransactWriteItem{conditioned("a = :a", item{":a": &types.AttributeValueMemberL{Value: []types.AttributeValue{nil}}})}, outbox.RuleValue, 0, `ExpressionAttributeValues[":a"][0]: no value (nil)`, false},
		"ARN of an index":            {[]types.TransactWriteItem{put(arn+"/index/byEmail", item{"id": s("1")})}, outbox.RuleTable, 0, "TableName: the ARN of the table's index", false},
		"ARN of a stream":            {[]types.TransactWriteItem{put(arn+"/stream/2026-11-24T12:00:00.000", item{"id": s("1")})}, outbox.RuleTable, 0, "TableName: the ARN of the table's stream", false},
		"ARN of something else":      {[]types.TransactWriteItem{put("arn:aws:sqs:eu-west-1:123456789012:users", item{"id": s("1")})}, outbox.RuleAction, 0, "TableName is not", true},
		"ARNs of two regions":        {[]types.TransactWriteItem{put(arn, item{"id": s("1")}), put("arn:aws:dynamodb:eu-central-1:123456789012:table/admins", item{"id": s("1")})}, outbox.RuleTable, 1, "a table of eu-central-1:123456789012, while another of the transaction is of eu-west-1:123456789012", false},
		"ARNs of two accounts":       {[]types.TransactWriteItem{put(arn, item{"id": s("1")}), put("arn:aws:dynamodb:eu-west-1:999999999999:table/admins", item{"id": s("1")})}, outbox.RuleTable, 1, "one region and account", false},
		"ARN and name":               {[]types.TransactWriteItem{put(arn, item{"id": s("1")}), put("admins", item{"id": s("1")})}, accepted, 0, "", false},
		"name of a dot":              {[]types.TransactWriteItem{put("users", item{"id": s("1"), "a.b": &types.AttributeValueMemberL{Value: []types.AttributeValue{n("x")}}})}, outbox.RuleValue, 0, `Item["a.b"][0]: not a number`, true},
		"old item in a new way":      {[]types.TransactWriteItem{{Put: &types.Put{TableName: aws.String("users"), Item: item{"id": s("1")}, ReturnValuesOnConditionCheckFailure: "ALL_NEW"}}}, outbox.RuleAction, 0, "ReturnValuesOnConditionCheckFailure", true},
		"puts with unknown key":      {[]types.TransactWriteItem{put("users", item{"id": s("1")}), put("users", item{"id": s("1")})}, accepted, 0, "", false},
		"caller's put on the event":  {[]types.TransactWriteItem{put("event-store", item{"pk": s("e1"), "sk": n("1795521600123.0")})}, outbox.RuleSameItem, 1, "TransactItems[0]", false},
		"caller's check of the key":  {[]types.TransactWriteItem{check("event-store", item{"pk": s("e1"), "sk": n("1795521600123")})}, outbox.RuleSameItem, 1, "TransactItems[0]", false},
		"caller's put beside events": {[]types.TransactWriteItem{put("event-store", item{"pk": s("e2"), "sk": n("1795521600123")})}, accepted, 0, "", false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			w, in := newWriter(t), &dynamodb.TransactWriteItemsInput{TransactItems: c.actions}
			err := w.Append(in, event(t, "e1", 1))
			if c.rule == accepted || c.left {
				require.NoError(t, err)
				require.Len(t, in.TransactItems, len(c.actions)+1)
			} else {
				require.Len(t, in.TransactItems, len(c.actions))
				items, err := w.Items(event(t, "e1", 1))
				require.NoError(t, err)
				in.TransactItems = slices.Concat(in.TransactItems, items)
			}
			check := w.Check(in)
			if c.rule == accepted {
				require.NoError(t, check)
				return
			}
			if !c.left {
				require.Equal(t, check, err, "Check is no milder")
			}
			var e *outbox.PreflightError
			require.ErrorAs(t, check, &e)
			require.Equal(t, c.rule, e.Rule, check)
			require.Equal(t, c.index, e.Index, check)
			require.ErrorContains(t, check, c.text)
		})
	}
}

// big makes actions of about 400 KB each.
func big(count int) (actions []types.TransactWriteItem) {
	for i := range count {
		actions = append(actions, put("users", item{"id": s(itoa(int64(i))), "x": s(strings.Repeat("x", 390<<10))}))
	}
	return actions
}

func TestPreflightOfEvents(t *testing.T) {
	w := newWriter(t)
	in := signup("u1")
	require.NoError(t, w.Append(in, event(t, "e1", 1)))
	var e *outbox.PreflightError
	require.ErrorAs(t, w.Append(in, event(t, "e1", 2)), &e)
	require.Equal(t, outbox.RuleSameItem, e.Rule)
	require.Equal(t, 2, e.Index)
	require.Equal(t, "e1", e.EventID)
	require.Equal(t, "User.Created", e.EventName)

	require.ErrorAs(t, w.Append(in, event(t, "e2", map[string]any{"": 1})), &e)
	require.Contains(t, e.Problem, "; Options.PayloadAsText stores it as text")

	require.ErrorAs(t, w.Append(in, event(t, "e2", strings.Repeat("x", 400<<10))), &e)
	require.Equal(t, outbox.RuleItemSize, e.Rule)
	require.Equal(t, "e2", e.EventID)

	require.NoError(t, w.Append(in, event(t, "e3", 1)), "a second writer or append on one input")
	require.Len(t, in.TransactItems, 3)
	require.NoError(t, w.Check(in))
	for token, ok := range map[string]bool{"": false, strings.Repeat("é", 36): true, strings.Repeat("t", 37): false, strings.Repeat("😀", 36): true} {
		in.ClientRequestToken = &token
		require.Equal(t, ok, w.Check(in) == nil, token)
	}
	in.ClientRequestToken = aws.String(strings.Repeat("t", 37))
	require.ErrorAs(t, w.Check(in), &e)
	require.Equal(t, outbox.RuleToken, e.Rule)
	require.Error(t, w.Append(nil, event(t, "e4", 1)))
	require.NoError(t, w.Append(&dynamodb.TransactWriteItemsInput{}, event(t, "e4", 1)))

	require.NoError(t, w.Append(&dynamodb.TransactWriteItemsInput{}), "the caller may add to it later")
	require.ErrorAs(t, w.Check(&dynamodb.TransactWriteItemsInput{}), &e)
	require.Equal(t, outbox.RuleActions, e.Rule)
	require.EqualError(t, e, "outbox: number of actions: the transaction has none")
	require.ErrorContains(t, w.Check(nil), "transaction, a *dynamodb.TransactWriteItemsInput, is nil")
}

// The items of Puts count; how AWS counts the rest it does not say.
func TestPreflightOfTransactionSize(t *testing.T) {
	w := newWriter(t)
	puts := func(size int) *dynamodb.TransactWriteItemsInput {
		in := &dynamodb.TransactWriteItemsInput{}
		for i := range 11 {
			part := min(size, 390<<10)
			size -= part
			id := itoa(int64(10 + i))
			in.TransactItems = append(in.TransactItems, put("users", item{"id": s(id), "x": s(strings.Repeat("x", part-len("id10x")))}))
		}
		require.Zero(t, size)
		return in
	}
	require.NoError(t, w.Append(puts(4<<20)))
	require.NoError(t, w.Check(puts(4<<20)))
	in := puts(4 << 20)
	large := update("users", item{"id": s("other")})
	large.Update.ExpressionAttributeValues = item{":a": s(strings.Repeat("x", 390<<10))}
	in.TransactItems = append(in.TransactItems, large)
	require.NoError(t, w.Check(in))
	var e *outbox.PreflightError
	require.ErrorAs(t, w.Check(puts(4<<20+1)), &e)
	require.Equal(t, outbox.RuleTransactionSize, e.Rule)
	require.Equal(t, 4<<20+1, e.Actual)

	// an event appended is worth the same as the event checked
	in = puts(4<<20 - 2000)
	ev := event(t, "e1", strings.Repeat("x", 4000))
	require.ErrorAs(t, w.Append(in, ev), &e)
	whole := *in
	items, err := w.Items(ev)
	require.NoError(t, err)
	whole.TransactItems = append(whole.TransactItems, items...)
	actual := e.Actual
	require.ErrorAs(t, w.Check(&whole), &e)
	require.Equal(t, actual, e.Actual)
}

// In a layout with Keys it does not show whether the table has a sort key, unless
// an event is there: neither Append nor Check guesses.
func TestPreflightOfALayoutWithKeys(t *testing.T) {
	long := s(strings.Repeat("x", 1100))
	for sk, refused := range map[string]bool{"EVENT": true, "": false} {
		w := newWriter(t, func(o *outbox.Options) {
			o.Layout.Keys = func(ev envelope.CustomEvent) (string, string) { return ev.Headers.EventID, sk }
		})
		in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{put("event-store", item{"pk": long, "sk": long})}}
		require.NoError(t, w.Check(in), "nothing shows")
		require.Equal(t, refused, w.Append(in, event(t, "e1", 1)) != nil)
		for _, key := range []item{{"pk": s("1")}, {"pk": s("1"), "sk": s("2")}} {
			require.NoError(t, w.Check(&dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{del("event-store", key)}}))
		}

		behind := &dynamodb.TransactWriteItemsInput{}
		require.NoError(t, w.Append(behind, event(t, "e1", 1)))
		behind.TransactItems = append(behind.TransactItems, put("event-store", item{"pk": s("user"), "sk": long}))
		require.Equal(t, refused, w.Check(behind) != nil, "Check sees as much as Append did")
	}

	// a receipt has a sort key
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{put("receipts", item{"pk": s("1"), "sk": long})}}
	var e *outbox.PreflightError
	require.ErrorAs(t, newInbox(t).Append(in, event(t, "m1", 1)), &e)
	require.Equal(t, outbox.RuleKeySize, e.Rule)
}

// A writer that is given an ARN knows where its transactions are.
func TestPreflightOfAWriterByARN(t *testing.T) {
	w, err := outbox.NewWriter("arn:aws:dynamodb:eu-west-1:123456789012:table/event-store", func(o *outbox.Options) { o.Source = "userService" })
	require.NoError(t, err)
	for region, taken := range map[string]bool{"eu-west-1": true, "eu-central-1": false} {
		in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{put("arn:aws:dynamodb:"+region+":123456789012:table/users", item{"id": s("1")})}}
		err := w.Append(in, event(t, "e1", 1))
		require.Equal(t, taken, err == nil, "%v", err)
		if !taken {
			require.ErrorContains(t, err, "TransactItems[0] (")
		}
	}
}

// An item of the caller's own in the event store is not called an event.
func TestPreflightOfOtherItemsInTheEventStore(t *testing.T) {
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{put("event-store", item{"pk": s(""), "sk": n("1"), "eventId": s("e9")})}}
	require.ErrorContains(t, newWriter(t).Append(in), "the caller's own item")
}

func TestAppendAllocatesForTheEventAlone(t *testing.T) {
	w := newWriter(t)
	ev := event(t, "e1", map[string]any{"userId": "u1"})
	key := func(i int) item { return item{"id": s("user"), "version": n(itoa(int64(i)))} }
	for name, action := range map[string]func(i int) types.TransactWriteItem{
		"put":             func(i int) types.TransactWriteItem { return put("users", key(i)) },
		"update":          func(i int) types.TransactWriteItem { return update("users", key(i)) },
		"delete":          func(i int) types.TransactWriteItem { return del("users", key(i)) },
		"condition check": func(i int) types.TransactWriteItem { return check("users", key(i)) },
		"in event store": func(i int) types.TransactWriteItem {
			return put("event-store", item{"pk": s("e2"), "sk": n(itoa(int64(i)))})
		},
	} {
		t.Run(name, func(t *testing.T) {
			allocations := func(actions int) float64 {
				items := make([]types.TransactWriteItem, 0, actions+1)
				for i := range actions {
					items = append(items, action(i))
				}
				// the least of many runs: scratch space is pooled, and a pool can be
				// empty in any one, at random under the race detector
				least := math.Inf(1)
				for range 50 {
					least = min(least, testing.AllocsPerRun(1, func() {
						in := dynamodb.TransactWriteItemsInput{TransactItems: items}
						if err := w.Append(&in, ev); err != nil {
							t.Error(err)
						}
					}))
				}
				return least
			}
			require.LessOrEqual(t, allocations(90), allocations(1)+1, "one array to read them into")
		})
	}
}

// Keys are found to be the same whatever comes between them, and equal hashes
// alone are not enough.
func TestPreflightOfManyKeys(t *testing.T) {
	w := newWriter(t)
	for name, key := range map[string]func(i int) types.AttributeValue{
		"numbers": func(i int) types.AttributeValue { return n(itoa(int64(i))) },
		"huge numbers that are equal as floats": func(i int) types.AttributeValue {
			return n("1234567890123456789012345678901234" + itoa(int64(1000+i)))
		},
		"strings": func(i int) types.AttributeValue { return s(itoa(int64(i))) },
		"binary":  func(i int) types.AttributeValue { return &types.AttributeValueMemberB{Value: []byte(itoa(int64(i)))} },
	} {
		t.Run(name, func(t *testing.T) {
			in := &dynamodb.TransactWriteItemsInput{}
			for i := range 99 {
				in.TransactItems = append(in.TransactItems, update("users", item{"id": s("u"), "version": key(i)}))
			}
			require.NoError(t, w.Append(in, event(t, "e1", 1)))

			in.TransactItems[98] = del("users", item{"version": key(17), "id": s("u")})
			var e *outbox.PreflightError
			require.ErrorAs(t, w.Check(in), &e)
			require.Equal(t, outbox.RuleSameItem, e.Rule)
			require.Equal(t, 98, e.Index)
			require.ErrorContains(t, e, "TransactItems[17]")
		})
	}
}
