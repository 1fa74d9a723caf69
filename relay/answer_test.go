package relay_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

func TestInvokePublishesInOrder(t *testing.T) {
	bus := &scriptedBus{}
	var m relay.Metrics
	h := newHandler(t, bus, relay.Block, keep(&m))
	out, err := h.Invoke(t.Context(), events(1, 25))
	require.NoError(t, err)
	require.JSONEq(t, `{"batchItemFailures":[]}`, string(out))
	require.Len(t, bus.calls, 3)
	for i, id := range bus.accepted {
		require.Equal(t, eventID(i+1), id)
	}
	require.Len(t, bus.accepted, 25)
	require.Equal(t, 25, m.Published)
	require.Equal(t, 3, m.Calls)
	require.JSONEq(t, `{"headers":{"eventId":"event-1","eventName":"User.Created","source":"userService","timestamp":0},"payload":{"secret":"`+testSecret+`"}}`,
		withoutTime(bus.details["event-1"]))
}

func TestAnEmptyBatchIsDone(t *testing.T) {
	h := newHandler(t, &scriptedBus{}, relay.Block)
	out, err := h.Invoke(t.Context(), []byte(`{"Records":[]}`))
	require.NoError(t, err)
	require.JSONEq(t, `{"batchItemFailures":[]}`, string(out))
}

// A mapping with a tumbling window wants its state back, in every answer.
func TestAnswerOfAWindow(t *testing.T) {
	const window = `"window":{"start":"2026-11-24T12:00:00Z","end":"2026-11-24T12:02:00Z"},"isFinalInvokeForWindow":false,`
	for _, tt := range []struct {
		name  string
		with  string // before the records
		state string // of the answer, "" for none
	}{
		{"no window", ``, ``},
		{"a state without a window", `"state":{"sum":1},`, ``},
		{"a window without a state", window, `{}`},
		{"a window with a null state", window + `"state":null,`, `{}`},
		{"a window with an empty state", window + `"state":{},`, `{}`},
		{"a window with a state", window + `"state":{"sum":1,"a":[{"b":"\""}]},`, `{"sum":1,"a":[{"b":"\""}]}`},
		{"a window with a state that is no JSON", window + `"state":{,,},`, `{}`},
		{"a window with a state that is no object", window + `"state":7,`, `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			state := tt.state
			if state != "" {
				state = `"state":` + state + `,`
			}
			with := func(records []byte) []byte { return []byte(`{` + tt.with + string(records[1:])) }
			for _, answers := range []func(*relay.Options){nil, partial} {
				h := newHandler(t, &scriptedBus{}, relay.Block, answers)
				for _, records := range [][]byte{events(1, 3), batch()} { // also a last invocation without records
					out, err := h.Invoke(t.Context(), with(records))
					require.NoError(t, err)
					require.JSONEq(t, `{`+state+`"batchItemFailures":[]}`, string(out))
				}
			}
			h := newHandler(t, &scriptedBus{answer: refuse(held, "event-2")}, relay.Block, partial)
			out, err := h.Invoke(t.Context(), with(events(1, 3)))
			require.NoError(t, err)
			require.JSONEq(t, `{`+state+`"batchItemFailures":[{"itemIdentifier":"000000000000000000002"}]}`, string(out))
		})
	}
}

// A partial answer names the lowest sequence number that is not done, compared as
// an integer of any length, and as it was given. Where that cannot be said, for a
// number is missing or is none, the answer is an error: an empty or a foreign
// identifier would mean something else to Lambda.
func TestAPartialAnswerNamesTheLowest(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []string // of records that are not done
		want string   // "" for an error
	}{
		{"one", []string{"7"}, "7"},
		{"as integers, not as text", []string{"10", "9"}, "9"},
		{"padded and short", []string{"000000000000000000010", "9", "0000011"}, "9"},
		{"as it was given", []string{"10", "000000000000000000009"}, "000000000000000000009"},
		{"beyond 64 bits", []string{"300000000000000000000000000000000000001", "299999999999999999999999999999999999999"}, "299999999999999999999999999999999999999"},
		{"zero", []string{"0", "1"}, "0"},
		{"one that is no number", []string{"7", "8a"}, ""},
		{"words", []string{"no number"}, ""},
		{"signed", []string{"-7"}, ""},
		{"spaced", []string{" 7"}, ""},
		{"empty", []string{"7", ""}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var records []testRecord
			for i, seq := range tt.in {
				raw := strings.ReplaceAll(testRecord{seq: "$seq", id: eventID(i)}.template(), "$seq", seq)
				records = append(records, testRecord{raw: raw})
			}
			h := newHandler(t, &scriptedBus{answer: refuseAll(held)}, relay.Block, partial)
			out, err := h.Invoke(t.Context(), batch(records...))
			if tt.want == "" {
				require.Equal(t, len(tt.in), unpublishedIn(t, err).Unpublished)
				return
			}
			require.NoError(t, err)
			require.Equal(t, `{"batchItemFailures":[{"itemIdentifier":"`+tt.want+`"}]}`, string(out))
		})
	}
	t.Run("a record without a number", func(t *testing.T) {
		h := newHandler(t, &scriptedBus{answer: refuse(held, "event-2")}, relay.Block, partial)
		payload := strings.Replace(string(events(1, 2)), `"SequenceNumber":"000000000000000000002",`, "", 1)
		_, err := h.Invoke(t.Context(), []byte(payload))
		require.Equal(t, "event-2", unpublishedIn(t, err).EventID)
	})
	t.Run("a record without a number that is done", func(t *testing.T) {
		h := newHandler(t, &scriptedBus{answer: refuse(held, "event-2")}, relay.Block, partial)
		require.Equal(t, "2", invoke(t, h, batch(testRecord{seq: "no number", id: "event-1"}, testRecord{sequence: 2})))
	})
}

func TestTheErrorNamesTheFirstRecord(t *testing.T) {
	h := newHandler(t, &scriptedBus{answer: refuse(relay.Result{Class: relay.ConfigFault, Code: "AccessDeniedException", Message: testSecret}, "event-4", "event-7")}, relay.Block)
	_, err := h.Invoke(t.Context(), events(1, 30))
	require.EqualError(t, err, `relay: 22 of 30 records unpublished, from sequence number "000000000000000000004", event "event-4": AccessDeniedException (ConfigFault); deliver the batch again`)
}
