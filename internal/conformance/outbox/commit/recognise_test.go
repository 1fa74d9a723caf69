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

// Between two attempts lies a deploy: the second comes from a writer with other
// options. It is the same event, and it has committed.
func TestOwnEventOfAnotherWriterIsRecognised(t *testing.T) {
	options := map[string]func(*outbox.Options){
		"as it was":             func(*outbox.Options) {},
		"another source":        func(o *outbox.Options) { o.Source = "accountService" },
		"a region":              func(o *outbox.Options) { o.Region = "eu-west-1" },
		"another region":        func(o *outbox.Options) { o.Region = "eu-central-1" },
		"payload as text":       func(o *outbox.Options) { o.PayloadAsText = true },
		"an expiry":             func(o *outbox.Options) { o.TTL = 48 * time.Hour },
		"an attribute more":     func(o *outbox.Options) { o.Layout.Attributes = map[string]string{"entityType": "Event"} },
		"a marker":              func(o *outbox.Options) { o.Layout.Marker = "_outbox" },
		"another event's place": func(o *outbox.Options) { o.Layout.Event = "Event" },
		"all of it": func(o *outbox.Options) {
			o.Source, o.Region, o.PayloadAsText, o.TTL = "accountService", "eu-west-1", true, 72*time.Hour
			o.Layout = envelope.Layout{Event: "Event", Marker: "_outbox", Attributes: map[string]string{"entityType": "Event"}}
		},
	}
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db)
		for before, first := range options {
			for after, second := range options {
				t.Run(before+", then "+after, func(t *testing.T) {
					old, current := *wd, *wd
					old.w, current.w = wd.writer(t, first), wd.writer(t, second)
					ev := newEvent(t, "User.Created", json.RawMessage(mapPayload()), func(h *envelope.Headers) {
						h.SetExtension("tenantId", "acme")
					})
					id := ev.Headers.EventID
					require.NoError(t, old.send(t, old.transaction(t, wd.signup(id), ev)))
					require.NoError(t, current.send(t, current.transaction(t, wd.signup(id), ev)), "another token")

					put, err := current.w.PutItem(ev)
					require.NoError(t, err)
					_, err = wd.ddb.PutItem(t.Context(), put)
					require.Error(t, err)
					require.NoError(t, current.w.ExplainPut(put, err))
				})
			}
		}
	})
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

// Whatever of the event itself is other, it is not the writer's own.
func TestOtherEventIsNotRecognised(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db)
		for name, change := range map[string]string{
			"payload changed": "SET event.payload.price = :one",
			"payload grown":   "SET event.payload.more = :one",
			"payload shrunk":  "REMOVE event.payload.price",
			"header changed":  "SET event.headers.eventName = :one",
			"member added":    "SET event.more = :one",
			"event gone":      "REMOVE event",
		} {
			t.Run(name, func(t *testing.T) {
				ev := newEvent(t, "User.Created", json.RawMessage(mapPayload()))
				first := wd.transaction(t, wd.signup(ev.Headers.EventID), ev)
				require.NoError(t, wd.send(t, first))
				wd.update(t, keyOf(first), change)

				err := wd.send(t, wd.transaction(t, wd.signup(ev.Headers.EventID), ev))
				e := refused[cancelled](t, err)
				require.ErrorIs(t, err, outbox.ErrEventExists)
				require.Equal(t, outbox.Unknown, e.Outcome, "it may have been this one")
				require.False(t, e.Retryable)
			})
		}
	})
}

// A sequence that is taken is a conflict that the caller can act on; one's own
// event is recognised there as in any other layout.
func TestSequenceTaken(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db, func(o *outbox.Options) { o.Layout = envelope.AggregateLayout() })
		rename := func(sequence int64) envelope.CustomEvent {
			return newEvent(t, "User.Renamed", map[string]int64{"n": sequence}, func(h *envelope.Headers) {
				h.AggregateID, h.Sequence = "u1", sequence
			})
		}
		mine, theirs := rename(7), rename(7)
		require.NoError(t, wd.send(t, wd.transaction(t, wd.signup("a"), mine)))
		require.NoError(t, wd.send(t, wd.transaction(t, wd.signup("a"), mine)), "another token")

		in := wd.transaction(t, wd.signup("b"), theirs)
		err := wd.send(t, in)
		e := refused[cancelled](t, err)
		require.ErrorIs(t, err, outbox.ErrSequenceTaken)
		require.NotErrorIs(t, err, outbox.ErrEventExists)
		require.Equal(t, outbox.NotCommitted, e.Outcome)
		require.False(t, e.Retryable)
		require.Equal(t, theirs.Headers.EventID, e.Reasons[0].EventID)

		put, err := wd.w.PutItem(theirs)
		require.NoError(t, err)
		_, err = wd.ddb.PutItem(t.Context(), put)
		require.ErrorIs(t, wd.w.ExplainPut(put, err), outbox.ErrSequenceTaken)

		require.NoError(t, wd.send(t, wd.transaction(t, wd.signup("b"), rename(8))))
		require.Len(t, wd.users.Items(t, db), 2)
		require.Len(t, wd.store.Items(t, db), 2)
	})
}

func TestExplainPutOnEngines(t *testing.T) {
	enginetest.EachDynamoDB(t, func(t *testing.T, db *engine.Engine) {
		wd := newWorld(t, db)
		ev := newEvent(t, "User.Created", 1)
		put, err := wd.w.PutItem(ev)
		require.NoError(t, err)
		_, err = wd.ddb.PutItem(t.Context(), put)
		require.NoError(t, wd.w.ExplainPut(put, err))

		changed := ev
		changed.Payload = []byte("2")
		other, err := wd.w.PutItem(changed)
		require.NoError(t, err)
		_, err = wd.ddb.PutItem(t.Context(), other)
		err = wd.w.ExplainPut(other, err)
		e := refused[*types.ConditionalCheckFailedException](t, err)
		require.ErrorIs(t, err, outbox.ErrEventExists)
		require.Equal(t, outbox.Unknown, e.Outcome)
		require.Equal(t, ev.Headers.EventID, e.Reasons[0].EventID)
		require.Equal(t, wd.store.Name, e.Reasons[0].Table)

		other.TableName = aws.String("no-such-table")
		_, err = wd.ddb.PutItem(t.Context(), other)
		e = refused[*types.ResourceNotFoundException](t, wd.w.ExplainPut(other, err))
		require.Equal(t, outbox.NotCommitted, e.Outcome)
		require.Len(t, wd.store.Items(t, db), 1)
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
