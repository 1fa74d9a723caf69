package relay

import (
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnswer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		failed string
		window bool
		state  string
		want   string
	}{
		{"done", "", false, "", `{"batchItemFailures":[]}`},
		{"failed", "000123", false, "", `{"batchItemFailures":[{"itemIdentifier":"000123"}]}`},
		{"window without a state", "", true, "", `{"state":{},"batchItemFailures":[]}`},
		{"window with a null state", "", true, "null", `{"state":{},"batchItemFailures":[]}`},
		{"window with a state", "", true, `{"sum":1}`, `{"state":{"sum":1},"batchItemFailures":[]}`},
		{"window with a damaged state", "", true, `{"sum":`, `{"state":{},"batchItemFailures":[]}`},
		{"window, failed", "7", true, `{"sum":1}`, `{"state":{"sum":1},"batchItemFailures":[{"itemIdentifier":"7"}]}`},
		{"a state without a window", "", false, `{"sum":1}`, `{"batchItemFailures":[]}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			require.Equal(t, tt.want, string(answer(tt.failed, tt.window, []byte(tt.state))))
		})
	}
}

func TestLowest(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []string
		want string
		ok   bool
	}{
		{"none", nil, "", false},
		{"one", []string{"7"}, "7", true},
		{"as integers, not as strings", []string{"10", "9"}, "9", true},
		{"padded and short", []string{"000000000000000000010", "9", "0000011"}, "9", true},
		{"as it was given", []string{"10", "000000000000000000009"}, "000000000000000000009", true},
		{"beyond 64 bits", []string{"300000000000000000000000000000000000001", "299999999999999999999999999999999999999"}, "299999999999999999999999999999999999999", true},
		{"zero", []string{"0", "1"}, "0", true},
		{"one is missing", []string{"7", ""}, "", false},
		{"one is none", []string{"7", "8a"}, "", false},
		{"signed", []string{"-7"}, "", false},
		{"spaced", []string{" 7"}, "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := lowest(tt.in)
			require.Equal(t, tt.ok, ok)
			require.Equal(t, tt.want, got)
		})
	}
}

func TestLessSequenceIsThatOfIntegers(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	number := func() string {
		s := strings.Repeat("0", rng.IntN(4))
		for range 1 + rng.IntN(45) {
			s += string(rune('0' + rng.IntN(10)))
		}
		return s
	}
	for range 50_000 {
		a, b := number(), number()
		if rng.IntN(3) == 0 {
			b = "00" + a
		}
		x, _ := new(big.Int).SetString(a, 10)
		y, _ := new(big.Int).SetString(b, 10)
		if (x.Cmp(y) < 0) != lessSequence(a, b) {
			t.Fatalf("%s < %s", a, b)
		}
		ka, okA := packSequence(a)
		kb, okB := packSequence(b)
		if okA && okB && (x.Cmp(y) == 0) != (ka == kb) {
			t.Fatalf("%s and %s", a, b)
		}
	}
}

// The checkpoint of a batch whose records are not in order is still the lowest.
func TestCheckpointIsTheLowest(t *testing.T) {
	h := newTestHandler(t, &scriptBus{answer: refuse(Result{Class: ConfigFault, Code: "no"}, "a", "c")}, Block, partial)
	out, err := h.Invoke(t.Context(), batch(testRecord{id: "a", seq: "12"}, testRecord{id: "b", seq: "00008"}, testRecord{id: "c", seq: "0009"}))
	require.NoError(t, err)
	require.Equal(t, `{"batchItemFailures":[{"itemIdentifier":"0009"}]}`, string(out))
}

// Without a sequence number a partial answer cannot name the record, and an
// empty or foreign one would mean something else: so it is an error.
func TestARecordThatCannotBeReported(t *testing.T) {
	for _, seq := range []string{"no number", "-5"} {
		h := newTestHandler(t, &scriptBus{answer: refuse(Result{Class: ConfigFault, Code: "no"}, "b")}, Block, partial)
		_, err := h.Invoke(t.Context(), batch(testRecord{id: "a", seq: "1"}, testRecord{id: "b", seq: seq}))
		require.Equal(t, "b", unpublishedIn(t, err).EventID)
	}
	h := newTestHandler(t, &scriptBus{answer: refuse(Result{Class: ConfigFault, Code: "no"}, "event-2")}, Block, partial)
	payload := strings.Replace(string(events(1, 2)), `"SequenceNumber":"000000000000000000002",`, "", 1)
	_, err := h.Invoke(t.Context(), []byte(payload))
	require.Equal(t, "event-2", unpublishedIn(t, err).EventID)
}

func TestWindowStateIsReturned(t *testing.T) {
	withWindow := func(payload []byte) []byte {
		return []byte(`{"window":{"start":"2026-11-24T12:00:00Z","end":"2026-11-24T12:02:00Z"},"state":{"n":3},"isFinalInvokeForWindow":false,` + string(payload[1:]))
	}
	for _, answers := range []func(*Options){nil, partial} {
		h := newTestHandler(t, &scriptBus{}, Block, answers)
		out, err := h.Invoke(t.Context(), withWindow(events(1, 3)))
		require.NoError(t, err)
		require.JSONEq(t, `{"state":{"n":3},"batchItemFailures":[]}`, string(out))
		out, err = h.Invoke(t.Context(), withWindow(batch()))
		require.NoError(t, err)
		require.JSONEq(t, `{"state":{"n":3},"batchItemFailures":[]}`, string(out), "also of a last invocation without records")
	}
	h := newTestHandler(t, &scriptBus{answer: refuse(Result{Class: ConfigFault, Code: "no"}, "event-2")}, Block, partial)
	out, err := h.Invoke(t.Context(), withWindow(events(1, 3)))
	require.NoError(t, err)
	var a struct {
		State map[string]int
	}
	require.NoError(t, json.Unmarshal(out, &a))
	require.Equal(t, map[string]int{"n": 3}, a.State)
	require.Equal(t, "2", failure(out))
}

func TestTheErrorNamesTheFirstRecord(t *testing.T) {
	h := newTestHandler(t, &scriptBus{answer: refuse(Result{Class: ConfigFault, Code: "AccessDeniedException", Message: testSecret}, "event-4", "event-7")}, Block)
	_, err := h.Invoke(t.Context(), events(1, 30))
	require.EqualError(t, err, `relay: 22 of 30 records unpublished, from sequence number "000000000000000000004", event "event-4": AccessDeniedException (ConfigFault); deliver the batch again`)
}
