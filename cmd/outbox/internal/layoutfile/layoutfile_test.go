package layoutfile_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/cmd/outbox/internal/layoutfile"
	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "layout.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestNames(t *testing.T) {
	for _, name := range []string{"", layoutfile.Default} {
		l, err := layoutfile.Load(name, "")
		require.NoError(t, err)
		require.Nil(t, l.Keys)
		require.False(t, l.Ordered)
	}
	l, err := layoutfile.Load(layoutfile.Aggregate, "kind")
	require.NoError(t, err)
	require.True(t, l.Ordered)
	require.Equal(t, "kind", l.Marker)
}

func TestFile(t *testing.T) {
	l, err := layoutfile.Load(write(t, `
pk: PK
sk: SK
event: data
marker: kind
ordered: true
keys:
  pk: ORDER#{aggregateId}
  sk: EVENT#{sequence:6}#{timestamp}
`), "")
	require.NoError(t, err)
	require.Equal(t, "PK SK data kind", l.PK+" "+l.SK+" "+l.Event+" "+l.Marker)
	require.True(t, l.Ordered)
	ev, err := envelope.New(t.Context(), "Order.Placed", struct{}{}, func(h *envelope.Headers) {
		h.AggregateID, h.Sequence, h.Timestamp = "42", 7, time.UnixMilli(1795534252057)
	})
	require.NoError(t, err)
	pk, sk := l.Keys(ev)
	require.Equal(t, "ORDER#42", pk)
	require.Equal(t, "EVENT#000007#1795534252057", sk)
}

// TestFileOfTheReadme: the file that the README shows makes the keys of docs/layouts.md.
func TestFileOfTheReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```yaml\n(pk: .*?)```").FindSubmatch(text)
	require.NotNil(t, block)
	l, err := layoutfile.Load(write(t, string(block[1])), "")
	require.NoError(t, err)
	require.Equal(t, "PK SK _outbox", l.PK+" "+l.SK+" "+l.Marker)
	require.True(t, l.Ordered)
	pk, sk := l.Keys(envelope.CustomEvent{Headers: envelope.Headers{AggregateID: "ada", Sequence: 7}})
	require.Equal(t, "USER#ada", pk)
	require.Equal(t, fmt.Sprintf("EVENT#%019d", 7), sk)
}

func TestFileThatCannotBeUsed(t *testing.T) {
	for name, tt := range map[string]struct{ text, says string }{
		"unknown key":         {"partition: pk", "partition"},
		"unknown placeholder": {"keys: {pk: 'X#{orderId}'}", "{orderId} is no header that a key can have"},
		"broken placeholder":  {"keys: {pk: 'X#{aggregateId'}", "a placeholder is {aggregateId}"},
		"no partition key":    {"keys: {sk: '{sequence}'}", "keys.pk: no pattern"},
		"one name for two":    {"pk: event", `share the attribute name "event"`},
		"ordered without":     {"ordered: true", "Ordered without Keys"},
		"no object":           {"- pk", "cannot unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := layoutfile.Load(write(t, tt.text), "")
			require.ErrorContains(t, err, tt.says)
			require.ErrorContains(t, err, "layout")
		})
	}
	_, err := layoutfile.Load("orders", "")
	require.ErrorContains(t, err, `layout "orders" is neither "default" nor "aggregate", and no file`)
}
