package outbox_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// A function of the user's that does what it should not: no event is written
// wrongly, and the writer goes on.
func TestAppendHostileKeys(t *testing.T) {
	var keys func(envelope.CustomEvent) (string, string)
	w := newWriter(t, func(o *outbox.Options) {
		o.Layout.Keys = func(ev envelope.CustomEvent) (string, string) { return keys(ev) }
	})
	numeric := newWriter(t, func(o *outbox.Options) {
		o.Layout.Keys, o.Layout.NumericSK = func(ev envelope.CustomEvent) (string, string) { return keys(ev) }, true
	})
	returns := func(pk, sk string) func(envelope.CustomEvent) (string, string) {
		return func(envelope.CustomEvent) (string, string) { return pk, sk }
	}
	long := strings.Repeat("k", 2049)
	cases := map[string]struct {
		w    *outbox.Writer
		keys func(envelope.CustomEvent) (string, string)
		path string // "" means accepted
		says string
		sk   types.AttributeValue // of what is accepted
	}{
		"no partition key":      {w, returns("", "s"), "pk", "empty", nil},
		"partition key of 2048": {w, returns(long[:2048], "s"), "", "", s("s")},
		"partition key of 2049": {w, returns(long, "s"), "pk", "2049 bytes", nil},
		"sort key of 1024":      {w, returns("p", long[:1024]), "", "", s(long[:1024])},
		"sort key of 1025":      {w, returns("p", long[:1025]), "sk", "1025 bytes", nil},
		"bytes count":           {w, returns("p", strings.Repeat("é", 513)), "sk", "1026 bytes", nil},
		"no sort key":           {w, returns("p", ""), "", "", nil},
		"not UTF-8":             {w, returns("p\xff", "s"), "pk", "not valid UTF-8", nil},
		"no number":             {numeric, returns("p", "one"), "sk", "not a number", nil},
		"39 digits":             {numeric, returns("p", strings.Repeat("9", 39)), "sk", "more than 38", nil},
		"a number":              {numeric, returns("p", "007.50"), "", "", n("7.5")},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			keys = c.keys
			in := signup("u1")
			err := c.w.Append(in, event(t, "e1", 1))
			if c.path == "" {
				require.NoError(t, err)
				require.Equal(t, c.sk, in.TransactItems[1].Put.Item["sk"])
				return
			}
			var e *outbox.PreflightError
			require.ErrorAs(t, err, &e)
			require.Equal(t, c.path, e.Path)
			require.Contains(t, e.Problem, c.says)
			require.Equal(t, "e1", e.EventID)
			require.Less(t, len(err.Error()), 500)
			require.Len(t, in.TransactItems, 1)
		})
	}

	in := signup("u1")
	keys = func(envelope.CustomEvent) (string, string) { panic("the user's own") }
	require.PanicsWithValue(t, "the user's own", func() { _ = w.Append(in, event(t, "e1", 1)) })
	require.Len(t, in.TransactItems, 1)
	keys = returns("p", "s")
	require.NoError(t, w.Append(in, event(t, "e1", map[string]any{"a": 1})))
	require.Equal(t, m(map[string]types.AttributeValue{"a": n("1")}),
		in.TransactItems[1].Put.Item["event"].(*types.AttributeValueMemberM).Value["payload"])
}

// A writer keeps nothing that the user can still change.
func TestWriterKeepsItsLayout(t *testing.T) {
	attributes := map[string]string{"kind": "Event"}
	w := newWriter(t, func(o *outbox.Options) { o.Layout.Attributes = attributes })
	attributes["kind"], attributes["pk"] = "changed", "changed"
	in := signup("u1")
	require.NoError(t, w.Append(in, event(t, "e1", 1)))
	require.Equal(t, s("Event"), in.TransactItems[1].Put.Item["kind"])
	require.Equal(t, s("e1"), in.TransactItems[1].Put.Item["pk"])
}

// Whatever an event is called, an error about it can be logged.
func TestErrorsStayShort(t *testing.T) {
	w := newWriter(t)
	huge := strings.Repeat("né", 1<<20)
	ev := event(t, "e1", 1)
	for name, change := range map[string]func(*envelope.Headers){
		"id":        func(h *envelope.Headers) { h.EventID = huge },
		"name":      func(h *envelope.Headers) { h.EventName = huge },
		"extension": func(h *envelope.Headers) { h.Extensions = map[string]json.RawMessage{huge: nil} },
	} {
		t.Run(name, func(t *testing.T) {
			bad := ev
			change(&bad.Headers)
			err := w.Append(signup("u1"), bad)
			require.Error(t, err)
			require.Less(t, len(err.Error()), 2000)
			require.True(t, utf8.ValidString(err.Error()))

			in := signup("u1")
			require.NoError(t, w.Append(in, ev))
			headers := in.TransactItems[1].Put.Item["event"].(*types.AttributeValueMemberM).Value["headers"].(*types.AttributeValueMemberM).Value
			headers["eventId"], headers["eventName"] = s(bad.Headers.EventID), s(bad.Headers.EventName)
			err = w.Explain(in, codes("None", "TransactionConflict"))
			require.Error(t, err)
			require.Less(t, len(err.Error()), 2000)
		})
	}
}
