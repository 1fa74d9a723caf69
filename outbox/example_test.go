package outbox_test

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// UserCreated is the payload of the examples.
type UserCreated struct {
	UserID string `json:"userId"`
	Email  string `json:"email"`
}

// fixed gives an event the id and time that the examples print; real code
// leaves both to envelope.New.
func fixed(id string) func(*envelope.Headers) {
	return func(h *envelope.Headers) {
		h.EventID = id
		h.Timestamp = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	}
}

// userPut is what the service wrote before it had an outbox.
func userPut(id string) *types.Put {
	return &types.Put{
		TableName:           aws.String("users"),
		Item:                map[string]types.AttributeValue{"userId": &types.AttributeValueMemberS{Value: id}},
		ConditionExpression: aws.String("attribute_not_exists(userId)"),
	}
}

// One line is added to the transaction that the service already has.
func Example() {
	w, err := outbox.NewWriter("event-store", func(o *outbox.Options) { o.Source = "userService" })
	if err != nil {
		panic(err)
	}

	ev, err := envelope.New(context.Background(), "User.Created", UserCreated{"u1", "ada@example.com"}, fixed("e1"))
	if err != nil {
		panic(err)
	}
	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: userPut("u1")}}}
	if err := w.Append(in, ev); err != nil {
		panic(err)
	}
	// _, err = ddb.TransactWriteItems(ctx, in)

	for _, action := range in.TransactItems {
		fmt.Println(*action.Put.TableName, *action.Put.ConditionExpression)
	}
	// Output:
	// users attribute_not_exists(userId)
	// event-store attribute_not_exists(pk)
}

// A bad event among good ones is refused before anything is added.
func ExampleWriter_Append_refused() {
	w, err := outbox.NewWriter("event-store", func(o *outbox.Options) { o.Source = "userService" })
	if err != nil {
		panic(err)
	}
	good, err := envelope.New(context.Background(), "User.Created", UserCreated{"u1", "ada@example.com"}, fixed("e1"))
	if err != nil {
		panic(err)
	}
	bad, err := envelope.New(context.Background(), "User.Scored", map[string]any{"scores": []uint64{1, 1 << 63}}, fixed("e2"))
	if err != nil {
		panic(err)
	}

	in := &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: userPut("u1")}}}
	fmt.Println(w.Append(in, good, bad))
	fmt.Println(len(in.TransactItems), "action, as before")
	// Output:
	// outbox: TransactItems[2] (table "event-store", event "e2" ("User.Scored")): payload.scores[1]: an integer outside the int64 range, which EventBridge refuses
	// 1 action, as before
}

// An item can end by itself: the TTL counts from the event's time.
func ExampleOptions_ttl() {
	w, err := outbox.NewWriter("event-store", func(o *outbox.Options) {
		o.Source = "userService"
		o.TTL = 14 * 24 * time.Hour // as long as the dead letters are kept
	})
	if err != nil {
		panic(err)
	}
	ev, err := envelope.New(context.Background(), "User.Created", UserCreated{"u1", "ada@example.com"}, fixed("e1"))
	if err != nil {
		panic(err)
	}
	put, err := w.PutItem(ev)
	if err != nil {
		panic(err)
	}
	fmt.Println(put.Item["ttl"].(*types.AttributeValueMemberN).Value, "epoch seconds")
	// Output: 1796731200 epoch seconds
}

// In a single-table design, events live beside everything else. The same Layout
// goes to the relay, which knows events by the marker.
func ExampleOptions_singleTable() {
	layout := envelope.Layout{
		PK: "PK", SK: "SK", Marker: "_outbox",
		Keys:       func(ev envelope.CustomEvent) (string, string) { return "EVENT#" + ev.Headers.EventID, "EVENT" },
		Attributes: map[string]string{"entityType": "Event"},
	}
	w, err := outbox.NewWriter("app", func(o *outbox.Options) { o.Source, o.Layout = "userService", layout })
	if err != nil {
		panic(err)
	}
	ev, err := envelope.New(context.Background(), "User.Created", UserCreated{"u1", "ada@example.com"}, fixed("e1"))
	if err != nil {
		panic(err)
	}
	items, err := w.Items(ev)
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"PK", "SK", "_outbox", "entityType"} {
		fmt.Println(name, "=", items[0].Put.Item[name].(*types.AttributeValueMemberS).Value)
	}
	// Output:
	// PK = EVENT#e1
	// SK = EVENT
	// _outbox = outbox/1
	// entityType = Event
}

// orderedSingleTable is the layout of a single table in which the events of an
// aggregate lie beside it, in the order of their sequences: a text of 19 digits
// sorts as the number does.
func orderedSingleTable() envelope.Layout {
	return envelope.Layout{
		PK: "PK", SK: "SK", Marker: "_outbox", Ordered: true,
		Keys: func(ev envelope.CustomEvent) (string, string) {
			return "USER#" + ev.Headers.AggregateID, fmt.Sprintf("EVENT#%019d", ev.Headers.Sequence)
		},
		Attributes: map[string]string{"entityType": "Event"},
		AttributesOf: func(ev envelope.CustomEvent) map[string]string {
			return map[string]string{"GSI1PK": "EVENT#" + ev.Headers.EventID} // to find it by its id
		},
	}
}

// Ordered events in a single-table design: each sequence of an aggregate is
// taken once, as a condition of the commit, and an index finds an event by its
// id.
func ExampleOptions_singleTableInOrder() {
	w, err := outbox.NewWriter("app", func(o *outbox.Options) { o.Source, o.Layout = "userService", orderedSingleTable() })
	if err != nil {
		panic(err)
	}
	ev, err := envelope.New(context.Background(), "User.Renamed", map[string]string{"name": "Ada"}, fixed("e1"), func(h *envelope.Headers) {
		h.AggregateID, h.Sequence = "u1", 12
	})
	if err != nil {
		panic(err)
	}
	items, err := w.Items(ev)
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"PK", "SK", "entityType", "GSI1PK"} {
		fmt.Println(name, "=", items[0].Put.Item[name].(*types.AttributeValueMemberS).Value)
	}
	// Output:
	// PK = USER#u1
	// SK = EVENT#0000000000000000012
	// entityType = Event
	// GSI1PK = EVENT#e1
}

// What the context carries is frozen in New; what is set by hand wins.
func Example_correlation() {
	ctx := envelope.WithCorrelationID(context.Background(), "request-7")
	ctx = envelope.WithActor(ctx, "ada")

	created, err := envelope.New(ctx, "User.Created", UserCreated{"u1", "ada@example.com"}, fixed("e1"))
	if err != nil {
		panic(err)
	}
	// in another service, later
	sent, err := envelope.New(envelope.Continue(context.Background(), created), "Email.Sent", nil, fixed("e2"))
	if err != nil {
		panic(err)
	}
	fmt.Println(created.Headers.CorrelationID, created.Headers.CreatedBy, created.Headers.CausationID == "")
	fmt.Println(sent.Headers.CorrelationID, sent.Headers.CreatedBy, sent.Headers.CausationID)
	// Output:
	// request-7 ada true
	// request-7 ada e1
}
