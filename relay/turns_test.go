package relay_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/dynamodb-outbox/dynamodb-outbox/relay"
)

// Events that take turns are not sent in the order of the batch. Each call still
// holds the entries of its own events, and nothing counts as published that was
// not sent.
//
// In the first delivery, z1 and q1 are in a call that is refused, and there is no
// time to find out which of them is to blame: from then on they go alone, behind
// the others, and so does what follows them in their aggregates. In the second
// delivery p2 waits for the dead letter of p1, until q1 and z1 are done: then p2,
// q2 and z2 go together.
func TestACallHoldsItsOwnEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		second := false
		bus := &scriptedBus{answer: func(ctx context.Context, call int, entries []relay.Entry) ([]relay.Result, error) {
			if !second {
				return slowly(slowBus, fail(refused))(ctx, call, entries)
			}
			return slowly(600*time.Millisecond, acceptAll)(ctx, call, entries)
		}}
		sink := &recordingSink{before: func(context.Context, deadLetter) error {
			if !second {
				return errors.New("not yet")
			}
			<-time.After(1500 * time.Millisecond)
			return nil
		}}
		h := newHandler(t, bus, sink, ordered, func(o *relay.Options) {
			o.Route = func(e *relay.Entry) error {
				if e.Group == "w" {
					e.Bus = "another"
				}
				return nil
			}
		})
		aggregate := func(sequence int, id string) testRecord {
			return testRecord{sequence: sequence, aggregate: id[:1], id: id}
		}
		unreadable := aggregate(4, "p1")
		unreadable.payload = `{"??":1}`
		s := shardOf(aggregate(1, "z1"), aggregate(2, "q1"), aggregate(3, "q2"), unreadable,
			aggregate(5, "p2"), aggregate(6, "w1"), aggregate(7, "z2"))
		s.timeout = 3 * time.Second
		_, err := s.deliver(t, h)
		require.Error(t, err)
		require.Equal(t, [][]string{{"z1", "q1"}}, bus.calls)

		second, s.timeout = true, 0
		_, err = s.deliver(t, h)
		require.NoError(t, err)
		require.Equal(t, []string{"p1"}, sink.ids())
		require.ElementsMatch(t, []string{"z1", "q1", "q2", "p2", "w1", "z2"}, bus.accepted, "the calls: %v", bus.calls)
	})
}
