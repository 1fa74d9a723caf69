package eventitem_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/internal/decimal"
)

// slowDetail renders the event attribute as the Detail that the relay
// publishes: independent of the code under test, and slow.
func slowDetail(t testing.TB, event types.AttributeValue) string {
	t.Helper()
	m, ok := event.(*types.AttributeValueMemberM)
	require.True(t, ok)
	payload := slowJSON(t, m.Value["payload"])
	if s, ok := m.Value["payload"].(*types.AttributeValueMemberS); ok {
		payload = s.Value // an S is JSON text
	}
	return `{"headers":` + slowJSON(t, m.Value["headers"]) + `,"payload":` + payload + `}`
}

// slowJSON renders a value as JSON with minimal escapes.
func slowJSON(t testing.TB, v types.AttributeValue) string {
	t.Helper()
	var b bytes.Buffer
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		b.WriteString(slowText(v.Value))
	case *types.AttributeValueMemberN:
		b.WriteString(v.Value)
	case *types.AttributeValueMemberBOOL:
		fmt.Fprint(&b, v.Value)
	case *types.AttributeValueMemberNULL:
		b.WriteString("null")
	case *types.AttributeValueMemberM:
		b.WriteByte('{')
		comma := ""
		for name, value := range v.Value {
			b.WriteString(comma + slowText(name) + ":" + slowJSON(t, value))
			comma = ","
		}
		b.WriteByte('}')
	case *types.AttributeValueMemberL:
		b.WriteByte('[')
		comma := ""
		for _, value := range v.Value {
			b.WriteString(comma + slowJSON(t, value))
			comma = ","
		}
		b.WriteByte(']')
	default:
		t.Fatalf("no JSON for %T", v)
	}
	return b.String()
}

func slowText(s string) string {
	var b bytes.Buffer
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20:
			short := map[rune]string{'\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`}
			if s, ok := short[r]; ok {
				b.WriteString(s)
			} else {
				fmt.Fprintf(&b, `\u%04x`, r)
			}
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// requireJSONEqual compares two JSON texts, numbers as exact decimals.
func requireJSONEqual(t testing.TB, want, got string) {
	t.Helper()
	if a, b := decodeExact(t, want), decodeExact(t, got); !equalJSON(a, b) {
		t.Fatalf("not the same JSON:\n%.500q\n%.500q", want, got)
	}
}

func decodeExact(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v), "%.300q", text)
	return v
}

func equalJSON(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && decimal.Equal(a.String(), b.String())
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for key, value := range a {
			other, ok := b[key]
			if !ok || !equalJSON(value, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equalJSON)
	}
	return a == b
}

// member returns a member of a map, nil if there is none.
func member(v types.AttributeValue, name string) types.AttributeValue {
	if m, ok := v.(*types.AttributeValueMemberM); ok {
		return m.Value[name]
	}
	return nil
}
