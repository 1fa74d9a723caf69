package outbox_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/outbox"
)

// An event has attributes of its own beside it: the key of an index.
func TestAppendAttributesOfTheEvent(t *testing.T) {
	w := newWriter(t, func(o *outbox.Options) {
		o.Layout.Attributes = map[string]string{"entityType": "Event"}
		o.Layout.AttributesOf = func(ev envelope.CustomEvent) map[string]string {
			return map[string]string{"GSI1PK": ev.Headers.Source + "#" + ev.Headers.EventName, "GSI1SK": ev.Headers.EventID, "GSI2PK": ev.Headers.AggregateID}
		}
	})
	in, again := signup("u1"), signup("u1")
	require.NoError(t, w.Append(in, event(t, "e1", 1)))
	require.NoError(t, w.Append(again, event(t, "e1", 1)))
	require.Equal(t, in, again)
	put := in.TransactItems[1].Put.Item
	require.Equal(t, s("Event"), put["entityType"])
	require.Equal(t, s("userService#User.Created"), put["GSI1PK"], "the writer has filled in the source")
	require.Equal(t, s("e1"), put["GSI1SK"])
	require.NotContains(t, put, "GSI2PK", "an index can be sparse")
	require.NoError(t, w.Check(in))
	require.NoError(t, newWriter(t).Explain(in, cancelled(reason("None"), old("ConditionalCheckFailed", put))), "not of the event")
}

// They count for the size of the item.
func TestSizeOfAttributesOfTheEvent(t *testing.T) {
	var value string
	w := newWriter(t, func(o *outbox.Options) {
		o.Layout.AttributesOf = func(envelope.CustomEvent) map[string]string { return map[string]string{"é": value} }
	})
	size := func(length int) int {
		value = strings.Repeat("x", length)
		var e *outbox.PreflightError
		if err := w.Append(&dynamodb.TransactWriteItemsInput{}, event(t, "e1", 1)); err != nil {
			require.ErrorAs(t, err, &e)
			require.Equal(t, outbox.RuleItemSize, e.Rule)
			return e.Actual
		}
		return 0
	}
	over := size(outbox.MaxItemBytes)
	require.Equal(t, outbox.MaxItemBytes+1, size(outbox.MaxItemBytes-(over-outbox.MaxItemBytes)+1))
	require.Zero(t, size(outbox.MaxItemBytes-(over-outbox.MaxItemBytes)))
}

func TestAppendHostileAttributesOfTheEvent(t *testing.T) {
	for name, c := range map[string]struct {
		attributes map[string]string
		path       string
	}{
		"none":              {nil, ""},
		"empty value":       {map[string]string{"a": ""}, ""},
		"the partition key": {map[string]string{"pk": "x"}, "pk"},
		"the sort key":      {map[string]string{"sk": "x"}, "sk"},
		"the event":         {map[string]string{"event": "x"}, "event"},
		"the expiry":        {map[string]string{"ttl": "x"}, "ttl"},
		"the marker":        {map[string]string{"mark": "x"}, "mark"},
		"a constant":        {map[string]string{"kind": "x"}, "kind"},
		"no name":           {map[string]string{"": "x"}, `[""]`},
		"long name":         {map[string]string{strings.Repeat("n", 256): "x"}, `["` + strings.Repeat("n", 64) + `…"]`},
		"name of 255":       {map[string]string{strings.Repeat("n", 255): "x"}, ""},
		"name not UTF-8":    {map[string]string{"\xff": "x"}, `["\xff"]`},
		"value not UTF-8":   {map[string]string{"a.b": "\xff"}, `["a.b"]`},
		"first of several":  {map[string]string{"sk": "x", "event": "x", "pk": "x"}, "event"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWriter(t, func(o *outbox.Options) {
				o.Layout.Marker, o.Layout.Attributes, o.TTL = "mark", map[string]string{"kind": "Event"}, 48*time.Hour
				o.Layout.AttributesOf = func(envelope.CustomEvent) map[string]string { return c.attributes }
			})
			for range 5 {
				in := signup("u1")
				err := w.Append(in, event(t, "e1", 1))
				if c.path == "" {
					require.NoError(t, err)
					continue
				}
				var e *outbox.PreflightError
				require.ErrorAs(t, err, &e)
				require.Equal(t, c.path, e.Path)
				require.ErrorContains(t, err, "AttributesOf")
				require.Less(t, len(err.Error()), 500)
				require.Len(t, in.TransactItems, 1)
			}
		})
	}
}

// Padded to 19 digits, the texts of sequences are in the order of the numbers.
func TestPaddedSequences(t *testing.T) {
	layout := orderedSingleTable()
	before := ""
	for _, sequence := range []int64{1, 2, 9, 10, 11, 99, 100, 1 << 40, 1<<63 - 1} {
		_, sk := layout.Keys(envelope.CustomEvent{Headers: envelope.Headers{AggregateID: "u1", Sequence: sequence}})
		require.Greater(t, sk, before)
		require.Contains(t, sk, strconv.FormatInt(sequence, 10))
		before = sk
	}
}
