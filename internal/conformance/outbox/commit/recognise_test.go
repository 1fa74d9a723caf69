package commit_test

import (
	"encoding/json"
	"strings"
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

// awkward is a payload whose numbers an engine gives back in another spelling,
// and with each kind of value.
const awkward = `{"price":1.50,"huge":1e18,"zero":-0.0,"tiny":1E-7,"round":100.0,"digits":12345678901234567890.123456789012345678,` +
	`"text":"a\u0001\u00e9\ud83d\ude00","empty":"","none":null,"yes":true,"list":[1.10,[],{}],"map":{"":0}}`

// An event that is in the store is recognised as the writer's own when it comes
// back from the engine, however the item was written and whatever became of
// what is beside the event.
func TestOwnEventIsRecognised(t *testing.T) {
	singleTable := func(o *outbox.Options) {
		o.Layout = envelope.Layout{
			PK: "pk", SK: "sk", Event: "Event", Marker: "_outbox", NumericSK: true,
			Keys:       func(ev envelope.CustomEvent) (string, string) { return "EVENT#" + ev.Headers.EventID, "1.0" },
			Attributes: map[string]string{"entityType": "Event"},
		}
	}
	text := func(o *outbox.Options) { o.PayloadAsText = true }
	cases := map[string]struct {
		opts    func(*outbox.Options)
		payload string
		change  string // an UpdateExpression for the stored item, with :one
	}{
		"as written":               {nil, mapPayload(), ""},
		"as text":                  {text, awkward, ""},
		"single table":             {singleTable, mapPayload(), ""},
		"a string as payload":      {nil, `"1.0"`, ""},
		"a number as payload":      {nil, `1.0`, ""},
		"another expiry":           {func(o *outbox.Options) { o.TTL = 48 * time.Hour }, mapPayload(), "SET #ttl = :one"},
		"the expiry taken away":    {func(o *outbox.Options) { o.TTL = 48 * time.Hour }, mapPayload(), "REMOVE #ttl"},
		"another program's mark":   {nil, mapPayload(), "SET relayed = :one"},
		"an entity type unlearned": {singleTable, mapPayload(), "REMOVE entityType"},
	}
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db)
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				wd := *wd
				if c.opts != nil {
					wd.w = wd.writer(t, c.opts)
				}
				ev := newEvent(t, "User.Created", json.RawMessage(c.payload), func(h *envelope.Headers) {
					h.SetExtension("weight", json.RawMessage("2.50"))
				})
				id := ev.Headers.EventID
				first := wd.transaction(t, wd.signup(id), ev)
				require.NoError(t, wd.send(t, first))
				if c.change != "" {
					wd.update(t, keyOf(first), c.change)
				}
				require.NoError(t, wd.send(t, wd.transaction(t, wd.signup(id), ev)), "another token")

				put, err := wd.w.PutItem(ev)
				require.NoError(t, err)
				_, err = wd.ddb.PutItem(t.Context(), put)
				var sdk *types.ConditionalCheckFailedException
				require.ErrorAs(t, err, &sdk)
				require.NoError(t, wd.w.ExplainPut(put, err))
			})
		}
	})
}

// mapPayload is awkward without what a DynamoDB map cannot hold.
func mapPayload() string {
	var v map[string]json.RawMessage
	if err := json.Unmarshal([]byte(awkward), &v); err != nil {
		panic(err)
	}
	delete(v, "map")
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// update changes the stored item; #ttl and :one are defined.
func (wd *world) update(t *testing.T, key item, expression string) {
	t.Helper()
	in := &dynamodb.UpdateItemInput{TableName: &wd.store.Name, Key: key, UpdateExpression: &expression}
	switch expression {
	case "SET #ttl = :one", "REMOVE #ttl":
		in.ExpressionAttributeNames = map[string]string{"#ttl": "ttl"}
	}
	if expression[0] == 'S' {
		in.ExpressionAttributeValues = item{":one": n("1")}
	}
	_, err := wd.ddb.UpdateItem(t.Context(), in)
	require.NoError(t, err)
}

// The same eventId with other content is never taken for the event, and never for
// proof that nothing has committed. The error says where it differs.
func TestSameEventIDWithOtherContent(t *testing.T) {
	changes := map[string]struct {
		change func(ev *envelope.CustomEvent)
		says   string
	}{
		"payload":     {func(ev *envelope.CustomEvent) { ev.Payload = []byte(`{"n":2}`) }, "another payload"},
		"name":        {func(ev *envelope.CustomEvent) { ev.Headers.EventName = "User.Renamed" }, "another headers.eventName"},
		"causation":   {func(ev *envelope.CustomEvent) { ev.Headers.CausationID = "c" }, "another headers.causationId"},
		"own header":  {func(ev *envelope.CustomEvent) { ev.Headers.SetExtension("tenantId", "other") }, "another headers.tenantId"},
		"header less": {func(ev *envelope.CustomEvent) { ev.Headers.Extensions = nil }, "another headers.tenantId"},
	}
	now := time.Now()
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db)
		for name, c := range changes {
			for form, opts := range map[string]func(*outbox.Options){
				"as a map": func(*outbox.Options) {}, "as text": func(o *outbox.Options) { o.PayloadAsText = true },
			} {
				t.Run(name+", "+form, func(t *testing.T) {
					again := *wd
					again.w = wd.writer(t, opts)
					make := func() envelope.CustomEvent {
						return newEvent(t, "User.Created", map[string]int{"n": 1}, func(h *envelope.Headers) {
							h.EventID, h.Timestamp = name+form, now
							h.SetExtension("tenantId", "acme")
						})
					}
					first, second := make(), make()
					c.change(&second)
					require.NoError(t, wd.send(t, wd.transaction(t, wd.signup(name+form), first)))

					err := again.send(t, again.transaction(t, wd.signup("someone else, "+name+form), second))
					e := refused[cancelled](t, err)
					require.Equal(t, outbox.Unknown, e.Outcome)
					require.False(t, e.Retryable)
					require.ErrorIs(t, err, outbox.ErrEventExists)
					require.ErrorContains(t, err, c.says)
				})
			}
		}
	})
}

// Every action is looked at, so the event is found beside whatever else is
// refused: here an update that has left no room for a second one like it.
func TestOwnEventBesideAnotherRefusal(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db)
		ev := newEvent(t, "User.Grown", 1)
		grow := func() *dynamodb.TransactWriteItemsInput {
			return wd.transaction(t, types.TransactWriteItem{Update: &types.Update{
				TableName: &wd.users.Name, Key: item{"pk": s("u1")},
				UpdateExpression: aws.String("SET bio = list_append(if_not_exists(bio, :none), :more)"),
				ExpressionAttributeValues: item{
					":none": &types.AttributeValueMemberL{Value: []types.AttributeValue{}},
					":more": &types.AttributeValueMemberL{Value: []types.AttributeValue{s(strings.Repeat("x", 250<<10))}},
				},
			}}, ev)
		}
		require.NoError(t, wd.send(t, grow()))
		in := grow()
		_, err := wd.ddb.TransactWriteItems(t.Context(), in)
		var sdk cancelled
		require.ErrorAs(t, err, &sdk)
		require.Equal(t, "ValidationError", aws.ToString(sdk.CancellationReasons[0].Code))
		if does := enginetest.Deviation(t, db); does != "" {
			require.Equal(t, "None", aws.ToString(sdk.CancellationReasons[1].Code), "it no longer %s", does)
			return
		}
		require.NoError(t, wd.w.Explain(in, err))
	})
}
