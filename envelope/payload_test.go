package envelope_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// guarded refuses every value, and says the value.
type guarded struct{}

var errGuarded = errors.New("guarded")

func (*guarded) UnmarshalJSON(data []byte) error { return fmt.Errorf("%w: %s", errGuarded, data) }
func (guarded) MarshalJSON() ([]byte, error)     { return nil, fmt.Errorf("%w: secret", errGuarded) }

// A consumer logs the error, and a payload holds what must not be in a log.
func TestPayloadErrorsHoldNoValues(t *testing.T) {
	type line struct {
		Price int8      `json:"price"`
		At    time.Time `json:"at"`
		Count int       `json:"count,string"`
		Card  string    `json:"card"`
		Guard *guarded  `json:"guard"`
	}
	type order struct {
		Card  string             `json:"card"`
		Lines []line             `json:"lines"`
		By    map[string]float32 `json:"by.name"`
	}
	for name, c := range map[string]struct{ payload, field, problem string }{
		"number for a string": {`{"card":4111111111111111}`, "payload.card",
			"a JSON number does not become a Go string, at byte 24"},
		"string for a list":   {`{"lines":"4111111111111111"}`, "payload.lines", "a JSON string does not become a Go []envelope_test.line"},
		"object for a string": {`{"lines":[{"card":"x"},{"card":{"pan":"4111111111111111"}}]}`, "payload.lines[1].card", "a JSON object"},
		"number out of range": {`{"lines":[{"price":1},{"price":4111111111111111}]}`, "payload.lines[1].price", "a Go int8"},
		"key with a dot":      {`{"by.name":{"a b":"4111111111111111"}}`, `payload["by.name"]["a b"]`, "a Go float32"},
		"the whole":           {`["4111111111111111"]`, "payload", "a JSON array does not become a Go envelope_test.order"},
		"a time":              {`{"lines":[{"at":"4111111111111111"}]}`, "payload", "*time.ParseError"},
		"a quoted number":     {`{"lines":[{"count":"4111111111111111x"}]}`, "payload.lines[0].count", "a Go int"},
		"a type's own":        {`{"lines":[{"guard":"4111111111111111"}]}`, "payload", "*fmt.wrapError"},
		"damaged":             {`{"card":4111111111111111`, "payload", "not valid JSON at byte 24"},
	} {
		t.Run(name, func(t *testing.T) {
			ev := envelope.CustomEvent{Headers: envelope.Headers{EventID: "e1", EventName: "Order.Placed"}, Payload: json.RawMessage(c.payload)}
			_, err := envelope.Payload[order](ev)
			t.Log(err)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "4111")
			require.Contains(t, err.Error(), `event "e1" ("Order.Placed")`)
			var field *envelope.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, c.field, field.Field)
			require.Contains(t, field.Problem, c.problem)
			require.Error(t, errors.Unwrap(err), "the cause can be reached")
		})
	}
	_, err := envelope.Payload[guarded](envelope.CustomEvent{Payload: json.RawMessage(`1`)})
	require.ErrorIs(t, err, errGuarded)
}

func TestNewErrorsHoldNoValues(t *testing.T) {
	for name, payload := range map[string]any{
		"a type's own": guarded{},
		"raw message":  json.RawMessage(`{"card":4111 1111}`),
		"not a number": math.NaN(),
		"raw number":   json.Number("4111-1111"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := envelope.New(t.Context(), "Order.Placed", map[string]any{"p": payload})
			t.Log(err)
			var field *envelope.FieldError
			require.ErrorAs(t, err, &field)
			require.Equal(t, "payload", field.Field)
			require.Contains(t, err.Error(), "Order.Placed")
			for _, value := range []string{"secret", "4111", "1111", "'"} {
				require.NotContains(t, err.Error(), value)
			}
			require.Error(t, errors.Unwrap(err))
		})
	}
}
