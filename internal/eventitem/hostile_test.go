package eventitem_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/eventitem"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/itemsize"
	"github.com/dynamodb-outbox/dynamodb-outbox/internal/jsonlex"
)

// hostile is a row of testdata/hostile.json: a payload that something on the
// way could lose, change or choke on, and what is to become of it.
type hostile struct {
	Name    string
	Payload string
	Base64  []byte // instead of Payload, for what is not UTF-8
	Map     string // part of the problem in the form eventitem.Map, "" if it is taken
	Text    string // likewise in the form eventitem.JSONText
	Path    string // of the value at fault; "" if the forms do not agree on it
}

func (h hostile) payload() string {
	if h.Base64 != nil {
		return string(h.Base64)
	}
	return h.Payload
}

func hostiles(t testing.TB) []hostile {
	t.Helper()
	raw, err := os.ReadFile("testdata/hostile.json")
	require.NoError(t, err)
	var rows []hostile
	require.NoError(t, json.Unmarshal(raw, &rows))
	require.GreaterOrEqual(t, len(rows), 40)
	return rows
}

func TestHostilePayloads(t *testing.T) {
	for _, row := range hostiles(t) {
		t.Run(row.Name, func(t *testing.T) {
			for _, form := range []eventitem.Form{eventitem.Map, eventitem.JSONText} {
				problem := row.Map
				if form == eventitem.JSONText {
					problem = row.Text
				}
				it, err := eventitem.Encode(newEvent(row.payload()), envelope.Layout{}, form, 0)
				if problem == "" {
					require.NoError(t, err, "form %d", form)
					requireFaithful(t, row.payload(), it, form)
					continue
				}
				var v *eventitem.ValueError
				require.ErrorAs(t, err, &v, "form %d", form)
				require.Contains(t, v.Problem, problem)
				if row.Path != "" {
					require.Equal(t, row.Path, v.Path)
					require.Equal(t, row.Text == "", v.MapOnly, "form %d", form)
				}
				require.Empty(t, it)
			}
		})
	}
}

// requireFaithful checks that an item says what the payload said and that its
// sizes are right.
func requireFaithful(t testing.TB, payload string, it eventitem.Item, form eventitem.Form) {
	t.Helper()
	require.Equal(t, sizeOf(t, it.Attrs), it.Size)
	requireJSONEqual(t, payload, string(requirePublished(t, it, "").Payload))
	stored := it.Attrs["event"].(*types.AttributeValueMemberM).Value["payload"]
	if s, ok := stored.(*types.AttributeValueMemberS); ok {
		require.Equal(t, payload, s.Value, "text is stored as it is")
	} else {
		require.Equal(t, eventitem.Map, form)
	}
}

// A key too long for the file of rows.
func TestLongKeys(t *testing.T) {
	for length, problem := range map[int]string{itemsize.MaxName: "", itemsize.MaxName + 1: "a key of 65536 bytes, a DynamoDB map takes 65535"} {
		payload := `{"a":{"` + strings.Repeat("k", length) + `":1}}`
		it, err := eventitem.Encode(newEvent(payload), envelope.Layout{}, eventitem.Map, 0)
		if problem == "" {
			require.NoError(t, err)
			requireFaithful(t, payload, it, eventitem.Map)
			continue
		}
		var v *eventitem.ValueError
		require.ErrorAs(t, err, &v)
		require.True(t, v.MapOnly)
		require.Equal(t, problem, v.Problem)
		require.Equal(t, `payload.a["`+strings.Repeat("k", jsonlex.MaxPathKey)+`…"]`, v.Path, "a long key is cut")

		it, err = eventitem.Encode(newEvent(payload), envelope.Layout{}, eventitem.JSONText, 0)
		require.NoError(t, err)
		requireFaithful(t, payload, it, eventitem.JSONText)
	}
}

func TestLongPathsAreCut(t *testing.T) {
	payload := strings.Repeat(`{"someLongerKey":`, 900) + "?" + strings.Repeat("}", 900)
	_, err := eventitem.Encode(newEvent(payload), envelope.Layout{}, eventitem.JSONText, 0)
	var v *eventitem.ValueError
	require.ErrorAs(t, err, &v)
	require.LessOrEqual(t, len(v.Path), jsonlex.MaxPath+len("…"))
	require.True(t, strings.HasPrefix(v.Path, "payload.someLongerKey."), v.Path)
	require.True(t, strings.HasSuffix(v.Path, ".someLongerKey"), v.Path)
}
