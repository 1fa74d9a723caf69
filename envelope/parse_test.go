package envelope_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/envelope"
)

// golden is the wire shape: a change here is a change of the contract.
const golden = `{"headers":{"eventId":"01JCQ5Z0000000000000000000","correlationId":"c1","eventName":"User.Created",` +
	`"createdBy":"alice","source":"userService","region":"eu-west-1","timestamp":1764000000123,"causationId":"e0",` +
	`"aggregateId":"user-1","sequence":3,"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",` +
	`"schemaVersion":"2","retries":3,"tenantId":"acme"},"payload":{"userId":"u1","tags":["a","b"],"big":12345678901234567890}}`

const minimal = `{"headers":{"eventId":"e1","correlationId":"","eventName":"E","createdBy":"","source":"","region":"",` +
	`"timestamp":1764000000123},"payload":null}`

func TestWireShape(t *testing.T) {
	for name, wire := range map[string]string{"full": golden, "minimal": minimal} {
		t.Run(name, func(t *testing.T) {
			ev, err := envelope.Parse([]byte(wire))
			require.NoError(t, err)
			out, err := json.Marshal(ev)
			require.NoError(t, err)
			require.Equal(t, wire, string(out))
		})
	}
	ev, err := envelope.Parse([]byte(golden))
	require.NoError(t, err)
	require.Equal(t, time.UnixMilli(1764000000123).UTC(), ev.Headers.Timestamp)
	require.Equal(t, int64(3), ev.Headers.Sequence)
	require.Equal(t, "userService", ev.Headers.Source)
	require.NoError(t, ev.Validate())
}

func TestRoundTripOfNew(t *testing.T) {
	ev, err := envelope.New(t.Context(), "User.Created", map[string]any{"html": "<b>&", "n": 1.5}, func(h *envelope.Headers) {
		h.AggregateID, h.Sequence, h.Source, h.CreatedBy, h.Region = "a", 1, "s", "c", "r"
		h.SetExtension("x", map[string]int{"y": 1})
	})
	require.NoError(t, err)
	wire, err := json.Marshal(ev)
	require.NoError(t, err)
	back, err := envelope.Parse(wire)
	require.NoError(t, err)
	require.Equal(t, ev, back)
}

func TestParseSharesNoMemory(t *testing.T) {
	want, err := envelope.Parse([]byte(golden))
	require.NoError(t, err)
	for _, read := range []func([]byte) (envelope.CustomEvent, error){envelope.Parse, envelope.FromSQS} {
		message := []byte(golden)
		got, err := read(message)
		require.NoError(t, err)
		clear(message)
		require.Equal(t, want, got)
	}
}

func TestParseForeignHeaders(t *testing.T) {
	ev, err := envelope.Parse([]byte(`{"extra":1,"payload":{"a":1},"headers":{"timestamp":"1764000000123","sequence":"2",
		"aggregateId":"a","eventId":"e","eventName":"E","EventID":"not ours","createdBy":null,"nested":{"deep":[1]}}}`))
	require.NoError(t, err)
	require.Equal(t, time.UnixMilli(1764000000123).UTC(), ev.Headers.Timestamp)
	require.Equal(t, int64(2), ev.Headers.Sequence)
	require.Equal(t, "e", ev.Headers.EventID)
	require.Empty(t, ev.Headers.CreatedBy)
	require.JSONEq(t, `{"deep":[1]}`, string(ev.Headers.Extensions["nested"]))
	require.Contains(t, ev.Headers.Extensions, "EventID")
}

// encoding/json would take members whose names differ in case, the last of them
// winning; a Detail keeps all members that its item had.
func TestParseTakesNamesExactly(t *testing.T) {
	want, err := envelope.Parse([]byte(golden))
	require.NoError(t, err)
	detail := golden[:len(golden)-1] + `,"Payload":"not ours","HEADERS":{"eventId":"not ours"},"detail":{"headers":"not ours"}}`
	event := `{"detail":` + detail + `,"Detail":"not ours"}`
	for name, parse := range map[string]func() (envelope.CustomEvent, error){
		"Parse":           func() (envelope.CustomEvent, error) { return envelope.Parse([]byte(detail)) },
		"FromEventBridge": func() (envelope.CustomEvent, error) { return envelope.FromEventBridge([]byte(event)) },
		"FromSQS":         func() (envelope.CustomEvent, error) { return envelope.FromSQS([]byte(event)) },
		"FromSQS, Detail": func() (envelope.CustomEvent, error) { return envelope.FromSQS([]byte(detail)) },
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parse()
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
	_, err = envelope.Parse([]byte(`{"Headers":{"eventId":"e","eventName":"E","timestamp":1764000000123},"payload":1}`))
	require.ErrorContains(t, err, "headers")
}

func TestParseRefuses(t *testing.T) {
	cases := map[string]string{
		"empty":              "",
		"not JSON":           "{",
		"not an object":      `[1]`,
		"null":               `null`,
		"no headers":         `{"payload":{}}`,
		"headers null":       `{"headers":null,"payload":{}}`,
		"headers not object": `{"headers":[],"payload":{}}`,
		"no eventId":         `{"headers":{"eventName":"E","timestamp":1764000000123},"payload":{}}`,
		"eventId number":     `{"headers":{"eventId":1,"eventName":"E","timestamp":1764000000123},"payload":{}}`,
		"no eventName":       `{"headers":{"eventId":"e","timestamp":1764000000123},"payload":{}}`,
		"no timestamp":       `{"headers":{"eventId":"e","eventName":"E"},"payload":{}}`,
		"timestamp null":     `{"headers":{"eventId":"e","eventName":"E","timestamp":null},"payload":{}}`,
		"timestamp fraction": `{"headers":{"eventId":"e","eventName":"E","timestamp":1.5},"payload":{}}`,
		"timestamp RFC 3339": `{"headers":{"eventId":"e","eventName":"E","timestamp":"2026-01-01T00:00:00Z"},"payload":{}}`,
		"sequence out of range": `{"headers":{"eventId":"e","eventName":"E","timestamp":1764000000123,"sequence":9223372036854775808},` +
			`"payload":{}}`,
		"detail null":  `{"detail":null}`,
		"detail empty": `{"detail":{}}`,
		"no payload":   `{"headers":{"eventId":"e","eventName":"E","timestamp":1764000000123}}`,
	}
	for name, wire := range cases {
		t.Run(name, func(t *testing.T) {
			for _, parse := range []func([]byte) (envelope.CustomEvent, error){envelope.Parse, envelope.FromSQS, envelope.FromEventBridge} {
				ev, err := parse([]byte(wire))
				require.Error(t, err)
				require.Regexp(t, "^envelope: ", err.Error())
				require.Equal(t, envelope.CustomEvent{}, ev)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(golden))
	f.Add([]byte(minimal))
	f.Add([]byte(`{"headers":{"eventId":"e","eventName":"E","timestamp":"1","":{}},"payload":"\ud800"}`))
	f.Fuzz(func(t *testing.T, wire []byte) {
		ev, err := envelope.Parse(wire)
		if err != nil {
			return
		}
		out, err := json.Marshal(ev)
		if err != nil {
			t.Fatalf("parsed, but does not marshal: %v", err)
		}
		again, err := envelope.Parse(out)
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		if again.Headers.EventID != ev.Headers.EventID || !again.Headers.Timestamp.Equal(ev.Headers.Timestamp) {
			t.Fatalf("changed: %s", out)
		}
	})
}
