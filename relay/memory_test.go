package relay_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

func TestARedeliveredBatchIsNotSentAgain(t *testing.T) {
	bus := &scriptedBus{}
	failing := true
	bus.answer = func(ctx context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
		results, err := refuse(malformed, "event-5")(ctx, call, entries)
		for i, e := range entries {
			if failing && e.EventID == "event-14" {
				results[i] = held
			}
		}
		return results, err
	}
	sink := &recordingSink{}
	var m relay.Metrics
	h := newHandler(t, bus, sink, keep(&m), func(o *relay.Options) {
		o.Route = func(e *relay.Entry) error {
			if e.DetailType == "Nowhere" {
				return relay.ErrDeadLetter
			}
			return nil
		}
	})
	tooMuch := `{"M":{"x":{"S":"` + strings.Repeat("x", 1_000_000) + `"}}}`
	rs := []testRecord{{sequence: 100, payload: `{"??":1}`}, {sequence: 101, name: "Nowhere"}, {sequence: 102, payload: tooMuch}}
	for i := range 20 {
		rs = append(rs, testRecord{sequence: i + 1})
	}
	payload := batch(rs...)
	_, err := h.Invoke(t.Context(), payload)
	require.Equal(t, "event-14", unpublishedIn(t, err).EventID)
	require.Len(t, bus.accepted, 18)
	require.Len(t, sink.dead, 4, "one cannot be read, one is routed there, one is too large, one is refused")
	failing = false
	invoke(t, h, payload)
	require.Equal(t, []string{"event-14"}, bus.calls[len(bus.calls)-1], "only what was not accepted")
	require.Len(t, sink.dead, 4, "a dead letter is not put twice")
	require.Equal(t, 22, m.Suppressed)
	require.Equal(t, 1, m.Published)
	calls := len(bus.calls)
	invoke(t, h, payload)
	require.Len(t, bus.calls, calls)
	require.Equal(t, 23, m.Suppressed)
}

// The memory always holds what the largest batch of Lambda may have had accepted,
// whatever its option says.
func TestMemoryHoldsABatchWhateverItsOptionSays(t *testing.T) {
	for _, memory := range []int{-1, 10} {
		bus := &scriptedBus{}
		h := newHandler(t, bus, relay.Block, func(o *relay.Options) { o.Memory = memory })
		for range 2 {
			invoke(t, h, events(1, 10_000))
		}
		require.Len(t, bus.accepted, 10_000)
	}
}

// Whatever is not certainly the same record, or not certainly accepted, is sent.
func TestMemoryNeverSuppressesAnythingElse(t *testing.T) {
	first := testRecord{sequence: 1}
	for _, tt := range []struct {
		name    string
		rec     testRecord // comes three times behind the first one
		of, bus string     // where the first one goes, and the others; "" is the publisher's own
		sent    int        // with the first one
	}{
		{name: "the same record", rec: first, sent: 1},
		{name: "the same record, to the same destination", rec: first, of: "there", bus: "there", sent: 1},
		{name: "the same number, written otherwise", rec: testRecord{seq: "1", id: "event-1"}, sent: 1},
		{name: "another number", rec: testRecord{sequence: 2, id: "event-1"}, sent: 2},
		{name: "another event under the same number", rec: testRecord{sequence: 1, id: "other"}, sent: 2},
		{name: "another destination", rec: first, bus: "elsewhere", sent: 2},
		{name: "another destination than that of the route", rec: first, of: "there", bus: "elsewhere", sent: 2},
		{name: "the publisher's own, and not that of the route", rec: first, of: "there", sent: 2},
		{name: "another stream", rec: first.with("2026-11-24T00", "2026-11-25T00"), sent: 2},
		{name: "a text for a number", rec: testRecord{seq: "x", id: "event-1"}, sent: 2},
		{name: "no stream", rec: first.with(`,"eventSourceARN":"`+testARN+`"`, ""), sent: 4},
		{name: "no number", rec: first.with(`"SequenceNumber":"000000000000000000001",`, ""), sent: 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			to := tt.of
			bus := &scriptedBus{}
			h := newHandler(t, bus, relay.Block, func(o *relay.Options) { o.Route = func(e *relay.Entry) error { e.Bus = to; return nil } })
			invoke(t, h, batch(first))
			to = tt.bus
			for range 3 {
				invoke(t, h, batch(tt.rec))
			}
			require.Len(t, bus.accepted, tt.sent)
		})
	}
}

// Options.Memory is the number of records that are kept at least, the latest
// ones; there are never more than twice as many.
func TestMemoryIsAsLargeAsItsOption(t *testing.T) {
	const step, most, limit = 4000, 36_000, 10_000
	bus := &scriptedBus{}
	h := newHandler(t, bus, relay.Block, func(o *relay.Options) { o.Memory = limit })
	for first := 1; first <= most; first += step {
		for range 2 { // twice takes no more room
			invoke(t, h, events(first, step))
		}
	}
	require.Len(t, bus.accepted, most)
	known := 0
	for ; len(bus.accepted) == most; known += step {
		require.Less(t, known, most)
		invoke(t, h, events(most-known-step+1, step))
	}
	require.GreaterOrEqual(t, known, limit, "the latest ones are there")
	require.LessOrEqual(t, known, 2*limit+step, "the oldest ones are not")
}
