package commit_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/engine"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/conformance/enginetest"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// orderedSingleTable is the layout of outbox's ExampleOptions_singleTableInOrder.
func orderedSingleTable() envelope.Layout {
	return envelope.Layout{
		PK: "PK", SK: "SK", Marker: "_outbox", Ordered: true,
		Keys: func(ev envelope.CustomEvent) (string, string) {
			return "USER#" + ev.Headers.AggregateID, fmt.Sprintf("EVENT#%019d", ev.Headers.Sequence)
		},
		Attributes: map[string]string{"entityType": "Event"},
		AttributesOf: func(ev envelope.CustomEvent) map[string]string {
			return map[string]string{"GSI1PK": "EVENT#" + ev.Headers.EventID}
		},
	}
}

// A single table keeps the events of an aggregate beside it, in their order, and
// an index of it finds an event by its id.
func TestSingleTableInOrder(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		ddb, table := client(db), enginetest.Unique(t)
		key := func(name string) types.AttributeDefinition {
			return types.AttributeDefinition{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}
		}
		_, err := ddb.CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: &table, BillingMode: types.BillingModePayPerRequest,
			AttributeDefinitions: []types.AttributeDefinition{key("PK"), key("SK"), key("GSI1PK")},
			KeySchema: []types.KeySchemaElement{
				{AttributeName: aws.String("PK"), KeyType: types.KeyTypeHash}, {AttributeName: aws.String("SK"), KeyType: types.KeyTypeRange},
			},
			GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
				IndexName: aws.String("GSI1"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
				KeySchema: []types.KeySchemaElement{{AttributeName: aws.String("GSI1PK"), KeyType: types.KeyTypeHash}},
			}},
		})
		require.NoError(t, err)
		t.Cleanup(func() {
			_, err := ddb.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: &table})
			require.NoError(t, err)
		})
		w, err := outbox.NewWriter(table, func(o *outbox.Options) { o.Source, o.Layout = "userService", orderedSingleTable() })
		require.NoError(t, err)
		// rename commits the user's version and the event of that sequence.
		rename := func(ev envelope.CustomEvent) error {
			in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{
				TableName: &table, Item: item{"PK": s("USER#u1"), "SK": s("USER"), "version": n(fmt.Sprint(ev.Headers.Sequence))},
			}}}}
			require.NoError(t, w.Append(in, ev))
			require.NoError(t, w.Check(in))
			_, err := ddb.TransactWriteItems(t.Context(), in)
			return w.Explain(in, err)
		}
		renamed := func(sequence int64) envelope.CustomEvent {
			return newEvent(t, "User.Renamed", map[string]int64{"n": sequence}, func(h *envelope.Headers) { h.AggregateID, h.Sequence = "u1", sequence })
		}
		sequences := []int64{100, 9, 11, 10, 99}
		byID := map[string]int64{}
		for _, sequence := range sequences {
			ev := renamed(sequence)
			byID[ev.Headers.EventID] = sequence
			require.NoError(t, rename(ev))
			require.NoError(t, rename(ev), "again, under another token")
		}
		require.ErrorIs(t, rename(renamed(10)), outbox.ErrSequenceTaken)

		events, err := ddb.Query(t.Context(), &dynamodb.QueryInput{
			TableName: &table, ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("PK = :pk AND begins_with(SK, :event)"),
			ExpressionAttributeValues: item{":pk": s("USER#u1"), ":event": s("EVENT#")},
		})
		require.NoError(t, err)
		var inOrder []string
		for _, it := range events.Items {
			inOrder = append(inOrder, it["SK"].(*types.AttributeValueMemberS).Value)
			require.Equal(t, s("Event"), it["entityType"])
		}
		require.Equal(t, []string{
			"EVENT#0000000000000000009", "EVENT#0000000000000000010", "EVENT#0000000000000000011", "EVENT#0000000000000000099", "EVENT#0000000000000000100",
		}, inOrder)
		for id, sequence := range byID {
			found, err := ddb.Query(t.Context(), &dynamodb.QueryInput{
				TableName: &table, IndexName: aws.String("GSI1"), KeyConditionExpression: aws.String("GSI1PK = :id"),
				ExpressionAttributeValues: item{":id": s("EVENT#" + id)},
			})
			require.NoError(t, err)
			require.Len(t, found.Items, 1)
			require.Equal(t, s(fmt.Sprintf("EVENT#%019d", sequence)), found.Items[0]["SK"])
		}
	})
}

// An event id of one's own is unique only with a time of one's own: as the
// documentation of envelope.New says, an event that is made anew for the second
// attempt commits twice without, and is recognised with one.
func TestEventIDOfOnesOwn(t *testing.T) {
	paidAt := time.Now().Add(-time.Hour)
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db)
		paid := func(id string, at time.Time) envelope.CustomEvent {
			return newEvent(t, "Order.Paid", map[string]int{"total": 7}, func(h *envelope.Headers) {
				h.EventID = id
				if !at.IsZero() {
					h.Timestamp = at
				}
			})
		}
		nothing := types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
			TableName: &wd.users.Name, Key: item{"pk": s("u1")}, ConditionExpression: aws.String("attribute_not_exists(pk)"),
		}}
		withTime := func() error { return wd.send(t, wd.transaction(t, nothing, paid("order-7-paid", paidAt))) }
		require.NoError(t, withTime())
		require.NoError(t, withTime(), "made anew")
		require.Len(t, wd.store.Items(t, db), 1)

		first := paid("order-8-paid", time.Time{})
		require.NoError(t, wd.send(t, wd.transaction(t, nothing, first)))
		second := paid("order-8-paid", first.Headers.Timestamp.Add(time.Millisecond)) // the next attempt's now
		require.NoError(t, wd.send(t, wd.transaction(t, nothing, second)))
		require.Len(t, wd.store.Items(t, db), 3, "two items of one eventId")
	})
}
