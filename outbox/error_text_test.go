package outbox_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// An error says what is wrong in the words of whoever has to mend it.
func TestErrorTexts(t *testing.T) {
	w, inbox := newWriter(t), newInbox(t)
	twice := signup("u1")
	require.NoError(t, w.Append(twice, event(t, "e1", 1)))
	require.NoError(t, inbox.Append(twice, event(t, "m1", 1)))
	option := func(set func(*outbox.Options)) error {
		_, err := outbox.NewWriter("event-store", set)
		return err
	}
	for name, c := range map[string]struct {
		err  error
		text string
	}{
		"option Source": {option(func(o *outbox.Options) { o.Source, o.Region = "aws.s3", "eu-west-1" }),
			`outbox: option Source: begins with "aws.", which EventBridge keeps for AWS services`},
		"option Region": {option(func(o *outbox.Options) { o.Source, o.Region = "userService", "\xff" }),
			`outbox: option Region: not valid UTF-8`},
		"zero event": {w.Append(signup("u1"), envelope.CustomEvent{}),
			`outbox: TransactItems[1] (table "event-store", the event): headers.eventId: missing`},
		"zero event of a receipt": {inbox.Append(signup("u1"), envelope.CustomEvent{}),
			`outbox: TransactItems[1] (table "receipts", the event): headers.eventId: missing; without it a duplicate cannot be recognised`},
		"no payload": {w.Append(signup("u1"), envelope.CustomEvent{Headers: event(t, "e1", 1).Headers}),
			`outbox: TransactItems[1] (table "event-store", event "e1" ("User.Created")): payload: missing; an event without one has the payload null`},
		"payload that is not JSON": {w.Append(signup("u1"), envelope.CustomEvent{Headers: event(t, "e1", 1).Headers, Payload: []byte(`{"a":}`)}),
			`outbox: TransactItems[1] (table "event-store", event "e1" ("User.Created")): payload.a: not valid JSON at byte 5`},
		"no source": {newWriter(t, func(o *outbox.Options) { o.Source = "" }).Append(signup("u1"), event(t, "e1", 1)),
			`outbox: TransactItems[1] (table "event-store", event "e1" ("User.Created")): headers.source: missing; set Options.Source or the event's own`},
		"same event twice": {w.Append(twice, event(t, "e1", 1)),
			`outbox: TransactItems[3] (table "event-store", event "e1" ("User.Created")): two actions on one item: the same event is at TransactItems[1]; it was appended twice`},
		"same event twice in one call": {w.Append(signup("u1"), event(t, "e1", 1), event(t, "e1", 1)),
			`outbox: TransactItems[2] (table "event-store", event "e1" ("User.Created")): two actions on one item: the same event is at TransactItems[1]; it was appended twice`},
		"same receipt twice": {inbox.Append(twice, event(t, "m1", 1)),
			`outbox: TransactItems[3] (table "receipts", event "m1" ("User.Created")): two actions on one item: the same event is at TransactItems[2]; it was appended twice`},
		"path in a payload": {w.Append(signup("u1"), event(t, "e1", json.RawMessage(`{"a.b":[1e400]}`))), `payload["a.b"][0]: `},
		"path of a key": {newWriter(t, func(o *outbox.Options) {
			o.Layout = envelope.Layout{PK: "a.b", Keys: func(envelope.CustomEvent) (string, string) { return "", "" }}
		}).Append(signup("u1"), event(t, "e1", 1)), `["a.b"]: empty, which a key cannot be`},
		"path of a receipt's key": {newInbox(t, func(o *outbox.InboxOptions) {
			o.PK, o.Keys = "a.b", func(_, _ string) (string, string) { return "", "" }
		}).Append(signup("u1"), event(t, "e1", 1)), `["a.b"]: option Keys gave an empty partition key`},
		"path in a header": {w.Append(signup("u1"), event(t, "e1", 1, func(h *envelope.Headers) { h.SetExtension("a.b", []any{json.RawMessage("1e400")}) })), `headers["a.b"][0]: `},
	} {
		t.Run(name, func(t *testing.T) {
			require.Error(t, c.err)
			if strings.HasPrefix(c.text, "outbox: ") {
				require.EqualError(t, c.err, c.text)
			} else {
				require.ErrorContains(t, c.err, c.text)
			}
		})
	}
}
