package deployed

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/lambdapoller"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventpattern"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// maxPattern is the length of a filter's pattern in characters
// (https://docs.aws.amazon.com/lambda/latest/api/API_Filter.html).
const maxPattern = 4096

// layouts are the layouts of events, and the filter that goes with each.
var layouts = []struct {
	name   string
	filter string
	layout envelope.Layout
}{
	{"zero layout", "dedicated", envelope.Layout{}},
	{"aggregate layout", "dedicated", envelope.AggregateLayout()},
	{"shared table", "shared", envelope.Layout{Marker: "outbox"}},
}

// TestFiltersOnRealStreamRecords writes events and other items into each
// engine, reads its stream in the form in which Lambda gets it, and asks the
// filters of the templates about each record.
func TestFiltersOnRealStreamRecords(t *testing.T) {
	patterns := filters(t)
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		for _, l := range layouts {
			t.Run(l.name, func(t *testing.T) {
				records := recorded(t, db, l.layout)
				require.Len(t, records, 5)
				pattern := patterns[l.filter]
				require.LessOrEqual(t, len(pattern), maxPattern)
				p, err := eventpattern.Parse(pattern)
				require.NoError(t, err)
				for what, record := range records {
					got, err := p.Match(record)
					require.NoError(t, err)
					require.Equal(t, wanted(what, l.filter), got, "%s: %s\n%s", what, pattern, record)
				}
			})
		}
	})
}

// filters are those that the SAM template has for the layouts, by name. Those of
// Terraform are compared with them when it is deployed.
func filters(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(examples, "deploy/sam/template.yaml"))
	require.NoError(t, err)
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^    (dedicated|shared): '(.+)'$`).FindAllStringSubmatch(string(text), -1) {
		found[m[1]] = m[2]
	}
	require.Len(t, found, 2)
	return found
}

// wanted says whether the relay must get a record. In a table of its own, a new
// item that is no event is a fault, and belongs in the dead letters.
func wanted(what, filter string) bool {
	switch what {
	case "event", "event of a later format":
		return true
	case "other item":
		return filter == "dedicated"
	}
	return false // a change or a removal
}

// recorded makes one record of each sort, by the sort.
func recorded(t *testing.T, db *engine.Engine, layout envelope.Layout) map[string][]byte {
	t.Helper()
	table := enginetest.EventStore(t, db)
	w, err := outbox.NewWriter(table.Name, func(o *outbox.Options) { o.Source, o.Layout = "userService", layout })
	require.NoError(t, err)
	ev, err := envelope.New(t.Context(), "User.Created", map[string]string{"email": "a@example.com"}, func(h *envelope.Headers) {
		h.AggregateID, h.Sequence = "user-1", 1
	})
	require.NoError(t, err)
	in := &dynamodb.TransactWriteItemsInput{}
	require.NoError(t, w.Append(in, ev))
	_, err = db.DynamoDB().TransactWriteItems(t.Context(), in)
	require.NoError(t, err)

	key := map[string]types.AttributeValue{"pk": in.TransactItems[0].Put.Item["pk"], "sk": in.TransactItems[0].Put.Item["sk"]}
	_, err = db.DynamoDB().UpdateItem(t.Context(), &dynamodb.UpdateItemInput{
		TableName: &table.Name, Key: key, UpdateExpression: aws.String("SET touched = :yes"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":yes": &types.AttributeValueMemberBOOL{Value: true}},
	})
	require.NoError(t, err)
	_, err = db.DynamoDB().DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table.Name, Key: key})
	require.NoError(t, err)
	put := func(pk string, more map[string]types.AttributeValue) {
		item := map[string]types.AttributeValue{"pk": &types.AttributeValueMemberS{Value: pk}, "sk": &types.AttributeValueMemberN{Value: "1"}}
		for k, v := range more {
			item[k] = v
		}
		_, err := db.DynamoDB().PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table.Name, Item: item})
		require.NoError(t, err)
	}
	put("other", nil)
	put("later", map[string]types.AttributeValue{"outbox": &types.AttributeValueMemberS{Value: "outbox/2"}})

	batches, err := lambdapoller.Events(t.Context(), db.Streams(), table.StreamARN, 10_000)
	require.NoError(t, err)
	all := map[string][]byte{}
	for _, batch := range batches {
		var event struct{ Records []json.RawMessage }
		require.NoError(t, json.Unmarshal(batch, &event))
		for _, r := range event.Records {
			all[sort(t, r)] = r
		}
	}
	return all
}

// sort says of which sort a record is.
func sort(t *testing.T, record []byte) string {
	t.Helper()
	var r struct {
		EventName string `json:"eventName"`
		DynamoDB  struct {
			Keys map[string]map[string]string
		} `json:"dynamodb"`
	}
	require.NoError(t, json.Unmarshal(record, &r))
	switch {
	case r.EventName == "MODIFY":
		return "change"
	case r.EventName == "REMOVE":
		return "removal"
	case r.DynamoDB.Keys["pk"]["S"] == "other":
		return "other item"
	case r.DynamoDB.Keys["pk"]["S"] == "later":
		return "event of a later format"
	}
	return "event"
}

// TestFiltersOnWrittenRecords asks about records that no engine here makes: the
// removal by TTL, in AWS's own words.
func TestFiltersOnWrittenRecords(t *testing.T) {
	const ttl = `{"eventID":"1","eventName":"REMOVE","userIdentity":{"type":"Service","principalId":"dynamodb.amazonaws.com"},
		"dynamodb":{"Keys":{"pk":{"S":"e"}},"OldImage":{"outbox":{"S":"outbox/1"}},"SequenceNumber":"1","StreamViewType":"NEW_IMAGE"}}`
	for kind, pattern := range filters(t) {
		p, err := eventpattern.Parse(pattern)
		require.NoError(t, err)
		got, err := p.Match([]byte(ttl))
		require.NoError(t, err)
		require.False(t, got, kind)
	}
}
